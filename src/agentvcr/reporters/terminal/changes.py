"""One change, drawn: the lines that differ, and within a line the words.

Owns how much of a change is drawn and what is marked in it. Does not pair lines (`lines`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from agentvcr.diff.excerpt import around_difference
from agentvcr.reporters.base import counted, printable
from agentvcr.reporters.lines import Line, set_against, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from agentvcr.model.results import Change, Use

LINES_SHOWN = 16
"""Lines of a change that are drawn at most."""
LONGEST_LINE = 400
"""Characters of a line that are drawn at most; of a longer one, the part that differs."""
NEAR = 60
"""Characters kept around a difference within a very long line."""
_MOST_USES = 10

_STYLE = {"-": "red", "+": "green", " ": "dim"}


def draw_change(change: Change, console: Console) -> None:
    """Draw where a change is, then its old and new lines."""
    console.print(Text(f"  {printable(change.where)}", "bold"), soft_wrap=True)
    draw_sides(change.before, change.after, console)


def draw_sides(before: str | None, after: str | None, console: Console) -> None:
    """Draw the old and the new lines of a text, as far as they differ."""
    lines = list(set_against(before, after))
    grid = Table.grid()
    grid.add_column(width=6, no_wrap=True)
    grid.add_column(overflow="fold")
    for line in lines[:LINES_SHOWN]:
        grid.add_row(Text(f"    {line.mark} ", _STYLE[line.mark]), marked(line))
    console.print(grid)
    if len(lines) > LINES_SHOWN:
        console.print(Text(f"    … {counted(len(lines) - LINES_SHOWN, 'more line')}", "dim"))


def marked(line: Line) -> Text:
    """Give a line, cut to what matters, with the words underlined that its counterpart lacks."""
    style = _STYLE[line.mark]
    if line.other is None:
        return Text(_short(line.text), style)
    shown, other = line.text, line.other
    if max(len(shown), len(other)) > LONGEST_LINE:
        cut = around_difference(shown, other, most=LONGEST_LINE, near=NEAR, behind=NEAR)
        shown, other = (one or "" for one in cut)
    text = Text(style=style)
    for piece, differs in words(shown, other):
        text.append(piece, "bold underline" if differs else "")
    return text


def _short(line: str) -> str:
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…"


def draw_uses(
    heading: str, uses: Sequence[Use], console: Console, *, is_source: bool = False
) -> None:
    """Draw edges of the data flow, a line each; nothing where there is none."""
    if not uses:
        return
    console.print()
    console.print(Text(heading, "bold"))
    for use in uses[:_MOST_USES]:
        line = Text(f"  {printable(use.source if is_source else use.target)}", "cyan")
        line.append(printable(f"  {use.where}: {use.text}"), "dim")
        console.print(line, no_wrap=True, overflow="ellipsis")
    if len(uses) > _MOST_USES:
        console.print(Text(f"  and {len(uses) - _MOST_USES:,} more"))
