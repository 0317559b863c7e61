"""Keep what one lane has read of the clock until the engine is told.

Owns which reads are kept, and how they are taken while another thread reads on. Reads no clock.
"""

from __future__ import annotations

from agentvcr.inside.clock_runs import Run, Tape, pack

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from agentvcr.inside.clock_runs import Offsets

CHUNK = 1024
"""Reads after which a run is closed."""
_MOST = 16384
"""Reads of one segment that are kept one by one; of those behind it the last."""
_TAIL = 64


class Reads:
    """What one lane has read."""

    __slots__ = ("is_listed", "lane", "offsets", "run", "runs", "segment", "tape")

    def __init__(self, lane: str, offsets: Offsets) -> None:
        """Start with the lane's first segment."""
        self.lane = lane
        self.offsets = offsets
        self.segment = 0
        self.run = Run(0, 0)
        self.runs = [self.run]
        """Those of which the engine was not told all. Only the lane adds to them."""
        self.is_listed = False
        """Whether the engine is going to be told."""
        self.tape: Tape | None = None

    def go(self) -> None:
        """Begin the next segment."""
        self.segment += 1
        if self.tape is not None:
            self.tape.go(self.segment)
        if self.run:
            self._close(Run(self.segment, 0))
        else:
            self.run.segment, self.run.start = self.segment, 0

    def overflow(self) -> bool:
        """Close a run that is full; gives whether its reads are kept and not dropped."""
        run = self.run
        end = run.start + len(run)
        if end <= _MOST:
            self._close(Run(self.segment, end))
            return True
        self._close(Run(self.segment, end - _TAIL, run[-_TAIL:]))
        _drop(self.runs, run)
        return False

    def _close(self, following: Run) -> None:
        self.runs.append(following)
        self.run = following

    def take(self) -> bytes:
        """Encode what the engine was not told; another thread may be reading meanwhile."""
        found = []
        for run in list(self.runs):
            start, end = run.sent, len(run)
            if end > start:
                found.append((run.segment, run.start + start, run[start:end]))
                run.sent = end
            if run is not self.run and run.sent == len(run):
                _drop(self.runs, run)
        return pack(self.offsets, found) if found else b""


def _drop(runs: list[Run], run: Run) -> None:
    for place, one in enumerate(runs):
        if one is run:  # and not equal, as `remove` compares
            del runs[place]
            return
