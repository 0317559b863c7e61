"""JUnit's XML, as those read it who take it in."""

from __future__ import annotations

import io
from pathlib import Path

import junitparser
from lxml import etree

from agentvcr.reporters import junit
from agentvcr.reporters.failure import render_failure
from tests.golden.make_failures import FAILURES
from tests.unit.reporters.reported import evil_failure, failing, report

SCHEMA = Path(__file__).parents[2] / "support" / "junit-10.xsd"


def written(told):
    out = io.StringIO()
    junit.render(told, out)
    return out.getvalue()


def valid(text):
    """Give a file that holds to the schema."""
    tree = etree.fromstring(text.encode())
    etree.XMLSchema(etree.parse(SCHEMA)).assertValid(tree)
    return tree


def test_the_file_holds_to_the_schema_of_jenkins_and_pytest():
    valid(written(report()))
    valid(written(report(failing("evil", evil_failure()))))
    valid(written(report().__class__(cases=())))


def test_a_reader_finds_a_case_a_cassette_with_its_outcome():
    found = junitparser.JUnitXml.fromstring(written(report()).encode())
    assert (found.tests, found.failures, found.errors) == (6, 1, 1)
    outcomes = {
        suite.name: [type(one).__name__ for case in suite for one in case.result] for suite in found
    }
    assert outcomes == {
        "fine": [],
        "called": ["Failure"],
        "said": [],
        "hung": ["Error"],
        "imported": ["Skipped"],
        "late": ["Skipped"],
    }


def test_a_failure_is_the_text_that_a_terminal_shows():
    found = junitparser.JUnitXml.fromstring(written(report()).encode())
    case = next(case for suite in found for case in suite if case.name == "called")
    assert case.result[0].text == render_failure(FAILURES["tool_call"])
    assert case.result[0].message == "llm[0] calls a tool otherwise"
    assert case.time == 1.5


def test_what_passed_with_other_words_tells_them_all_the_same():
    found = junitparser.JUnitXml.fromstring(written(report()).encode())
    case = next(case for suite in found for case in suite if case.name == "said")
    assert case.system_out == render_failure(FAILURES["wording"])


def test_the_properties_say_what_a_program_wants_to_know():
    found = junitparser.JUnitXml.fromstring(written(report()).encode())
    suite = next(suite for suite in found if suite.name == "called")
    assert {one.name: one.value for one in suite.properties()} == {
        "agentvcr.verdict": "regression",
        "agentvcr.cassette": "cassettes/called.avcr",
        "agentvcr.replay": "cassettes/called.last.avcr",
        "agentvcr.kind": "tool_call",
        "agentvcr.step": "1 llm[0]  gpt-4o-mini",
        "agentvcr.field": "response.tool_calls[0].arguments.query",
        "agentvcr.record": "agentvcr record --force -o cassettes/trip.avcr -- python trip.py",
    }
