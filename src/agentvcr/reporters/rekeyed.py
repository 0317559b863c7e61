"""What `rekey` did, in lines.

Owns their wording.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from agentvcr.reporters.base import counted, printable, size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentvcr.model.rekeyed import RekeyedCassette

MERGED_SHOWN = 5


def render(result: RekeyedCassette, out: TextIO) -> None:
    """Write the lines."""
    out.writelines(f"{printable(line)}\n" for line in _lines(result))


def _lines(result: RekeyedCassette) -> Iterator[str]:
    rules = f"{counted(result.rules, 'declared rule')}"
    if not result.is_new:
        yield f"{result.path}: has {rules} already; left as it was"
        yield from _idle(result)
        return
    yield f"{result.written_to}: {rules}"
    yield f"  {result.changed} of {counted(result.exchanges, 'exchange')} with another fingerprint"
    yield from _idle(result)
    for one in result.merged[:MERGED_SHOWN]:
        numbers = ", ".join(map(str, one.numbers))
        yield f"  in {one.lane}, exchanges {numbers} are the same request now: served in this order"
    if len(result.merged) > MERGED_SHOWN:
        yield f"  and {counted(len(result.merged) - MERGED_SHOWN, 'request')} more like that"
    if result.torn_bytes:
        yield f"  a torn end of {size(result.torn_bytes)} was cut off"


def _idle(result: RekeyedCassette) -> Iterator[str]:
    for one in result.idle if result.exchanges else ():
        yield f"  no request has what this rule is about: {one}"
