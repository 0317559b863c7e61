"""What became of imported files, for `import`.

Owns its look: the sums first, each file only where they are few, and every one that was refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from agentvcr.reporters.base import counted, gained, imported_files, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from agentvcr.model.imported import Imported, ImportedFile

FEW = 10
"""So many files are named one by one."""
REFUSED_SHOWN = 100


def draw_imported(result: Imported, console: Console) -> None:
    """Draw the sums, what is worth a note, and what was refused with its reason."""
    totals = result.totals
    console.print(Text(imported_files(totals), "bold"), soft_wrap=True)
    if len(result.files) <= FEW:
        for one in result.files:
            if one.error is None:
                console.print(_line(one), soft_wrap=True)
    if totals.credentials:
        told = f"{counted(totals.credentials, 'credential')} replaced by placeholders"
        console.print(Text(told), soft_wrap=True)
    for note in totals.notes:
        console.print(Text(f"note: {printable(note)}", "dim"), soft_wrap=True)
    for line in _refusals([one for one in result.files if one.error is not None]):
        console.print(line, soft_wrap=True)


def _line(one: ImportedFile) -> Text:
    told = Text(f"  {printable(one.source)} → ")
    told.append(printable(one.target), "bold")
    return told.append(f"  {counted(one.exchanges, 'exchange')}, {gained(one)}", "dim")


def _refusals(refused: list[ImportedFile]) -> Iterator[Text]:
    for one in refused[:REFUSED_SHOWN]:
        yield Text(f"refused: {printable(one.source)}", "red")
        yield Text(f"  {printable(one.error or '')} [{one.slug}]")
    if len(refused) > REFUSED_SHOWN:
        yield Text(f"refused: {len(refused) - REFUSED_SHOWN:,} more, which --json lists", "red")
