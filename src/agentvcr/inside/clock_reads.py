"""Keep what one lane has read of the clock until the engine is told, and encode it.

Owns which reads are kept, how they are taken while another thread reads on, and the bytes of a
`clock` part. Reads no clock; `clock_tape` has the decoding.

A part is two offsets (wall clock and perf_counter, less the monotonic clock), and runs. A *run* is
reads that follow each other within one segment: the segment, the index of its first read, how many,
then each read as the difference to the one before. Numbers are of variable length, signed ones
zigzag. What lies between two runs of one segment was read and not kept.
"""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Sequence

    from agentvcr.inside.clock_tape import Tape

    Offsets = tuple[int, int, int]
    """What to add to a kept read for the monotonic clock (0), the wall clock, perf_counter."""
    Ints = list[int]
else:
    Ints = list

CHUNK = 1024
"""Reads after which a run is closed."""
MOST = 16384
"""Reads of one segment that are kept one by one; of those behind it the last."""
TAIL = 64
BYTE = 127
MORE = 128


class Run(Ints):
    """Reads that follow each other; a list, since one is appended at each read."""

    __slots__ = ("segment", "sent", "start")

    def __init__(self, segment: int, start: int, values: Sequence[int] = ()) -> None:
        """Begin with read `start` of a segment."""
        list.__init__(self, values)
        self.segment = segment
        self.start = start
        self.sent = 0
        """How many of them the engine was told."""


def pack(offsets: Offsets, runs: list[tuple[int, int, list[int]]]) -> bytes:
    """Encode runs: segment, index of the first read, reads."""
    out = bytearray()
    _put_signed(out, offsets[1])
    _put_signed(out, offsets[2])
    before = 0
    for segment, index, values in runs:
        for number in (segment, index, len(values)):
            _put(out, number)
        for value in values:
            _put_signed(out, value - before)
            before = value
    return bytes(out)


def _put(out: bytearray, number: int) -> None:
    while number > BYTE:
        out.append(number & BYTE | MORE)
        number >>= 7
    out.append(number)


def _put_signed(out: bytearray, number: int) -> None:
    _put(out, number << 1 if number >= 0 else ~number << 1 | 1)


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
        if end <= MOST:
            self._close(Run(self.segment, end))
            return True
        self._close(Run(self.segment, end - TAIL, run[-TAIL:]))
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
