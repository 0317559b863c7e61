"""The record of what surrounds a run's exchanges: order, time, chance, files.

Owns its layout alone: what the data of a kind means is known to who makes it.
"""

from __future__ import annotations

from typing import Annotated

import msgspec


class WorldRecord(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A part of what surrounds exchanges, in the encoding of its kind."""

    kind: str
    process: Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
    lane: str
    data: bytes
