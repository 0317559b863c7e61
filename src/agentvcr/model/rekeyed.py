"""What `rekey` did to a cassette.

Owns the shape. Does not rewrite one (`session`) and does not draw (`reporters`).
"""

from __future__ import annotations

import msgspec


class Merged(msgspec.Struct, frozen=True, kw_only=True):
    """Requests of one lane that were different ones and are the same now.

    A replay answers them in the order of their numbers.
    """

    lane: str
    numbers: tuple[int, ...]
    """Numbers of the exchanges."""


class RekeyedCassette(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="agentvcr.rekey/1"
):
    """A cassette under the rules of today."""

    path: str
    written_to: str
    exchanges: int
    changed: int
    """How many of them have another fingerprint than before."""
    rules: int
    """How many rules are declared."""
    is_new: bool
    """Whether anything was written: there may have been nothing to change."""
    merged: tuple[Merged, ...] = ()
    idle: tuple[str, ...] = ()
    """Declared rules that match nothing in it."""
    torn_bytes: int = 0
    """Bytes at the end of a journal that were no whole frame, and are not in the new one."""
