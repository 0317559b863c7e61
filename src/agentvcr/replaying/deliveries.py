"""Send a replayed program the signals that its recorded run got.

Owns when: at the recorded time, and not before everything that was asked, answered and printed by
then has been so again, with as long behind it as in the recording. What the program does about a
signal is its own.
"""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic

from agentvcr.model.exchange import Exchange
from agentvcr.model.run import Note, Output, Run

_UNSEEN_GRACE_S = 2.0
"""A signal that killed the program unseen by the recorder may have been its own doing."""
_LOOK_AGAIN_S = 0.05
_PATIENCE_S = 2.0
"""So long is waited for answers and words when all is asked: of a dropped answer nobody may tell,
and a program that has changed has others."""


@dataclass(frozen=True)
class Progress:
    """How far a run is: requests that a recording answers, answers taken, bytes printed."""

    served: int = 0
    taken: int = 0
    printed: int = 0

    def is_beyond(self, other: Progress) -> bool:
        """Whether it is as far as another in everything."""
        return (
            self.served >= other.served
            and self.taken >= other.taken
            and self.printed >= other.printed
        )


@dataclass(frozen=True)
class _Coming:
    """A signal, when it came, and how far the program was."""

    at_s: float
    number: int
    progress: Progress
    ready_s: float
    """When it had come so far."""


class Deliveries:
    """The signals still to come."""

    def __init__(self, recorded: Run, progress: Callable[[], Progress]) -> None:
        """Start the clock.

        Args:
            recorded: The run that got the signals.
            progress: Says how far this replay is.
        """
        self._began_s = monotonic()
        self._progress = progress
        self._asked_s: float | None = None
        """When this replay had asked as much as the recorded run before the next signal."""
        self._ready_s: float | None = None
        """When it had come as far in all."""
        signals = [(note.at_ns, _number(note.text)) for note in recorded.notes if _is_signal(note)]
        outcome = recorded.outcome
        # Each exchange is read for this, so only where there is a signal to place among them.
        is_asked = signals or (outcome and outcome.signal)
        exchanges = [one for one in recorded.exchanges if not one.internal] if is_asked else []
        found = [_placed(at_ns, number, exchanges, recorded.outputs) for at_ns, number in signals]
        if outcome and outcome.signal and all(one.number != outcome.signal for one in found):
            last_s = outcome.at_ns / 1e9 + _UNSEEN_GRACE_S
            found.append(_Coming(last_s, outcome.signal, Progress(len(exchanges)), last_s))
        self._coming = deque(sorted(found, key=lambda one: one.at_s))

    @property
    def timeout_s(self) -> float | None:
        """Seconds until it is time to look again; None when nothing is to come."""
        if not self._coming:
            return None
        coming = self._coming[0]
        next_s = coming.ready_s if self._ready_s is None else self._due_s(coming, self._ready_s)
        return max(_LOOK_AGAIN_S, next_s - (monotonic() - self._began_s))

    def due(self) -> list[int]:
        """Take the signals whose time has come."""
        numbers: list[int] = []
        elapsed_s = monotonic() - self._began_s
        while self._coming and self._is_due(self._coming[0], elapsed_s):
            numbers.append(self._coming.popleft().number)
            self._asked_s = self._ready_s = None
        return numbers

    def _is_due(self, coming: _Coming, elapsed_s: float) -> bool:
        if self._ready_s is None and elapsed_s >= coming.ready_s:
            reached = self._progress()
            if self._asked_s is None and reached.served >= coming.progress.served:
                self._asked_s = elapsed_s
            is_late = self._asked_s is not None and elapsed_s - self._asked_s >= _PATIENCE_S
            if is_late or reached.is_beyond(coming.progress):
                self._ready_s = elapsed_s
        return self._ready_s is not None and elapsed_s >= self._due_s(coming, self._ready_s)

    def _due_s(self, coming: _Coming, ready_s: float) -> float:
        """Say when a signal comes: as long behind what was before it as in the recording."""
        is_late = ready_s - coming.ready_s > 2 * _LOOK_AGAIN_S
        return max(coming.at_s, ready_s + coming.at_s - coming.ready_s if is_late else 0)


def _placed(
    at_ns: int, number: int, exchanges: list[Exchange], outputs: Sequence[Output]
) -> _Coming:
    begins = [one.began_ns for one in exchanges if one.began_ns <= at_ns]
    ends = [one.ending.at_ns for one in exchanges if one.ending and one.ending.at_ns <= at_ns]
    printed = [one for one in outputs if one.stream == "stdout" and one.at_ns <= at_ns]
    ready_ns = max([*begins, *ends, *(one.at_ns for one in printed)], default=at_ns)
    size = sum(len(one.data) for one in printed)
    return _Coming(at_ns / 1e9, number, Progress(len(begins), len(ends), size), ready_ns / 1e9)


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
