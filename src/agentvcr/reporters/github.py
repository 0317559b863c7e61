"""Several replays as GitHub's annotations: lines on standard output that its runner reads.

Owns how they are escaped, as the runner takes them apart again (`ActionCommand.cs` of
actions/runner), how many there are, and how other text is kept from being read as commands. A
runner takes a line for a command that begins with `::`, also behind blanks, or has `##[` anywhere.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from agentvcr.reporters.base import counted, printable
from agentvcr.reporters.failure import render_failure
from agentvcr.reporters.suite import gist, verdict_word

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from agentvcr.model.report import CaseReport

Level = Literal["error", "warning", "notice"]

MOST: Final = 10
"""Annotations of each level that GitHub shows of a step; it shows 50 of a job."""
_MOST_MESSAGE: Final = 4_000
"""Characters of a message; the runner cuts at 4,096."""
_MOST_TITLE: Final = 250
_MOST_NAMED: Final = 40


class Folders(NamedTuple):
    """Where GitHub's names of files begin, and where ours do."""

    root: PurePath
    here: PurePath


def annotations_of(
    cases: Iterable[CaseReport], folders: Folders | None = None, *, noun: str = "cassette"
) -> Iterator[str]:
    """Give a line for each case that failed or differs, the last of ten for all that are left.

    Args:
        cases: Their reports.
        folders: Where names of files begin, if not in the same folder.
        noun: What a case is called.
    """
    failed, differing = [], []
    for case in cases:
        if case.verdict == "error" or not case.passed:
            failed.append(case)
        elif case.verdict in ("benign", "regression"):
            differing.append(case)
    yield from _of("error", failed, folders, noun)
    yield from _of("warning", differing, folders, noun)


def _of(
    level: Level, cases: Sequence[CaseReport], folders: Folders | None, noun: str
) -> Iterator[str]:
    shown = cases if len(cases) <= MOST else cases[: MOST - 1]
    for case in shown:
        yield _annotation(level, case, folders)
    rest = cases[len(shown) :]
    if rest:
        named = [f"{verdict_word(one.verdict)}: {one.name}" for one in rest[:_MOST_NAMED]]
        if len(rest) > _MOST_NAMED:
            named.append(f"and {len(rest) - _MOST_NAMED:,} more")
        yield annotation(level, "\n".join(named), title=f"and {counted(len(rest), f'more {noun}')}")


def _annotation(level: Level, case: CaseReport, folders: Folders | None) -> str:
    failure = case.failure
    text = render_failure(failure) if failure else gist(case)
    file, line = (failure.file, failure.line) if failure else (case.path, None)
    title = f"{verdict_word(case.verdict)}: {case.name}"
    return annotation(level, text, title=title, file=_named(file or case.path, folders), line=line)


def annotation(
    level: Level, message: str, *, title: str, file: str = "", line: int | None = None
) -> str:
    """Write one annotation, which is one line whatever stands in it.

    Args:
        level: How bad it is.
        message: The text, which may have several lines.
        title: What stands above it.
        file: The file that it is put at, from the repository's root; none where it is empty.
        line: The line there; the first where it is left out.
    """
    properties = {"file": file, "line": str(line or 1) if file else "", "title": title}
    told = ",".join(
        f"{name}={_property(_cut(value, _MOST_TITLE) if name == 'title' else value)}"
        for name, value in properties.items()
        if value
    )
    return f"::{level} {told}::{_data(_cut(message, _MOST_MESSAGE))}"


def without_commands(text: str, token: str) -> Iterator[str]:
    """Give the lines of a text between two that keep the runner from reading commands in it.

    Args:
        text: Whatever is to be printed.
        token: A word that nobody can guess, and so cannot write into a recording.
    """
    yield f"::stop-commands::{token}"
    yield from text.split("\n")
    yield f"::{token}::"


def without_a_command(line: str) -> str:
    """Write a line so that the runner reads no command in it, whatever stands there."""
    line = line.replace("##[", "#\\#[")
    return line.replace("::", ":\\:", 1) if line.lstrip().startswith("::") else line


def _named(file: str, folders: Folders | None) -> str:
    if folders is not None and (place := folders.here / file).is_relative_to(folders.root):
        return place.relative_to(folders.root).as_posix()
    return PurePath(file).as_posix()


def _cut(text: str, most: int) -> str:
    shown = printable(text[: most + 1])
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(printable(text)).replace(":", "%3A").replace(",", "%2C")
