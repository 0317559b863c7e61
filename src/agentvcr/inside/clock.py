"""Give the program the time: keep what each lane read, and on replay give it the same again.

Owns what each lane has read since the engine was told. Does not make time pass: sleeping, timers
and the order of events are others'; what stands for the functions of `time` is `clock_functions`.

A read is kept as one number, whichever clock it was of: the monotonic clock's, from which the
others differ by an offset. Deliveries to a lane (an answer, a chunk, a timer) cut its reads into
segments, so that one read more or less shifts no others. What a recorded call of a function covers,
a client's inner workings and code without a lane get the real clock, since a replay does not run
it, or cannot say who it is. Nor is kept what event loops, locks and connections read, on replay
the virtual time: it is as often as chance has it.
"""

from __future__ import annotations

from _thread import allocate_lock
from sys import _getframe

from agentvcr.inside import lanes, real
from agentvcr.inside.clock_functions import MONOTONIC, Functions
from agentvcr.inside.clock_reads import CHUNK, Reads
from agentvcr.inside.travel import wall_ns

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any, Callable

    from agentvcr.inside.bindings import Modules
    from agentvcr.inside.clock_reads import Offsets
    from agentvcr.inside.clock_tape import Now, Tape
    from agentvcr.inside.exchange import ProcessHandler
    from agentvcr.inside.lane import Lane

KIND = "clock"
"""The kind of a part; and where a lane's reads lie among its counters, which its views share."""

real_monotonic_ns = real.monotonic_ns
real_sleep = real.sleep

_ANY = -(1 << 100)
"""Before every read: one of the wall clock is kept less its offset, which may be below 0."""
_MOST_RUNS = 8
_MOST_LANES = 256
"""Closed runs, and lanes with something new, after which the engine is told."""

_WAITING = (
    "aiohttp.client_proto",
    "aiohttp.connector",
    "anyio",
    "asyncio",
    "concurrent.futures",
    "httpcore",
    "httpcore2",
    "multiprocessing",
    "queue",
    "selectors",
    "subprocess",
    "threading",
    "tornado.ioloop",
    "tornado.platform",
    "trio",
    "urllib3.util.timeout",
)
"""Modules and packages that look at the clock for how long to wait, or to keep a connection: as
often as chance or the network has it, and nobody is told what they saw."""

on_read: list[Callable[[int, int], None]] = []
"""Are told of each read that is kept: of which clock, and what it gave."""

_VIRTUAL = ("anyio", "asyncio", "concurrent.futures", "queue", "threading", "tornado")
"""Those of them whose waiting a replay ends in virtual time; what others wait for is real.

Not trio: nobody knows what it waits for, so nobody would let its time pass.
"""

_waits: dict[object, bool] = {}
"""Which modules have looked at the clock, and whether they are of these."""


class _NoTape:
    """A tape on which nothing is."""

    def go(self, segment: int) -> None:
        """Go nowhere."""


_NONE: Any = _NoTape()
"""Stands for the tape of a lane whose process has none: it gets the real clock."""


def _note_module(name: object) -> bool:
    whole = str(name) + "."
    _waits[name] = found = any(whole.startswith(one + ".") for one in _WAITING)
    return found


class Clock(Functions):
    """What stands for the functions of `time`, of which there is one in a process.

    Its bound methods are put there: like the functions of `time`, and unlike functions written in
    Python, they stay as they are when a class keeps one of them as an attribute.
    """

    def __init__(self) -> None:
        """Stand ready; the clock is the real one until there is a handler."""
        super().__init__()
        self.handler: ProcessHandler | None = None
        self.replaying = False
        self.virtual: Now | None = None
        self.offsets: Offsets = (0, 0, 0)
        self._begin()

    def _begin(self) -> None:
        self._listed: list[Reads] = []
        self._unsent: list[tuple[str, bytes]] = []
        self._full = 0
        self._looked = 0
        self._telling = allocate_lock()
        self._recorded: dict[str, list[bytes]] | None = None
        self._offsets: Offsets = (0, 0, 0)
        """Those of the recorded process."""
        self._latest = (0, 0)
        """The latest read that a replay gave, and when it did."""

    def start(self, handler: ProcessHandler, *, replaying: bool) -> None:
        """Begin for a session."""
        self._begin()
        now = real.monotonic_ns()
        self.offsets = (0, wall_ns() - now, real.perf_counter_ns() - now)
        self.replaying = replaying
        self.handler = handler

    def stop(self) -> None:
        """Be the real clock again."""
        self.handler = None
        self.virtual = None
        self._begin()

    def forked(self) -> None:
        """Begin anew as the child of a fork: what is not told yet, its parent tells."""
        self._begin()

    def __reduce__(self) -> Any:  # noqa: ANN401  (the pickle protocol)
        """Travel as the module: a function that was pickled here is found there by its name."""
        return __import__, ("time",)

    def __deepcopy__(self, memo: object) -> Clock:
        """Be itself, as a function is."""
        return self

    # --- a read ---------------------------------------------------------------------------------

    def _read(self, which: int, real_clock: Now, least_ns: int = _ANY) -> int:  # noqa: C901  (a call would cost a read more)
        lane = lanes.current()
        cover = lane.cover
        if self.handler is None or lane.shadow or (cover is not None and not cover.left):
            return real_clock()
        name = _getframe(2).f_globals.get("__name__")
        waits = _waits.get(name)
        if _note_module(name) if waits is None else waits:
            return self._while_waiting(real_clock, name)
        reads: Reads | None = lane.counters.get(KIND)
        if reads is None:
            reads = self.reads_of(lane)
        if not self.replaying:
            value = real_clock() - reads.offsets[which]
        else:
            tape = reads.tape or self._load(reads, lane)
            if tape is _NONE:
                return real_clock()
            value = tape.read(self.virtual, self._passed)
            value = max(value, least_ns)
            if value > self._latest[0]:
                self._latest = (value, real.monotonic_ns())
        run = reads.run
        run.append(value)
        if not reads.is_listed:
            self._list(reads)
        if len(run) >= CHUNK and reads.overflow():
            self._full += 1
            if self._full >= _MOST_RUNS:
                self.flush()
        if on_read:
            on_read[0](which, value + reads.offsets[which])
        return value + reads.offsets[which]

    def _while_waiting(self, real_clock: Now, module: object) -> int:
        """Give the virtual time, a little later at each look: some look until it is over."""
        is_virtual = str(module).startswith(_VIRTUAL)
        if not is_virtual or self.virtual is None or real_clock is real.time_ns:
            return real_clock()
        self._looked = found = max(self._looked + 1, self.virtual())
        return found

    def reads_of(self, lane: Lane) -> Reads:
        """Give what a lane has read, in this view of it or another."""
        found: Reads = lane.counters.setdefault(KIND, Reads(lane.name, self.offsets))
        return found

    def _list(self, reads: Reads) -> None:
        reads.is_listed = True
        self._listed.append(reads)
        if len(self._listed) > _MOST_LANES:
            self.flush()

    def latest_ns(self) -> int:
        """Say what the latest read gave, of any lane's, in a replay."""
        return self._latest[0]

    def _passed(self) -> int:
        value, when = self._latest
        return value + real.monotonic_ns() - when

    # --- what was recorded ----------------------------------------------------------------------

    def _load(self, reads: Reads, lane: Lane) -> Any:  # noqa: ANN401  (a tape, or `_NONE`)
        """Find what was recorded of a lane, at its first read."""
        token = lanes.enter(lane.under_cover())
        try:
            tape = self._find(reads) or _NONE
        except Exception as error:  # noqa: BLE001  (an error of ours, or of the file's)
            if self.handler is not None:
                self.handler.failed(error)  # which stops the replay
            tape = _NONE
        finally:
            lanes.leave(token)
        reads.tape = tape
        if tape is not _NONE:
            reads.offsets = tape.offsets
        return tape

    def _find(self, reads: Reads) -> Tape | None:
        from agentvcr.inside.clock_tape import Tape  # noqa: PLC0415  (a recording has no use for it)

        handler, recorded = self.handler, self._recorded
        if handler is None:
            return None
        if recorded is None:
            recorded = {}
            for name, data in handler.recorded_world(KIND):
                recorded.setdefault(name, []).append(data)
            self._recorded = recorded
            started = Tape(next(iter(recorded.values()), []), 0)
            self._offsets, self._latest = started.offsets, (started.last, real.monotonic_ns())
        parts = recorded.get(reads.lane)
        if parts is None:  # an item of a pool: another worker may have done it
            parts = [data for _, data in handler.recorded_world(KIND, reads.lane)]
        if not parts and not recorded:
            return None
        return Tape(parts, reads.segment, self._offsets)

    # --- what the engine is told ----------------------------------------------------------------

    def flush(self) -> None:
        """Tell the engine what was read since the last time."""
        handler = self.handler
        if handler is None or not self._telling.acquire(
            blocking=False
        ):  # another thread is telling it
            return
        try:
            while self._listed:
                try:
                    reads = self._listed.pop(0)
                except IndexError:
                    break
                reads.is_listed = False
                data = reads.take()
                if data:
                    self._unsent.append((reads.lane, data))
            self._full = 0
            while self._unsent:
                self._tell(handler, *self._unsent[0])
                self._unsent.pop(0)
        finally:
            self._telling.release()

    def _tell(self, handler: ProcessHandler, lane: str, data: bytes) -> None:
        """Tell one part; what a signal handler breaks off is told again, which does no harm."""
        try:
            handler.world(KIND, lane, data)
        except Exception as error:  # noqa: BLE001  (an error of ours must not become the program's)
            handler.failed(error)

    def loop_time(self, least_ns: int = 0) -> float:
        """Give what code of a lane reads of its event loop's clock, `least_ns` at least."""
        return self._read(MONOTONIC, real.monotonic_ns, least_ns) / 1e9


_clock = Clock()

NAMES = (
    "asctime",
    "ctime",
    "gmtime",
    "localtime",
    "monotonic",
    "monotonic_ns",
    "perf_counter",
    "perf_counter_ns",
    "strftime",
    "time",
    "time_ns",
)
"""The functions of `time` that are replaced."""


def install(handler: ProcessHandler, *, replaying: bool, modules: Modules | None = None) -> None:
    """Give this process the recorded clock, or keep what it reads of the real one.

    `modules` where somebody has looked at them just now.
    """
    from agentvcr.inside import clock_patches  # noqa: PLC0415  (not for who switched this off)

    _clock.start(handler, replaying=replaying)
    clock_patches.install(_clock, NAMES, modules)


def uninstall() -> None:
    """Put the real clock back everywhere; what was not told is forgotten."""
    from agentvcr.inside import clock_patches  # noqa: PLC0415  (as above)

    clock_patches.uninstall()
    _clock.stop()


def segment(lane: Lane) -> None:
    """Begin a lane's next segment: something that it waited for has come."""
    if _clock.handler is None or lane.shadow:
        return
    reads = lane.counters.get(KIND) or _clock.reads_of(lane)
    reads.go()
    if len(reads.runs) > _MOST_LANES:
        _clock.flush()


def loop_time(least_ns: int = 0) -> float:
    """Read an event loop's clock, as `loop.time()` does: for the timers of the running lane."""
    return _clock.loop_time(least_ns)


def latest_ns() -> int:
    """Say how late a replay's monotonic clock is by what was read of it; 0 before any read."""
    return _clock.latest_ns()


def set_now(source: Now | None) -> None:
    """Let a replay say what time it is: the recorded run's `monotonic_ns`, or None for nobody."""
    _clock.virtual = source


def flush() -> None:
    """Tell the engine what was read since the last time: all of it is then safe from a crash."""
    _clock.flush()


def forked() -> None:
    """Begin anew as the child of a fork."""
    _clock.forked()
