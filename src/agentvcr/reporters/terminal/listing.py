"""The cassettes of a folder, for `ls`.

Owns the listing's look: a line of figures a cassette, and below it what was run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from agentvcr.reporters.base import command_line, ending, printable, size, tokens

if TYPE_CHECKING:
    from rich.console import Console

    from agentvcr.model.results import CassetteRow, Listing


TITLES = ("cassette", "started", "llm", "tool", "size", "end")
NUMBERS = {"llm", "tool", "size"}
SHORTEST_NAME = 16
GAP = 2


def draw_listing(result: Listing, console: Console) -> None:
    """Draw a line a cassette, or what is wrong with it."""
    if not result.cassettes:
        console.print(Text(printable(f"No cassette in {result.folder}")), soft_wrap=True)
        return
    rows = [_cells(cassette) for cassette in result.cassettes]
    columns = zip(*[[Text(title) for title in TITLES], *rows], strict=True)
    widths = [max(cell.cell_len for cell in column) for column in columns]
    widths[0] = min(widths[0], max(SHORTEST_NAME, console.width - sum(widths[1:]) - GAP * 5))
    console.print(_line([Text(title) for title in TITLES], widths), style="bold", no_wrap=True)
    for cells, cassette in zip(rows, result.cassettes, strict=True):
        console.print(_line(cells, widths), no_wrap=True)
        second = _second_line(cassette)
        second.truncate(console.width, overflow="ellipsis")
        console.print(second, no_wrap=True)


def _line(cells: list[Text], widths: list[int]) -> Text:
    line = Text()
    for title, cell, width in zip(TITLES, cells, widths, strict=True):
        shown = cell.copy()
        shown.truncate(width, overflow="ellipsis")
        shown.align("right" if title in NUMBERS else "left", width)
        line.append_text(shown).append(" " * GAP)
    return line


def _cells(cassette: CassetteRow) -> list[Text]:
    name = Text(printable(cassette.name), "bold")
    run = cassette.run
    if run is None:
        bad = Text(cassette.slug or "unreadable", "red")
        return [name, Text(), Text(), Text(), Text(size(cassette.size)), bad]
    whole = run.state in {"complete", "unfinished"}
    return [
        name,
        Text(run.started[:16].replace("T", " ")),
        Text(f"{run.totals.llm:,}"),
        Text(f"{run.totals.tool:,}"),
        Text(size(cassette.size)),
        Text(ending(run) if whole else run.state, "" if whole else "red"),
    ]


def _second_line(cassette: CassetteRow) -> Text:
    """Give the command and its tokens, or what is wrong with the file."""
    if cassette.run is None:
        return Text(f"  {printable(cassette.error or '')}", "red")
    totals = cassette.run.totals
    told = f"  $ {command_line(cassette.run)}"
    if totals.input_tokens or totals.output_tokens:
        told += f"  ({tokens(totals.input_tokens, totals.output_tokens)} tokens)"
    return Text(told, "dim")
