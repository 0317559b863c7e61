"""What went otherwise in a replay: its divergences, and whether it may go on.

Owns the poisoned state of a session: after the first fatal divergence nothing is answered any more.
"""

from __future__ import annotations

import msgspec

from agentvcr.inside.exchange import ReplayHalt


class Divergence(msgspec.Struct, frozen=True, kw_only=True):
    """One place where the program left its recording."""

    kind: str
    """`miss`, `overrun`, `misfit`, `blocked`, `upgrade`, `failed`; and of those that end nothing
    `nearest` (answered with the nearest exchange), `added` (nothing was like it: answered with an
    error) and `live` (asked of the real service)."""
    message: str
    fatal: bool


class Ledger:
    """Collects divergences."""

    def __init__(self, *, goes_on: bool = False) -> None:
        """Start a replay; with `goes_on`, no divergence ends it."""
        self.goes_on = goes_on
        self.divergences: list[Divergence] = []
        self.fatal: Divergence | None = None
        self.telemetry = 0
        """Requests to telemetry that were refused."""

    @property
    def is_over(self) -> bool:
        """Whether a fatal divergence ended the replay."""
        return self.fatal is not None

    def told(self, kind: str) -> tuple[str, ...]:
        """Give the words of the divergences of a kind."""
        return tuple(one.message for one in self.divergences if one.kind == kind)

    def check(self) -> None:
        """Stop whoever asks after the first fatal divergence.

        Raises:
            ReplayHalt: There was one.
        """
        if self.fatal is not None:
            raise ReplayHalt(self.fatal.message)

    def diverged(self, kind: str, message: str, *, fatal: bool = True) -> ReplayHalt:
        """Take down a divergence; returns what the asking code raises if it is fatal."""
        divergence = Divergence(kind=kind, message=message, fatal=fatal)
        self.divergences.append(divergence)
        if fatal and self.fatal is None and not self.goes_on:
            self.fatal = divergence
        return ReplayHalt(message)
