"""Text in lines of so many cells: folded, and two texts side by side.

Owns how wide a character is where a font has one width, where a line is folded, and how changed
words are marked without colour. Does not find what differs (`lines`).
"""

from __future__ import annotations

import re
import unicodedata
from itertools import zip_longest
from typing import TYPE_CHECKING, Final, NamedTuple

from agentvcr.diff.excerpt import around_difference
from agentvcr.reporters.base import counted
from agentvcr.reporters.lines import set_against, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from agentvcr.reporters.lines import Line

_MARGIN: Final = "  "
_BETWEEN: Final = " | "
_MOST_FOLDS: Final = 4
"""Lines of a column that one line of text may take; longer ones stand below each other."""
_MOST_LINES: Final = 24
"""Lines of text that are shown, of both sides."""
_LONGEST: Final = 400
"""Characters of a line that are shown whole; of a longer one, the part that differs."""
_NEAR: Final = 60
_HAS_WORD: Final = re.compile(r"\w")
_Piece = tuple[str, bool]
"""Some text, and whether it is marked."""


class _Row(NamedTuple):
    """A line as it is written, and the marks below it."""

    text: str
    marks: str


class _Pair(NamedTuple):
    """A line of each side; None: that side has none there."""

    before: list[_Piece] | None
    after: list[_Piece] | None


def cells(text: str) -> int:
    """Give how many columns of a terminal a text takes."""
    return sum(map(_width, text))


def _width(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def folded(text: str, width: int, *, first: str = "") -> Iterator[str]:
    """Fold each line of a text at `width` cells, at a blank where there is one.

    Args:
        text: Fit to be shown (`printable`).
        width: Of the whole line.
        first: What the first line begins with; all others begin with as many blanks.
    """
    lead = first
    for line in text.split("\n"):
        for row in _fold([(line, False)], width - cells(first)):
            yield (lead + row.text).rstrip()
            lead = " " * cells(first)


def set_beside(before: str | None, after: str | None, width: int) -> Iterator[str]:
    """Give two texts as far as they differ: in two columns where that fits, else in turns."""
    pairs = list(_pairs(before, after))
    column = (width - len(_MARGIN) - len(_BETWEEN)) // 2
    if before is not None and after is not None and _fits(pairs, column):
        yield from _columns(pairs[:_MOST_LINES], column)
    else:
        yield from _in_turns(pairs[:_MOST_LINES], before, after, width)
    if len(pairs) > _MOST_LINES:
        yield f"{_MARGIN}… {counted(len(pairs) - _MOST_LINES, 'more line')}"


# --- pairs of lines -------------------------------------------------------------------------------


def _pairs(before: str | None, after: str | None) -> Iterator[_Pair]:
    old: list[Line] = []
    new: list[Line] = []
    for line in set_against(before, after):
        if line.mark == "-":
            old.append(line)
        elif line.mark == "+":
            new.append(line)
        else:
            yield from _matched(old, new)
            old, new = [], []
            equal = [(_visible(_shortened(line.text, None)), False)]
            yield _Pair(equal, equal)
    yield from _matched(old, new)


def _matched(old: Sequence[Line], new: Sequence[Line]) -> Iterator[_Pair]:
    for left, right in zip_longest(old, new):
        yield _Pair(_pieces(left, right), _pieces(right, left))


def _pieces(line: Line | None, other: Line | None) -> list[_Piece] | None:
    """Mark what differs, where there is a line of the other side and it has a word in common."""
    if line is None:
        return None
    if other is None:
        return [(_visible(_shortened(line.text, None)), False)]
    shown = _shortened(line.text, other.text), _shortened(other.text, line.text)
    pieces = list(words(*shown))
    is_akin = any(not differs and _HAS_WORD.search(piece) for piece, differs in pieces)
    return [(_visible(piece), differs and is_akin) for piece, differs in pieces]


def _shortened(line: str, other: str | None) -> str:
    if max(len(line), len(other or "")) <= _LONGEST:
        return line
    kept, _ = around_difference(line, other, most=_LONGEST, near=_NEAR, behind=_NEAR)
    return kept or ""


def _visible(text: str) -> str:
    return text.replace("\t", "\\t")


# --- layouts --------------------------------------------------------------------------------------


def _fits(pairs: Iterable[_Pair], column: int) -> bool:
    sides = [side for pair in pairs for side in pair if side is not None]
    return all(cells("".join(text for text, _ in one)) <= column * _MOST_FOLDS for one in sides)


def _columns(pairs: Iterable[_Pair], column: int) -> Iterator[str]:
    yield _beside("recorded", "now", column)
    yield _beside("-" * column, "-" * column, column)
    for pair in pairs:
        sides = [_fold(one or [], column) for one in pair]
        for left, right in zip_longest(*sides, fillvalue=_Row("", "")):
            yield _beside(left.text, right.text, column)
            if left.marks or right.marks:
                yield _beside(left.marks, right.marks, column)


def _beside(left: str, right: str, column: int) -> str:
    return f"{_MARGIN}{left}{' ' * (column - cells(left))}{_BETWEEN}{right}".rstrip()


def _in_turns(
    pairs: Sequence[_Pair], before: str | None, after: str | None, width: int
) -> Iterator[str]:
    for name, mark, whole in (("recorded", "-", before), ("now", "+", after)):
        if whole is None:
            yield f"{_MARGIN}{name}: (absent)"
            continue
        yield f"{_MARGIN}{name}:"
        for pair in pairs:
            side = pair.before if mark == "-" else pair.after
            is_context = pair.before is not None and pair.before == pair.after
            yield from _marked(side, " " if is_context else mark, width)


def _marked(side: list[_Piece] | None, mark: str, width: int) -> Iterator[str]:
    lead = f"{_MARGIN}{_MARGIN}{mark} "
    for row in _fold(side, width - len(lead)) if side is not None else ():
        yield (lead + row.text).rstrip()
        if row.marks:
            yield " " * len(lead) + row.marks
        lead = " " * len(lead)


def _fold(pieces: Iterable[_Piece], width: int) -> list[_Row]:
    """Fold one line, with what is marked of it."""
    units: list[tuple[str, int, bool]] = []
    for text, is_marked in pieces:
        for char in text:
            size = _width(char)
            if size == 0 and units:
                last = units[-1]
                units[-1] = (last[0] + char, last[1], last[2])
            else:
                units.append((char, size, is_marked))
    rows = []
    while len(taken := _taken(units, width)) < len(units):
        rows.append(_row(taken))
        units = units[len(taken) :]
    return [*rows, _row(units)]


def _taken(units: list[tuple[str, int, bool]], width: int) -> list[tuple[str, int, bool]]:
    """Take as many as fit, to the last blank where that is not too far back."""
    used = 0
    for count, (_, size, _) in enumerate(units):
        used += size
        if used > width:
            blank = next((at for at in range(count, count // 2, -1) if units[at - 1][0] == " "), 0)
            return units[: blank or max(1, count)]
    return units


def _row(units: Iterable[tuple[str, int, bool]]) -> _Row:
    units = list(units)
    marks = "".join(("^" if is_marked else " ") * size for _, size, is_marked in units)
    return _Row("".join(char for char, _, _ in units), marks.rstrip())
