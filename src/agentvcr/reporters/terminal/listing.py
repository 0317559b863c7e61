"""The cassettes of a folder, for `ls`.

Owns the table's look.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from agentvcr.reporters.base import command_line, ending, printable, size, tokens

if TYPE_CHECKING:
    from rich.console import Console

    from agentvcr.model.results import CassetteRow, Listing


def draw_listing(result: Listing, console: Console) -> None:
    """Draw a line a cassette, or what is wrong with it."""
    if not result.cassettes:
        console.print(Text(printable(f"No cassette in {result.folder}")), soft_wrap=True)
        return
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, expand=True)
    table.add_column("cassette", no_wrap=True, overflow="ellipsis", max_width=26)
    table.add_column("started", no_wrap=True, width=16)
    table.add_column("llm", justify="right", no_wrap=True)
    table.add_column("tool", justify="right", no_wrap=True)
    table.add_column("tokens", justify="right", no_wrap=True)
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("end", no_wrap=True, overflow="ellipsis", ratio=1)
    for cassette in result.cassettes:
        table.add_row(*_cells(cassette))
    console.print(table)
    for cassette in result.cassettes:
        told = cassette.error if cassette.run is None else None
        if told:
            console.print(Text(printable(f"{cassette.name}: {told}"), "red"), soft_wrap=True)


def _cells(cassette: CassetteRow) -> list[Text | str]:
    name = Text(printable(cassette.name))
    run = cassette.run
    if run is None:
        bad = Text(cassette.slug or "unreadable", "red")
        return [name, "", "", "", "", size(cassette.size), bad]
    totals = run.totals
    ended = ending(run) if run.state in {"complete", "unfinished"} else run.state
    return [
        name,
        run.started[:16].replace("T", " "),
        f"{totals.llm:,}",
        f"{totals.tool:,}",
        tokens(totals.input_tokens, totals.output_tokens),
        size(cassette.size),
        Text(f"{ended}  {command_line(run)}"),
    ]
