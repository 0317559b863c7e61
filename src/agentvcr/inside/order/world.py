"""Who of this process is at work, what comes next, and what time it is.

Owns the one lock over these three. A *strand* is a thread of the program's that is at work or waits
where we see it; a *turn* is something that somebody waits for (`strands`). Does not patch anything
(`loops`, `threads`) and makes no sockets.

While recording, what arrives (an answer, a piece of one, the end of a timed wait) is let in one at
a time, when everybody has settled: what had happened before it is then well defined. It costs
next to nothing, since the program was waiting. In a replay the log says whose turn it is, time
jumps to what comes next, and nobody waits for it.
"""

from __future__ import annotations

from _thread import RLock

from agentvcr.inside.order.log import OF_EXCHANGE, Entry, Log
from agentvcr.inside.order.strands import Strand, Turn, strand_here
from agentvcr.inside.order.watch import Watch
from agentvcr.inside.real import monotonic_ns

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any, Callable

    from agentvcr.inside.lane import Lane
    from agentvcr.inside.order.log import Key

_MOST_KEPT = 2048
"""Entries that are held at most before the engine is told."""


class World:
    """The state of one process; all but `contact`, `tell` and `tell_all` want the lock held."""

    def __init__(
        self,
        *,
        tell: Callable[[list[Entry]], None] | None = None,
        load: Callable[[], list[Entry]] | None = None,
        is_virtual: bool = True,
    ) -> None:
        """Record, or replay.

        Args:
            tell: Takes what happened.
            load: Gives those that are replayed, when they are first needed.
            is_virtual: In a replay time is the log's, and no waiting costs any.
        """
        self.lock = RLock()  # a signal handler or a finalizer may run in the middle
        self.replaying = load is not None
        self.is_virtual = is_virtual and self.replaying
        self.active: set[Strand] = {strand_here()}
        self.busy: set[Strand] = set()
        """Who computes for so long that nobody waits for it, until it is heard of again."""
        self.progress = 0
        """Counts whatever happens: who watches sees that something does."""
        self.arrivals: list[Any] = []
        self.pending: dict[int, Any] = {}
        """Turns that wait in a replay, by their places in the log."""
        self.gone: set[int] = set()
        """Places of timed waits that somebody has ended in this replay: their ends never come."""
        self.in_vain: dict[Any, Any] = {}
        """Turns of those who wait to be cancelled as they were, by the recorded exchange."""
        self.timed: dict[int, int] = {}
        """Places of the ends of waits that take their time in a replay, by the turn's identity."""
        self.sleepers: dict[int, Any] = {}
        """Who has a timer: idle event loops, and in a replay threads; by identity."""
        self.outside = 0
        """How much is awaited in a replay that comes from the network."""
        self.strange = 0
        """How much of it the log does not know: time stands still for it."""
        self.has_left = False
        """Whether anything was awaited that the log does not know: the rest is another run."""
        self.halted: BaseException | None = None
        self.watch = Watch(self)
        self.is_used = False
        """Whether anything of this process has to do with order: a replay would ask for it."""
        self._now_ns = 0
        self._tell = tell
        self._load = load
        self._log: Log | None = None
        self._entries: list[Entry] = []

    @property
    def log(self) -> Log:
        """The log of a replay."""
        return self._log or self._load_log()

    def _load_log(self) -> Log:
        with self.lock:
            return self._log or self._loaded()

    def _loaded(self) -> Log:
        log = Log(self._load() if self._load is not None else [])
        self._now_ns = log.entries[0].at_ns if log.entries else monotonic_ns()
        self._log = log
        return log

    @property
    def is_off(self) -> bool:
        """Whether a replay has no order to keep: that of an older recording, or another program."""
        self.is_used = True
        return self.replaying and not self.log.entries

    @property
    def now_ns(self) -> int:
        """The virtual time, in nanoseconds of the recorded monotonic clock."""
        self._load_log()
        return self._now_ns

    @property
    def left_ns(self) -> int:
        """The virtual time, behind which no timer is to begin, in another run than the log's; or 0.

        What was read of a clock then may lie behind: its reader comes later than he did.
        """
        return self._now_ns if self.has_left and self.is_virtual else 0

    # --- who is at work ---------------------------------------------------------------------------

    def contact(self) -> Strand:
        """Take note that the running thread is at work."""
        strand = strand_here()
        if strand not in self.active:
            with self.lock:
                self.works(strand)
                self.busy.discard(strand)
        return strand

    def works(self, strand: Strand) -> None:
        """Take note that a strand is at work, or will be when the system lets it."""
        strand.waits = False
        self.active.add(strand)

    def leaves(self, strand: Strand) -> None:
        """Take note that a strand waits, or has ended."""
        strand.waits = strand.has_waited = True
        self.active.discard(strand)
        self.busy.discard(strand)
        if not self.active:
            if not self.busy:
                self.watch.holds = 0
            self.step()

    def go_on_without(self) -> None:
        """Wait no more for those that are at work."""
        self.busy |= self.active
        self.active.clear()

    # --- what happened ----------------------------------------------------------------------------

    def note(
        self, key: Key, at_ns: int = 0, *, overlap: bool = False, told: Key | None = None
    ) -> None:
        """Take down what happened just now, and mark it in the log of a replay.

        `told` where this run has another name for it than the recorded one.
        """
        self.progress += 1
        if self.replaying:
            place = self.log.place_of(key)
            if place is not None:
                self.log.mark(place)
            at_ns = self._now_ns if self.is_virtual else monotonic_ns()
        self._keep(Entry(*(told or key), at_ns or monotonic_ns(), overlap))

    def _keep(self, entry: Entry) -> None:
        self._entries.append(entry)
        if len(self._entries) >= _MOST_KEPT:
            self.tell()

    def tell_all(self) -> None:
        """Tell it at the end, and be it that there is nothing: the process is known in any case."""
        if self.is_used and self._tell is not None and not self._entries:
            self._tell([])
        self.tell()

    def tell(self) -> None:
        """Tell the engine what has happened since it was last told.

        Without the lock, so that a slow engine holds up nobody else.
        """
        if self._tell is None or not self._entries:
            return
        with self.lock:
            entries, self._entries = self._entries, []
        try:
            self._tell(entries)
        except BaseException:  # a signal handler's: told again, which does no harm
            self._entries[:0] = entries
            raise

    # --- waiting ----------------------------------------------------------------------------------

    def awaits(self, turn: Any) -> bool:  # noqa: ANN401  (a turn of a thread or a loop)
        """Queue a turn; False where there is nothing to wait for."""
        if not self.replaying:
            self.arrivals.append(turn)
            return True
        place = self.log.place_of(turn.key)
        if place is None:
            if turn.key[0] in OF_EXCHANGE:
                self.note(turn.key, told=turn.told)
            return False
        turn.place = place
        self.pending[place] = turn
        return True

    def waits_really(self, turn: Turn) -> None:
        """Take note that a wait takes its time: its recorded end, if any, comes only then."""
        place = self.log.place_of(turn.key) if turn.key is not None else None
        if place is not None:
            self.timed[id(turn)] = place

    def forget(self, turn: Any) -> None:  # noqa: ANN401  (as above)
        """Take back a turn: who waited does so no more."""
        turn.over = True
        self.sleepers.pop(id(turn), None)
        place, queued = self.timed.pop(id(turn), None), turn.place
        if queued is not None and self.pending.get(queued) is turn:
            del self.pending[queued]
            place = queued
        if place is not None and self.log.entries[place].kind == "T":
            self.gone.add(place)

    def wake(self, turn: Any, now_ns: int) -> None:  # noqa: ANN401  (as above)
        """Let somebody go on who waited; he is at work from this moment on.

        So is an event loop that was idle; one that has called something that waits still waits.
        """
        self.progress += 1
        self.sleepers.pop(id(turn), None)
        if isinstance(turn, Turn) or not turn.strand.waits:
            self.works(turn.strand)
        turn.wake(now_ns)

    # --- what comes next --------------------------------------------------------------------------

    def step(self) -> None:
        """Let in what comes next, since everybody has settled.

        In a replay also what comes behind it, where it was for an event loop that is in a call.
        """
        if not self.replaying:
            self.admit()
            return
        while self._go_on() and not self.active:
            pass

    def _go_on(self) -> bool:
        """Let happen what comes next in a replay; whether there was anything."""
        if not self.pending and not self.sleepers:
            return False  # nobody waits: the log is not even loaded
        entry, due = self.log.next, self.earliest(_is_timer)
        if self.pending and min(self.pending) < self.log.cur:
            self.release(min(self.pending))  # others have been told that it is over
        elif entry is None:
            return False
        elif due is not None and due.due_ns <= entry.at_ns and not self.strange:
            self.fire(due, due.due_ns)
        elif self.log.cur in self.pending:
            self.release(self.log.cur)
        elif self.log.cur in self.gone:
            self.watch.tell(entry)
            self.log.mark(self.log.cur)
        else:
            return False
        return True

    def earliest(self, among: Callable[[Any], bool] | None = None) -> Any:  # noqa: ANN401  (as above)
        """Give who has the first timer of all that time is to reach; None without one."""
        if not self.is_virtual:
            return None
        waiting = [one for one in list(self.sleepers.values()) if one.due_ns is not None]
        return min(filter(among, waiting), key=_due, default=None)

    def fire(self, sleeper: Any, now_ns: int) -> None:  # noqa: ANN401  (as above)
        """Let a timer run out."""
        self._now_ns = max(self._now_ns, now_ns)
        sleeper.expired = True
        if isinstance(sleeper, Turn) and sleeper.told is not None:
            kind, who, index = sleeper.told  # which the next replay has to know
            self._keep(Entry(kind, who, index, self._now_ns))
        self.wake(sleeper, now_ns)

    def release(self, place: int) -> None:
        """Let an entry of the log happen, for which somebody waits."""
        turn = self.pending.pop(place)
        entry = self.log.entries[place]
        self.log.mark(place)
        if self.is_virtual:
            self._now_ns = max(self._now_ns, entry.at_ns)
        if turn.told is not None:
            kind, who, index = turn.told
            # Not the recorded time: behind something that came otherwise it would go back.
            at_ns = self._now_ns if self.is_virtual else monotonic_ns()
            self._keep(Entry(kind, who, index, at_ns, entry.overlap))
        turn.expired = True
        self.wake(turn, entry.at_ns)

    def admit(self, *, overlap: bool = False) -> None:
        """Let in the first arrival of a recording; `overlap` where others are still at work.

        One for an event loop whose thread waits in a call is held back until the loop is idle: it
        would be queued among calls of which there are fewer in a replay, without a network.
        """
        while self.arrivals and self.arrivals[0].is_over():
            self.arrivals.pop(0)
        free = (one for one in self.arrivals if not (one.is_over() or one.is_held()))
        turn = next(free, None)
        if turn is None:
            return
        now_ns = monotonic_ns()
        due = min(list(self.sleepers.values()), key=_due, default=None)
        if not overlap and due is not None and due.due_ns is not None and due.due_ns <= now_ns:
            self.fire(due, due.due_ns)  # timers come first
            return
        self.arrivals.remove(turn)
        if turn.key is not None:
            is_amid = overlap or bool(self.busy)
            self.note(turn.key, now_ns, overlap=is_amid, told=turn.told)
        turn.expired = True
        self.wake(turn, now_ns)

    def pass_time(self, elapsed_ns: int) -> None:
        """Let time pass as it does really: what comes behind the log is in nobody's order."""
        self._now_ns += elapsed_ns
        due = self.earliest()
        if due is not None and due.due_ns <= self._now_ns:
            self.fire(due, self._now_ns)

    def halt(self, error: BaseException) -> None:
        """Wake all who wait for a turn: there is none any more, and whoever begins raises this."""
        self.halted = error
        for turn in list(self.pending.values()):
            self.forget(turn)
            self.wake(turn, self._now_ns)


_NEVER = 1 << 63


def _due(sleeper: Any) -> int:  # noqa: ANN401  (a turn of a thread or a loop)
    return _NEVER if sleeper.due_ns is None else sleeper.due_ns


def _is_timer(sleeper: Any) -> bool:  # noqa: ANN401  (as above)
    """Whether its time comes by itself.

    A thread waits for something, for so long at most. That it waited in vain is in the log. Where
    it is not, somebody ended the wait before, be it at the last moment.
    """
    return not isinstance(sleeper, Turn) or sleeper.alone


def _nobody(lane: Lane) -> None:
    del lane


active: World | None = None
"""The world of this process, or None where order is nobody's concern."""


def activate(world: World | None) -> None:
    """Make `world` the one of this process, or none."""
    global active  # noqa: PLW0603  (the one reference that this module exists for)
    active = world


told: Callable[[Lane], None] = _nobody
"""Is told of each delivery to a lane: between two of them its clock reads are counted anew."""
reads_are_kept = False
"""Whether what the program reads from a clock is recorded and comes back."""


def tell_deliveries(listener: Callable[[Lane], None] | None) -> None:
    """Let the keeper of clock reads know of deliveries."""
    global told, reads_are_kept  # noqa: PLW0603  (as above)
    told = listener or _nobody
    reads_are_kept = listener is not None
