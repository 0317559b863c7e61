"""Stand for the functions of `time`: each reads the clock that a lane is given.

Owns their forms. Where time-machine travels, theirs are the real functions: it has changed those
below their names, and what is real of its time (how far it ticks) it reads `below`.
"""

from __future__ import annotations

from agentvcr.inside import real
from agentvcr.inside.patching import dressed_as
from agentvcr.inside.travel import wall_ns

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any, Sequence

    from agentvcr.inside.clock_tape import Now

MONOTONIC, WALL, PERF = range(3)


class Functions:
    """The functions of `time`, for a clock that says how it is read."""

    def __init__(self) -> None:
        """Stand ready; nobody travels."""
        self.travels: Sequence[Any] = ()
        """Who travels: time-machine's own stack."""
        self.monotonic_travels: Sequence[Any] = ()
        """The same, of a time-machine before 3.0: it takes the monotonic clock along."""

    def _read(self, which: int, real_clock: Now) -> int:
        raise NotImplementedError

    @dressed_as(real.time)
    def time(self) -> float:
        if self.travels:
            return real.time()
        return self._read(WALL, real.time_ns) / 1e9

    @dressed_as(real.time_ns)
    def time_ns(self) -> int:
        if self.travels:
            return real.time_ns()
        return self._read(WALL, real.time_ns)

    @dressed_as(real.monotonic)
    def monotonic(self) -> float:
        if self.monotonic_travels:
            return float(self.monotonic_travels[-1].time())
        return self._read(MONOTONIC, real.monotonic_ns) / 1e9

    @dressed_as(real.monotonic_ns)
    def monotonic_ns(self) -> int:
        if self.monotonic_travels:
            return int(self.monotonic_travels[-1].time_ns())
        return self._read(MONOTONIC, real.monotonic_ns)

    @dressed_as(real.perf_counter)
    def perf_counter(self) -> float:
        return self._read(PERF, real.perf_counter_ns) / 1e9

    @dressed_as(real.perf_counter_ns)
    def perf_counter_ns(self) -> int:
        return self._read(PERF, real.perf_counter_ns)

    def wall_below(self) -> int:
        """Read the wall clock as if nobody travelled."""
        return self._read(WALL, wall_ns)

    def monotonic_below(self) -> int:
        """Read the monotonic clock as if nobody travelled."""
        return self._read(MONOTONIC, real.monotonic_ns)

    def _seconds(self) -> int:
        return self._read(WALL, wall_ns if self.travels else real.time_ns) // 1_000_000_000

    @dressed_as(real.gmtime)
    def gmtime(self, seconds: Any = None, /) -> Any:  # noqa: ANN401  (as `time` has it)
        if seconds is None and not self.travels:
            seconds = self._seconds()
        return real.gmtime(seconds)

    @dressed_as(real.localtime)
    def localtime(self, seconds: Any = None, /) -> Any:  # noqa: ANN401  (as above)
        if seconds is None and not self.travels:
            seconds = self._seconds()
        return real.localtime(seconds)

    @dressed_as(real.ctime)
    def ctime(self, seconds: Any = None, /) -> str:  # noqa: ANN401  (as above)
        return real.ctime(self._seconds() if seconds is None else seconds)

    @dressed_as(real.asctime)
    def asctime(self, *when: Any) -> str:  # noqa: ANN401  (as above)
        return real.asctime(*(when or (real.localtime(self._seconds()),)))

    @dressed_as(real.strftime)
    def strftime(self, text: Any, /, *when: Any) -> str:  # noqa: ANN401  (as above)
        return real.strftime(text, *(when or (self.localtime(),)))
