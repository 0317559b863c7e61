"""How a failed assertion reads: what was expected, what was found instead, and where.

Owns the shape of its message, which fits a test's report. Does not judge.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Final

from agentvcr.model.text import printable
from agentvcr.providers.body import json_text

WIDTH: Final = 76
"""Characters of a line: pytest puts four before it."""
_MOST_LINES: Final = 12
MOST_DIFFERENT: Final = 60
"""Lines of a difference that are told."""


class ExpectationFailed(AssertionError):  # noqa: N818  (it reads as what it says in a report)
    """A run, or a step of it, is not what a test expects."""

    __module__ = "agentvcr.assertions"  # so that a test's report is not wider than it has to be


def failed(  # noqa: PLR0913  (the parts of a message)
    said: str,
    *,
    where: str,
    title: str = "",
    lines: Iterable[str] = (),
    most: int = _MOST_LINES,
    cure: str = "",
) -> ExpectationFailed:
    """Make the error of an assertion.

    Args:
        said: What was expected and what was found, in one line.
        where: The run, or the step of it.
        title: What the lines are.
        lines: What was found, each in a line.
        most: How many of them are told.
        cure: What to do, whole, however long it is.
    """
    told = [_short(one) for one in lines]
    more = len(told) - most
    if more > 1:
        told[most:] = [f"… and {more} more"]
    parts = [_folded(said), _short(f"  in {where}")]
    if told:
        parts += [f"  {title}:", *(f"    {one}" for one in told)]
    if cure:
        parts.append(f"  {one_line(cure)}")
    return ExpectationFailed("\n".join(parts))


def one_line(text: str) -> str:
    """Put recorded text in one line that is safe to show."""
    return printable(" ".join(text.split()))


def in_words(value: object) -> str:
    """Write what a test expects: a text as it is, else as JSON, or as Python has it."""
    try:
        return json_text(value)  # type: ignore[arg-type]  # whatever a test expects
    except (TypeError, ValueError):
        return repr(value)


def cut(text: str, length: int) -> str:
    """Shorten a line."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def difference(expected: str, found: str) -> list[str]:
    """Say where two texts part: of one line each both, else the lines around what differs."""
    before, after = expected.splitlines(), found.splitlines()
    if len(before) <= 1 and len(after) <= 1:
        return [f"- {_around(expected, found)}", f"+ {_around(found, expected)}"]
    compared = difflib.unified_diff(before, after, lineterm="", n=2)
    return [line for line in compared if not line.startswith(("---", "+++"))]


def _around(text: str, other: str) -> str:
    """Give a line of a text from shortly before it parts from another."""
    same = next(
        (at for at, pair in enumerate(zip(text, other, strict=False)) if len({*pair}) > 1), 0
    )
    start = same - WIDTH // 3
    return text if start <= 0 or len(text) <= WIDTH // 2 else f"…{text[start:]}"


def _folded(said: str) -> str:
    """Break a sentence where it is longer than a line."""
    words: Sequence[str] = one_line(said).split(" ")
    lines = [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + 1 + len(word) > WIDTH:
            lines.append(f"  {word}")
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return "\n".join(lines)


def _short(line: str) -> str:
    kept = printable(line.expandtabs(2)).replace("\n", "\\n")
    return cut(kept, WIDTH - 4)
