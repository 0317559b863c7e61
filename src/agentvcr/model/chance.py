"""What a run is given of chance, and its time zone: the same again on replay.

Owns the shape, and its encoding in a cassette. Does not choose (`channel.zone`, `session`), nor use
it (`inside.chance`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

import msgspec

if TYPE_CHECKING:
    from agentvcr.model.run import Run

KIND: Final = "chance"


class Zone(msgspec.Struct, frozen=True, kw_only=True):
    """The time zone that a run's local times are in."""

    variable: str | None
    """`TZ`, where that was set."""
    name: str
    """As the machine calls it; empty where it has no name for it."""
    rule: str
    """As POSIX writes it, for machines that do not know the name; empty if that is not known."""


class Chance(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is given of chance."""

    seed: bytes
    hash_seed: str
    """`PYTHONHASHSEED`; empty for a block of a process, which has its own."""
    is_hash_seed_given: bool
    """Whether the user had set it."""
    zone: Zone | None

    def encode(self) -> bytes:
        """Encode it for a cassette."""
        return msgspec.json.encode(self)

    @classmethod
    def of(cls, run: Run) -> Self | None:
        """Give that of a run; None where it was recorded without."""
        parts = [one.data for one in run.world if one.kind == KIND]
        return msgspec.json.decode(parts[0], type=cls) if parts else None
