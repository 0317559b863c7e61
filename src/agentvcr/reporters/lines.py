"""Two texts set against each other, line by line.

Owns which lines are shown and how they pair. Does not find differences (`diff`): what is marked
here is layout, so that an eye finds in two long texts what is already known to differ.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Literal

import msgspec

from agentvcr.reporters.base import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTEXT = 1
"""Equal lines shown on either side of those that differ."""

_NO_BLANKS = "\u2e80-\ua4cf\uf900-\ufaff\U00020000-\U0003ffff"
"""Scripts that put no blanks between words, so that a sign is taken for one."""
_WORD = re.compile(rf"[{_NO_BLANKS}]|[^\W{_NO_BLANKS}]+|\s+|[^\w\s]")


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of one text or of both; `other` is the line that stands in its place."""

    mark: Literal["-", "+", " "]
    text: str
    other: str | None = None


def set_against(before: str | None, after: str | None) -> Iterator[Line]:
    """Give the lines that differ and those next to them; a text that is None has no lines."""
    old, new = _split(before), _split(after)
    if before is None or after is None:
        yield from (Line(mark="-", text=line) for line in old)
        yield from (Line(mark="+", text=line) for line in new)
        return
    for group in SequenceMatcher(None, old, new).get_grouped_opcodes(CONTEXT):
        for kind, a_from, a_to, b_from, b_to in group:
            if kind == "equal":
                yield from (Line(mark=" ", text=line) for line in old[a_from:a_to])
            else:
                yield from _replaced(old[a_from:a_to], new[b_from:b_to])


def words(line: str, other: str) -> Iterator[tuple[str, bool]]:
    """Give a line in pieces, each with whether `other` lacks it."""
    own, theirs = _WORD.findall(line), _WORD.findall(other)
    matcher = SequenceMatcher(None, own, theirs, autojunk=False)
    for kind, start, end, _, _ in matcher.get_opcodes():
        yield "".join(own[start:end]), kind != "equal"


def _replaced(old: list[str], new: list[str]) -> Iterator[Line]:
    if len(old) == len(new):
        for left, right in zip(old, new, strict=True):
            yield Line(mark="-", text=left, other=right)
            yield Line(mark="+", text=right, other=left)
    else:
        yield from (Line(mark="-", text=line) for line in old)
        yield from (Line(mark="+", text=line) for line in new)


def _split(told: str | None) -> list[str]:
    return [] if told is None else printable(told).split("\n")
