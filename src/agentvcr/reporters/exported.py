"""The lines at the end of an export.

Owns their wording. Plain text for standard error, since standard output may be the export itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from agentvcr.reporters.base import counted, printable

if TYPE_CHECKING:
    from agentvcr.interop.foreign import Exported

_MOST = 5


def render(result: Exported, out: TextIO) -> None:
    """Write the lines, each beginning with `agentvcr:`."""
    whole = result.written + len(result.left_out)
    lines = [f"exported {result.written:,} of {counted(whole, 'exchange')}"]
    by_reason: dict[str, list[int]] = {}
    for one in result.left_out:
        by_reason.setdefault(one.reason, []).append(one.number)
    lines += [f"left out {_named(found)}: {why}" for why, found in by_reason.items()]
    lines += [f"lost: {note}" for note in result.notes]
    out.writelines(f"agentvcr: {printable(line)}\n" for line in lines)


def _named(numbers: list[int]) -> str:
    shown = ", ".join(str(number) for number in numbers[:_MOST])
    rest = f" and {len(numbers) - _MOST:,} more" if len(numbers) > _MOST else ""
    return f"{'exchange' if len(numbers) == 1 else 'exchanges'} {shown}{rest}"
