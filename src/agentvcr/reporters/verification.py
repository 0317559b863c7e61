"""What `verify` found, in lines.

Owns their wording.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from agentvcr.model.verification import VerifiedFiles
from agentvcr.reporters.base import counted, printable, size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentvcr.model.verification import Repair, Verification

PROBLEMS_SHOWN = 10
NUMBERS_SHOWN = 20


def render(result: Verification | VerifiedFiles, out: TextIO) -> None:
    """Write the lines."""
    files = result.files if isinstance(result, VerifiedFiles) else (result,)
    for file in files:
        out.writelines(f"{printable(line)}\n" for line in _lines(file))
    if isinstance(result, VerifiedFiles):
        out.writelines(f"{printable(one.error)} [{one.slug}]\n" for one in result.refused)


def _lines(result: Verification) -> Iterator[str]:
    yield f"{result.path}: {_state(result)}, {size(result.size)}"
    held = [counted(result.frames, "frame"), counted(result.exchanges, "exchange")]
    if result.pieces:
        held.append(counted(result.pieces, "piece"))
    if result.in_flight:
        held.append(f"{result.in_flight} in flight")
    yield f"  {', '.join(held)}" + ("" if result.has_end else "; it does not say how the run ended")
    for problem in result.problems[:PROBLEMS_SHOWN]:
        yield f"  {problem.where}: {problem.what}"
    if len(result.problems) > PROBLEMS_SHOWN:
        yield f"  and {counted(len(result.problems) - PROBLEMS_SHOWN, 'problem')} more"
    if result.repair is not None:
        yield from _repair(result.repair)
    elif result.problems:
        yield f"  to save what can be saved: agentvcr verify {result.path} --repair"


def _state(result: Verification) -> str:
    if result.state == "torn journal":
        return f"journal torn at {result.problems[0].where}"
    if result.state == "damaged":
        return "DAMAGED"
    return "sealed, whole" if result.state == "sealed" else "journal, whole"


def _repair(repair: Repair) -> Iterator[str]:
    yield f"  saved {counted(repair.exchanges, 'exchange')} in {repair.path}"
    if repair.lost:
        numbers = ", ".join(map(str, repair.lost[:NUMBERS_SHOWN]))
        more = f" and {len(repair.lost) - NUMBERS_SHOWN} more" * (len(repair.lost) > NUMBERS_SHOWN)
        yield f"  lost: exchanges {numbers}{more}"
    elif repair.lost_bytes:
        yield f"  lost: {size(repair.lost_bytes)} that cannot be read, and what stood there"
    if repair.original:
        yield f"  the file as it was: {repair.original}"
