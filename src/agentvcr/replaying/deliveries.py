"""Send a replayed program the signals that its recorded run got.

Owns when: at the recorded time, and not before everything that was asked by then has been asked
again. What the program does about a signal is its own.
"""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable
from time import monotonic

from agentvcr.model.run import Note, Run

_UNSEEN_GRACE_S = 2.0
"""A signal that killed the program unseen by the recorder may have been its own doing."""
_LOOK_AGAIN_S = 0.05


class Deliveries:
    """The signals still to come."""

    def __init__(self, recorded: Run, begun: Callable[[], int]) -> None:
        """Start the clock.

        Args:
            recorded: The run that got the signals.
            begun: Says how many exchanges have begun in this replay.
        """
        self._began_s = monotonic()
        self._begun = begun
        signals = [(note.at_ns, _number(note.text)) for note in recorded.notes if _is_signal(note)]
        # Each exchange is read for this, so only where there is a signal to place among them.
        begins = [one.began_ns for one in recorded.exchanges] if signals else []
        found = [
            (at_ns / 1e9, number, sum(began <= at_ns for began in begins))
            for at_ns, number in signals
        ]
        outcome = recorded.outcome
        if outcome and outcome.signal and all(number != outcome.signal for _, number, _ in found):
            last_s = outcome.at_ns / 1e9 + _UNSEEN_GRACE_S
            found.append((last_s, outcome.signal, len(recorded.exchanges)))
        self._coming = deque(sorted(found))

    @property
    def timeout_s(self) -> float | None:
        """Seconds until it is time to look again; None when nothing is to come."""
        if not self._coming:
            return None
        return max(_LOOK_AGAIN_S, self._coming[0][0] - (monotonic() - self._began_s))

    def due(self) -> list[int]:
        """Take the signals whose time has come."""
        numbers: list[int] = []
        elapsed_s = monotonic() - self._began_s
        while self._coming and self._coming[0][0] <= elapsed_s:
            if self._coming[0][2] > self._begun():
                break
            numbers.append(self._coming.popleft()[1])
        return numbers


def _is_signal(note: Note) -> bool:
    return note.kind == "signal" and _number(note.text) != 0


def signals_of(recorded: Run) -> tuple[str, ...]:
    """Name the signals that a recorded program got, each once, and the one that killed it."""
    names = [note.text for note in recorded.notes if _is_signal(note)]
    killed = recorded.outcome.signal if recorded.outcome else None
    names += [one.name for one in signal.Signals if one == killed]
    return tuple(dict.fromkeys(names))


def _number(name: str) -> int:
    return int(getattr(signal, name, 0))
