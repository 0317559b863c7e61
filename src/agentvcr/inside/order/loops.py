"""Event loops of asyncio: see when one is idle, give it virtual time, and wake it in its turn.

Owns the stand-in for a loop's selector, the one place where a loop says that nothing is ready. Only
loops on a selector are put in order: those of trio and Windows' proactor go their own way, and so
does one of uvloop's that was there before (see `uvloop`).
"""

from __future__ import annotations

import sys
from _weakref import ref
from itertools import count
from math import inf, nextafter

from agentvcr.inside import clock, lanes
from agentvcr.inside.order import world as worlds
from agentvcr.inside.order.loop_turns import LoopTurn, RealTurn
from agentvcr.inside.order.real import Real
from agentvcr.inside.order.strands import strand_here
from agentvcr.inside.order.watch import HOLD_S, TICK_S
from agentvcr.inside.patching import dressed_as
from agentvcr.inside.real import monotonic_ns

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Callable

    from agentvcr.inside.order.world import World

_NS = 1_000_000_000
_MOST_TURNS = 100
_MOST_BUSY_NS = 100_000_000
"""A loop that is never idle is let have one event in so many of its turns, or after so long."""


def due_ns_of(when_s: float) -> int:
    """Give the first nanosecond that is behind a moment, also when it is in seconds again.

    A double has no nanoseconds left when a machine has been up for a hundred days: of a moment that
    is only near, a loop would find that it is not there yet, again and again.
    """
    whole, parts = nextafter(when_s, inf).as_integer_ratio()
    return -(-whole * _NS // parts)


class Selector:
    """Stands for a loop's selector."""

    def __init__(self, inner: Any, loop: Any, world: World) -> None:  # noqa: ANN401  (asyncio's)
        """Stand before `inner`, the selector of `loop`."""
        self.loop = loop
        lane = lanes.current()
        self.name = "%s/loop%d" % (lane.name, next_of(lane, "loop"))
        self.strand = strand_here()
        self.now_ns = world.now_ns if world.is_virtual else monotonic_ns()
        self.is_over = False
        """Whether its session has ended, and its loop lives in real time again."""
        self.due_ns: int | None = None
        self.expired = False
        self._world = world
        self.real = Real(inner, world, self)
        self._is_idle = False
        self._is_roused = False
        self._turns = 0
        self._idle_ns = monotonic_ns()
        self._shift(self.now_ns - self._idle_ns)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  (whatever a selector has)
        return getattr(self.real, name)

    def is_roused(self) -> bool:
        """Whether it is to go on."""
        return self._is_roused

    @property
    def is_blocked(self) -> bool:
        """Whether its thread waits in a call that one of its callbacks or tasks has made."""
        return self.strand.waits and not self._is_idle

    @property
    def is_virtual(self) -> bool:
        """Whether its time is the log's."""
        return self._world.is_virtual

    # --- what the world says ----------------------------------------------------------------------

    def rouse(self, now_ns: int) -> None:
        """Go on: something has been put into the loop's queue, or its timer is due."""
        self.now_ns = max(self.now_ns, now_ns)
        if self._is_idle:
            self._is_roused = True
            self._world.sleepers.pop(id(self), None)
            self._world.works(self.strand)
        if strand_here() is not self.strand:
            self.loop._write_to_self()

    wake = rouse

    def look_for_real(self, now_ns: int) -> None:
        """Wait really for something of the program's; nothing else goes on meanwhile."""
        self.real.expect(max(0, now_ns - self.now_ns))
        self.rouse(now_ns)

    # --- what the loop asks -----------------------------------------------------------------------

    def select(self, timeout: float | None = None) -> Any:  # noqa: ANN401  (a selector's list)
        """Give what is ready; with nothing to do, the loop is idle until something is."""
        world = self._world
        if worlds.active is not world or world.is_off:
            return self.real.pass_through(self.end(timeout))
        if timeout is not None and timeout <= 0:
            return self._busy()
        self._turns = 0
        self.strand = world.contact()
        if self.real.is_expecting:
            return self.real.select_expected()
        with world.lock:
            real = self._goes_idle()
        try:
            return self._until_roused()
        finally:
            with world.lock:
                if real is not None:
                    world.forget(real)
                self._no_longer_idle()

    def end(self, timeout: float | None = None) -> float | None:
        """Have the loop live in real time again; gives how long it may wait in place of `timeout`.

        A loop may have been there before a session, and go on behind it.
        """
        if self.is_over:
            return timeout
        self.is_over = True
        now_ns = monotonic_ns()
        self._shift(now_ns - self.now_ns)
        scheduled = self.loop._scheduled
        if self.loop._ready or not scheduled:
            return timeout
        left_s: float = scheduled[0]._when - now_ns / _NS
        return max(0.0, left_s)

    def leave(self, *, is_elsewhere: bool) -> None:
        """Live in real time again; a loop that runs elsewhere may wait for what never comes."""
        self.end()
        if is_elsewhere:
            self._is_roused = True
            self.loop._write_to_self()

    def _shift(self, by_ns: int) -> None:
        """Have timers at the same distance from another time."""
        if self._world.is_virtual:
            for handle in self.loop._scheduled:
                handle._when += by_ns / _NS

    def _goes_idle(self) -> RealTurn | None:
        """Be idle; gives the turn of something real, where a replay waits for one."""
        scheduled = self.loop._scheduled
        self.due_ns = due_ns_of(scheduled[0]._when) if scheduled else None
        self._is_idle, self._is_roused = True, False
        world = self._world
        world.sleepers[id(self)] = self
        turn = None
        key = self.real.next_key() if world.replaying else None
        if key is not None:
            turn = RealTurn(key, self)
            world.awaits(turn)
        world.leaves(self.strand)
        return turn

    def _until_roused(self) -> Any:  # noqa: ANN401  (a selector's list)
        world = self._world
        while True:
            with world.lock:
                if self._is_roused:
                    break
                timeout_s = self._timeout_s()
                if timeout_s is not None and timeout_s <= 0:
                    self.now_ns = max(self.now_ns, self.due_ns or 0)
                    break
            events = self.real.select(timeout_s)
            if events:
                with world.lock:
                    if not self._is_roused:
                        self._real_came()
                return events
            with world.lock:
                if (world.replaying or world.arrivals) and not self.is_roused():
                    world.watch.look()
        if self.real.is_expecting:
            return self.real.select_expected()
        return self.real.select(0)

    def _real_came(self) -> None:
        """Take the time, where something real has roused the loop."""
        if not self._world.is_virtual:
            now_ns = monotonic_ns()
            self.now_ns = max(self.now_ns, min(now_ns, self.due_ns or now_ns))

    def _timeout_s(self) -> float | None:
        """Say how long to wait really; None for as long as it takes."""
        world = self._world
        tick_s = TICK_S if world.replaying else HOLD_S if world.arrivals else None
        if world.is_virtual or self.due_ns is None:
            return tick_s
        left_s = (self.due_ns - monotonic_ns()) / _NS
        return left_s if tick_s is None else min(left_s, tick_s)

    def _busy(self) -> Any:  # noqa: ANN401  (a selector's list)
        """Look what is ready; a loop that is never idle gets a turn or a timer now and then."""
        self._turns += 1
        now_ns = monotonic_ns()
        if self.strand.has_waited:  # in a call: in a replay that takes no time
            self.strand.has_waited, self._idle_ns = False, now_ns
        if self._turns >= _MOST_TURNS or now_ns - self._idle_ns > _MOST_BUSY_NS:
            self._turns, self._idle_ns = 0, now_ns
            world = self._world
            self.strand = world.contact()
            with world.lock:
                real = self._goes_idle()
                if real is not None:
                    world.forget(real)
                if world.replaying and not self._is_roused:
                    world.watch.look()  # nobody else may
                if not self._is_roused and not world.is_virtual and self.due_ns is not None:
                    self.now_ns = max(self.now_ns, now_ns)  # all that are due, as without us
                self._no_longer_idle()
        return self.real.select(0)

    def _no_longer_idle(self) -> None:
        self._is_idle = False
        self._idle_ns = monotonic_ns()
        self._world.sleepers.pop(id(self), None)
        self._world.works(self.strand)


def wrapped(loop: Any, world: World) -> Selector | None:  # noqa: ANN401  (an event loop, or None)
    """Give the stand-in for a loop's selector, put there now if need be; None without selector."""
    found: Any = getattr(loop, "_selector", None)
    if not (hasattr(found, "get_map") and hasattr(loop, "_ready")):  # a proactor has no map
        return None
    if isinstance(found, Selector):
        if found._world is world:
            return found
        found.end()
        found = found.real.inner
    made = loop._selector = Selector(found, loop, world)
    _made[:] = [*(one for one in _made if one() is not None), ref(made)]
    return made


_made: list[Any] = []
"""The stand-ins that there are, in weak references."""


def leave_all(world: World) -> None:
    """Take down that loops which are open leave a session: so far is known how time passes.

    They live in real time again.
    """
    asyncio = sys.modules.get("asyncio")
    running = asyncio._get_running_loop() if asyncio is not None else None
    for weak in _made:
        selector = weak()
        if selector is None or selector._world is not world or selector.loop.is_closed():
            continue
        _note_closing(world)
        selector.leave(is_elsewhere=selector.loop is not running and selector.loop.is_running())
    _made.clear()


def hook_asyncio(module: ModuleType) -> None:
    """See when the loops of `asyncio.selector_events` are idle."""
    base: Any = module.BaseSelectorEventLoop
    every: Any = module.base_events.BaseEventLoop
    init, close, run_forever = base.__init__, base.close, every.run_forever
    hand_over = every.call_soon_threadsafe
    _hook_clock(every)

    def __init__(self: Any, *args: Any, **options: Any) -> None:  # noqa: ANN401, N807  (its own)
        init(self, *args, **options)
        if worlds.active is not None:
            wrapped(self, worlds.active)

    def run_forever_(self: Any) -> Any:  # noqa: ANN401  (its own)
        if worlds.active is not None:  # it may have been made before the session
            wrapped(self, worlds.active)
        return run_forever(self)

    def close_(self: Any) -> None:  # noqa: ANN401  (its own)
        world, selector = worlds.active, getattr(self, "_selector", None)
        if world is not None and isinstance(selector, Selector) and not self._closed:
            _note_closing(world)
        close(self)

    def call_soon_threadsafe(self: Any, callback: Any, *args: Any, context: Any = None) -> Any:  # noqa: ANN401
        world = worlds.active
        selector = self.__dict__.get("_selector")
        if world is None or not isinstance(selector, Selector) or world.is_off:
            return hand_over(self, callback, *args, context=context)
        return _handed_over(self, selector, world, hand_over, callback, args, context)

    for owner, name, new in (
        (base, "__init__", __init__),
        (base, "close", close_),
        (every, "call_soon_threadsafe", call_soon_threadsafe),
        (every, "run_forever", run_forever_),
    ):
        lanes.replace(owner, name, dressed_as(owner.__dict__[name])(new))


def _hook_clock(every: Any) -> None:  # noqa: ANN401  (`BaseEventLoop`)
    """Let a loop's own look at the clock, for its timers, be at the time that is let pass."""
    original, code = every.time, every._run_once.__code__

    def time(self: Any) -> float:  # noqa: ANN401  (its own)
        selector = self.__dict__.get("_selector")
        is_own = sys._getframe(1).f_code is code
        # A client's inner workings, and what runs since before a session, see the loop's own time.
        is_program = not is_own and not lanes.current().shadow
        if is_program and worlds.active is not None:
            selector = wrapped(self, worlds.active)
        if not isinstance(selector, Selector) or selector.is_over:
            found: float = original(self)
            return found
        if is_own:
            return selector.now_ns / _NS
        if is_program and worlds.reads_are_kept:
            return clock.loop_time(selector._world.left_ns)
        return selector.now_ns / _NS if selector.is_virtual else monotonic_ns() / _NS

    lanes.replace(every, "time", dressed_as(original)(time))


def _note_closing(world: World) -> None:
    lane = lanes.current()
    if lane.shadow or lane.covered or world.is_off:
        return
    with world.lock:
        world.note(("X", lane.name, next_of(lane, "X")))


def next_of(lane: Any, kind: str) -> int:  # noqa: ANN401  (a lane)
    """Count what happens to a lane, for each kind of entry."""
    number: int = next(lane.counters.setdefault("order " + kind, count()))
    return number


def _handed_over(  # noqa: PLR0913  (a call, and where it goes)
    loop: Any,  # noqa: ANN401  (an event loop)
    selector: Selector,
    world: World,
    original: Callable[..., Any],
    callback: Any,  # noqa: ANN401  (the program's)
    args: Any,  # noqa: ANN401  (as above)
    context: Any,  # noqa: ANN401  (as above)
) -> Any:  # noqa: ANN401  (a handle)
    """Let a call from another thread reach its loop in its turn."""
    module = sys.modules["asyncio"]
    if module._get_running_loop() is loop or strand_here() is selector.strand:
        return original(loop, callback, *args, context=context)
    lane = lanes.current()
    if lane.covered or lanes.is_shadow():
        return original(loop, callback, *args, context=context)
    if lane.shadow:
        lane = _lane_of_the_waiting(args)
        if lane is None:
            return original(loop, callback, *args, context=context)
    loop._check_closed()
    if context is None:
        from _contextvars import copy_context  # noqa: PLC0415  (only who hands over)

        token = lanes.enter(lane.child("call"))
        try:
            context = copy_context()
        finally:
            lanes.leave(token)
    handle = module.Handle(callback, args, loop, context)
    turn = LoopTurn(("W", lane.name, next_of(lane, "W")), selector, None, handle)
    with world.lock:
        if not world.awaits(turn):
            world.wake(turn, selector.now_ns)
        elif not world.active:
            world.step()
        elif not world.replaying:
            loop._write_to_self()  # an idle loop looks around while something waits
    return handle


def _lane_of_the_waiting(args: Any) -> Any:  # noqa: ANN401  (arguments of a call; a lane or None)
    """Find whom a call from a thread without a name wakes: the task that awaits its future."""
    for one in args:
        for callback, context in getattr(one, "_callbacks", None) or ():
            del callback
            lane = lanes.lane_in(context)
            if lane is not None and not lane.shadow and not lane.covered:
                return lane
    return None
