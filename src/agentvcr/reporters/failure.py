"""A failure as text: which step, which field, old beside new, why that may be, what to do.

Owns the words and their order, for every reader alike: a terminal, a JUnit file, a page, the report
of a test framework. Plain text without colour, in lines of so many columns.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from agentvcr.diff.excerpt import around_difference
from agentvcr.reporters.base import printable
from agentvcr.reporters.columns import cells, folded, set_beside
from agentvcr.reporters.surroundings import tell_changed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agentvcr.model.report import FailureReport

WIDTH: Final = 80
_MOST_SHOWN: Final = 2_000
"""Characters of a side that are looked at; one who fills a failure has cut it already."""
_NEAR: Final = 300
_MOST_OTHERS: Final = 5
_MOST_TEXT: Final = 30
"""Lines of what else there is to read."""
_LONGEST_NAME: Final = 300
_AGAIN: Final = "To record it anew:"


def render_failure(failure: FailureReport, width: int = WIDTH) -> str:
    """Write a failure in lines of at most `width` columns, without a newline at the end.

    A word of a command that is longer stays whole: it is there to be copied.
    """
    return "\n".join(_lines(failure, width))


def _lines(failure: FailureReport, width: int) -> Iterator[str]:
    yield from folded(_line(failure.title), width)
    if failure.step or failure.where:
        yield ""
    for name, what in (("step", failure.step), ("field", failure.where)):
        if what:
            yield from folded(_line(what), width, first=f"  {name:<5}  ")
    if failure.before is not None or failure.after is not None:
        yield ""
        both = failure.before, failure.after
        sides = around_difference(*both, most=_MOST_SHOWN, near=_NEAR, behind=_NEAR)
        yield from set_beside(*sides, width)
    yield from _text(failure.text, width)
    yield from _besides(failure, width)
    yield from _commands(failure, width)


def _text(text: str, width: int) -> Iterator[str]:
    if not text:
        return
    yield ""
    lines = list(folded(printable(text).replace("\t", "    "), width, first="  "))
    yield from lines[:_MOST_TEXT]
    if len(lines) > _MOST_TEXT:
        yield f"  … {len(lines) - _MOST_TEXT:,} more"


def _besides(failure: FailureReport, width: int) -> Iterator[str]:
    if failure.others:
        yield ""
        yield "  Besides:"
    for one in failure.others[:_MOST_OTHERS]:
        where = f"{one.step}: {one.text}" if one.step else one.text
        yield from folded(_line(where), width, first=f"    {one.kind:<9}  ")
    if len(failure.others) > _MOST_OTHERS:
        yield f"    and {len(failure.others) - _MOST_OTHERS:,} more"
    if failure.changed:
        yield ""
        yield "  Changed since the recording:"
        yield from folded(_line(tell_changed(failure.changed)), width, first="    ")


def _commands(failure: FailureReport, width: int) -> Iterator[str]:
    again = f"To record it anew, in {_line(failure.folder)}:" if failure.folder else _AGAIN
    for name, words in (("Every difference:", failure.compare), (again, failure.again)):
        if words:
            yield ""
            yield f"  {name}"
            yield from _command(words, width)


def _command(words: Sequence[str], width: int) -> Iterator[str]:
    """Write a command for a shell, over several lines where it is long."""
    line = "   "
    for word in map(shlex.quote, words):
        shown = printable(word)
        if line.strip() and cells(line) + 1 + cells(shown) > width - 2:
            yield f"{line} \\"
            line = "     "
        line = f"{line} {shown}"
    yield line


def command_of(words: Sequence[str]) -> str:
    """Write a command in one line, as a shell would take it."""
    return printable(shlex.join(words))


def _line(text: str) -> str:
    """Make one line of recorded text, shortened."""
    line = " ".join(printable(text[: 2 * _LONGEST_NAME]).split())
    return line if len(line) <= _LONGEST_NAME else f"{line[: _LONGEST_NAME - 1]}…"
