"""Record modes, in vcrpy's words: what a recording does about a cassette that is there already.

Owns what each mode means. Does none of it (`session`).
"""

from __future__ import annotations

from typing import Literal

RecordMode = Literal["none", "once", "new_episodes", "all"]
"""`all` records anew; `once` records where there is no cassette, and else replays it and refuses
what is new; `new_episodes` replays it and records what is new into it; `none` replays only."""
Plan = Literal["record", "replay", "extend"]
"""Write a new cassette; answer from the one that is there; or do both at once."""


def plan(mode: RecordMode, *, exists: bool) -> Plan:
    """Say what is done under a mode, where the cassette exists or does not."""
    if mode == "all":
        return "record"
    if mode == "none":
        return "replay"
    if not exists:
        return "record"
    return "extend" if mode == "new_episodes" else "replay"
