"""One change, drawn: the lines that differ, and within a line the words.

Owns how two texts are set against each other. Does not find differences (`diff`): what is
marked here is layout, so that an eye finds in two long texts what is already known to differ.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from agentvcr.reporters.base import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from agentvcr.model.results import Change

LINES_SHOWN = 16
"""Lines of a change that are drawn at most."""
LONGEST_LINE = 400
"""Characters of a line that are drawn at most; of a longer one, the part that differs."""
CONTEXT = 1
NEAR = 60
"""Characters kept around a difference within a very long line."""

_WORD = re.compile(r"\w+|\s+|[^\w\s]")
_STYLE = {"-": "red", "+": "green", " ": "dim"}


def draw_change(change: Change, console: Console) -> None:
    """Draw where a change is, then its old and new lines."""
    console.print(Text(f"  {printable(change.where)}", "bold"))
    lines = list(_lines(change.before, change.after))
    grid = Table.grid()
    grid.add_column(width=6, no_wrap=True)
    grid.add_column(overflow="fold")
    for mark, line in lines[:LINES_SHOWN]:
        grid.add_row(Text(f"    {mark} ", _STYLE[mark]), line)
    console.print(grid)
    if len(lines) > LINES_SHOWN:
        console.print(Text(f"    … {len(lines) - LINES_SHOWN:,} more lines", "dim"))


def _lines(before: str | None, after: str | None) -> Iterator[tuple[str, Text]]:
    old, new = _split(before), _split(after)
    if old is None or new is None:
        mark, lines = ("+", new) if old is None else ("-", old)
        yield from ((mark, Text(_short(line), _STYLE[mark])) for line in lines or [])
        return
    matcher = SequenceMatcher(None, old, new)
    for group in matcher.get_grouped_opcodes(CONTEXT):
        for kind, a_from, a_to, b_from, b_to in group:
            if kind == "equal":
                yield from ((" ", Text(_short(line), "dim")) for line in old[a_from:a_to])
            elif a_to - a_from == b_to - b_from:
                for left, right in zip(old[a_from:a_to], new[b_from:b_to], strict=True):
                    yield from _marked(left, right)
            else:
                yield from (("-", Text(_short(line), "red")) for line in old[a_from:a_to])
                yield from (("+", Text(_short(line), "green")) for line in new[b_from:b_to])


def _marked(old: str, new: str) -> Iterator[tuple[str, Text]]:
    """Give an old line and its new one, with the words that differ underlined."""
    if max(len(old), len(new)) > LONGEST_LINE:
        old, new = _window(old, new)
    old_words, new_words = _WORD.findall(old), _WORD.findall(new)
    left, right = Text(style="red"), Text(style="green")
    matcher = SequenceMatcher(None, old_words, new_words, autojunk=False)
    for kind, a_from, a_to, b_from, b_to in matcher.get_opcodes():
        style = "" if kind == "equal" else "bold underline"
        left.append("".join(old_words[a_from:a_to]), style)
        right.append("".join(new_words[b_from:b_to]), style)
    yield "-", left
    yield "+", right


def _window(old: str, new: str) -> tuple[str, str]:
    """Cut two very long lines down to the surroundings of what differs."""
    shortest = min(len(old), len(new))
    head = next((i for i in range(shortest) if old[i] != new[i]), shortest)
    tail = 0
    while tail < shortest - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    start = max(0, head - NEAR)
    lead = "…" if start else ""
    left, right = (lead + line[start : len(line) - tail + NEAR] for line in (old, new))
    return _short(left), _short(right)


def _short(line: str) -> str:
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…"


def _split(told: str | None) -> Sequence[str] | None:
    return None if told is None else printable(told).split("\n")
