"""Which recorded exchanges were broken off from outside: by a signal, or with the whole run.

Owns that judgement, for replays that may ask anew (`live`): there a broken answer is no answer, and
nobody comes again to end the wait for it. What the program cancelled is asked too, but in its
recorded turn (`replayer`): it may cancel it again. A replay that asks nothing waits for the
recorded signal (`deliveries`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agentvcr.model.exchange import Exchange
    from agentvcr.model.run import Run

_RAISED = ("builtins.KeyboardInterrupt", "builtins.SystemExit")
"""What a signal raises in the midst of a request."""


class Interrupted:
    """The interruption of a recorded run, if there was one."""

    def __init__(self, recorded: Run) -> None:
        """Look when it came first."""
        signals = [note.at_ns for note in recorded.notes if note.kind == "signal"]
        self._first_ns = min(signals, default=None)

    def has_broken(self, exchange: Exchange) -> bool:
        """Whether an exchange ended by it; what the program cancelled before has its own reason."""
        ending = exchange.ending
        if ending is None or ending.kind == "cut":
            return True
        if ending.failure is not None and ending.failure.type in _RAISED:
            return True
        is_after = self._first_ns is not None and ending.at_ns >= self._first_ns
        return is_after and ending.kind == "cancelled"
