"""Several replays as JUnit's XML, for the test page of a CI service.

Owns the layout, which is valid against the schema that Jenkins and pytest use (junit-10.xsd): a
suite for each cassette, since a suite may have properties there and a case may not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TextIO
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from agentvcr.reporters.base import printable
from agentvcr.reporters.failure import command_of, render_failure
from agentvcr.reporters.suite import verdict_word

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentvcr.model.report import CaseReport, SuiteReport

_NAME: Final = "agentvcr"
_NO_CHARACTERS: Final = str.maketrans({"\ufffe": "\\ufffe", "\uffff": "\\uffff"})
"""What XML cannot hold and `printable` leaves."""


def render(report: SuiteReport, out: TextIO) -> None:
    """Write the file."""
    cases = report.cases
    root = Element(
        "testsuites",
        name=_NAME,
        tests=str(len(cases)),
        failures=str(sum(map(_failed, cases))),
        errors=str(report.count("error")),
        time=_time(report.duration_s),
    )
    for case in cases:
        _add(root, case)
    indent(root)
    out.write('<?xml version="1.0" encoding="utf-8"?>\n')
    ElementTree(root).write(out, encoding="unicode")
    out.write("\n")


def properties_of(case: CaseReport) -> Iterator[tuple[str, str]]:
    """Give what a program may want to know of a case, by name: verdict, cassette, step, command."""
    yield "agentvcr.verdict", case.verdict
    yield "agentvcr.cassette", _fit(case.path)
    if case.kept is not None:
        yield "agentvcr.replay", _fit(case.kept)
    failure = case.failure
    if failure is not None:
        yield "agentvcr.kind", failure.kind
        for name, told in (("step", failure.step), ("field", failure.where)):
            if told is not None:
                yield f"agentvcr.{name}", _fit(told)
        if failure.again:
            yield "agentvcr.record", _fit(command_of(failure.again))


def _add(root: Element, case: CaseReport) -> None:
    counts = {
        "tests": True,
        "failures": _failed(case),
        "errors": case.verdict == "error",
        "skipped": _was_left_out(case),
    }
    time = _time(case.duration_s)
    suite = SubElement(root, "testsuite", name=_fit(case.name), time=time)
    for name, is_so in counts.items():
        suite.set(name, str(int(is_so)))
    properties = SubElement(suite, "properties")
    for name, value in properties_of(case):
        SubElement(properties, "property", name=name, value=value)
    one = SubElement(suite, "testcase", classname=_NAME, name=_fit(case.name), time=time)
    text = _fit(render_failure(case.failure)) if case.failure else _fit(case.why)
    message = _fit(case.failure.title) if case.failure else _fit(case.why)
    if case.verdict == "error":
        SubElement(one, "error", type=case.verdict, message=message).text = text
    elif _failed(case):
        SubElement(one, "failure", type=case.verdict, message=message).text = text
    elif _was_left_out(case):
        SubElement(one, "skipped", type=verdict_word(case.verdict), message=message)
    elif text:
        SubElement(one, "system-out").text = text


def _failed(case: CaseReport) -> bool:
    return not case.passed and case.verdict in ("benign", "regression")


def _was_left_out(case: CaseReport) -> bool:
    return case.verdict in ("skipped", "not_run")


def _time(seconds: float) -> str:
    return f"{seconds:.3f}"


def _fit(text: str) -> str:
    return printable(text).translate(_NO_CHARACTERS)
