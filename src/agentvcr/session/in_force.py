"""What is in place in this process while a block is recorded or replayed.

Owns putting it there and taking it away: interceptors, lanes, the guard, the one handler. Knows
no cassette.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Sequence
from contextvars import Token
from functools import lru_cache, partial
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import Any, Final

from agentvcr.boundary import Boundary, name_unrecorded, why_blocked
from agentvcr.channel.zone import variable_for
from agentvcr.errors import SessionActiveError
from agentvcr.inside import clock as lane_clock
from agentvcr.inside import interceptors, lanes, state
from agentvcr.inside.bindings import Modules, look
from agentvcr.inside.chance.install import begin_block
from agentvcr.inside.entry import Entry
from agentvcr.inside.exchange import Forward, ReplayHalt, Request, Serve
from agentvcr.inside.guard import Guard, opening
from agentvcr.inside.hooking import hook_all
from agentvcr.inside.imports import when_imported
from agentvcr.inside.lane import Lane
from agentvcr.inside.off import is_off
from agentvcr.inside.order import install as order
from agentvcr.inside.order import world as order_world
from agentvcr.inside.order.gates import course_of
from agentvcr.inside.patching import dressed_as
from agentvcr.inside.surroundings import Surroundings
from agentvcr.inside.waiting import forget_served, note_served
from agentvcr.model.chance import Chance, Zone
from agentvcr.recording.local import LocalHandler
from agentvcr.recording.recorder import Recorder
from agentvcr.replaying.ledger import Ledger
from agentvcr.replaying.worlds import Worlds
from agentvcr.session.command import project_root

_OURS: Final = str(Path(__file__).parents[1])
"""The folder of AgentVCR itself."""
_CHANGING: Final = Lock()
"""Held while a session comes into force, so that of two threads one is refused."""

_current: InForce | None = None
_follows_forks = False


def check_idle() -> None:
    """Refuse a second session.

    Raises:
        SessionActiveError: Something records or replays in this process already.
    """
    active = state.handler
    if active is None:
        return
    if isinstance(active, Entry):
        what = "this program is recorded or replayed from the command line already"
        cure = "run it without `agentvcr record` or `agentvcr replay`, or leave out the block"
    else:
        what = "a session is active in this process already"
        cure = "end it before you start another"
    raise SessionActiveError(what, where=f"process {os.getpid()}", cure=cure)


class InForce:
    """A session's hold on this process; the guard's gate."""

    def __init__(  # noqa: PLR0913  (the parts of a session)
        self,
        recorder: Recorder,
        boundary: Boundary,
        ledger: Ledger | None,
        worlds: Worlds | None = None,
        *,
        clock: str = "virtual",
        keeps_order: bool = True,
        chance: Chance | None = None,
    ) -> None:
        """Prepare; with a ledger, it is a replay, of a process of `worlds`.

        Without `chance`, that stays real.
        """
        self._has_clock = clock != "real" and not is_off("clock")
        self._is_virtual = clock != "real"
        self._has_order = keeps_order and not is_off("order")
        self.replaying = ledger is not None
        self._recorder = recorder
        self._boundary = boundary
        self._ledger = ledger
        self._process = os.getpid()
        self._guard = Guard(self)
        self._lane: Token[Lane] | None = None
        self._handler = _Noting(recorder, worlds)
        self._own_paths: set[str] = set()
        self._asked: dict[tuple[str, str], int] = {}
        """How often what is not recorded was asked for, where a client names it."""
        self._undo: list[Callable[[], None]] = []
        self._given = chance

    @property
    def is_own_process(self) -> bool:
        """Whether this is the process that the session began in, and no fork of it."""
        return self._process == os.getpid()

    def begin(self) -> None:
        """Put everything in place.

        Raises:
            SessionActiveError: Another thread was faster.
        """
        global _current  # noqa: PLW0603  (the hold on this process, of which there is one)
        with _CHANGING:
            check_idle()
            state.activate(self._handler)
        _current = self
        try:
            self._put_in_place()
        except BaseException:
            self.end()  # else every session behind this one is refused
            raise

    def _put_in_place(self) -> None:
        forget_served()
        _follow_forks()
        self._lane = lanes.start("main")
        when_imported("multiprocessing.util", self._hook_spawning)
        hook_all(lanes.HOOKS)
        if self._has_order:
            order.install(
                self._handler, is_virtual=self._is_virtual, reads_are_kept=self._has_clock
            )
        interceptors.install()
        self._guard.hook_socket(socket)
        self._guard.install()
        modules = look()
        if self._given is not None and not is_off("chance"):
            self._determine(self._given, modules)
        opening.append(self._handler.surroundings.opened)
        if self._has_clock:
            lane_clock.install(self._handler, replaying=self.replaying, modules=modules)

    def end(self) -> None:
        """Take everything away."""
        global _current  # noqa: PLW0603  (as above)
        self._handler.surroundings.tell()
        if self._handler.surroundings.opened in opening:
            opening.remove(self._handler.surroundings.opened)
        order.uninstall()
        if self._has_clock:
            if self.is_own_process:
                lane_clock.flush()
            lane_clock.uninstall()
        state.activate(None)
        _current = None
        while self._undo:
            self._undo.pop()()
        self._guard.uninstall()
        interceptors.uninstall()
        lanes.uninstall()
        if self._lane is not None:
            lanes.leave(self._lane)

    def _determine(self, given: Chance, modules: Modules) -> None:
        """Give the block what was recorded of chance, and of the zone of its local times."""
        self._undo.append(begin_block(given.seed, modules).end_block)
        if given.zone is None or not self.replaying:
            return
        before = os.environ.get("TZ")
        zone = _zone_to_set(given.zone, before)
        if zone is None:
            return
        self._undo.append(partial(_set_zone, before))
        _set_zone(zone)

    def flush(self) -> None:
        """Put what was recorded so far where a reader finds it; threads may be writing."""
        with self._handler.lock:
            self._recorder.flush(at_once=True)

    def close(self, exit_status: int) -> None:
        """Close the recording; a thread that outlives the block may be writing to it."""
        with self._handler.lock:
            for (kind, what), count in self._asked.items():
                self._recorder.note(kind, what, count=count)
            self._recorder.close(exit_status, None)

    def drop(self) -> None:
        """Close the recording without what is not written yet: nobody will read it."""
        with self._handler.lock:
            self._recorder.drop()

    def forked(self) -> None:
        """Let go in the child of a fork: the cassette is its parent's."""
        # A thread that is not here may hold it; Python's own locks are reset in this way.
        self._handler.lock._at_fork_reinit()  # type: ignore[attr-defined]  # noqa: SLF001
        self._recorder.abandon()
        if not self.replaying:
            self.end()

    # --- the guard's gate -----------------------------------------------------------------------

    @property
    def is_gone(self) -> bool:
        """Whether nobody listens any more: never, here."""
        return False

    def is_own(self, host: str, port: int) -> bool:  # noqa: ARG002  (no channel in this process)
        """Whether an address is the session's own: it has none."""
        return False

    def reach(self, host: str, port: int, what: str = "") -> None:
        """Let the replayed code pass, or raise.

        Raises:
            ReplayHalt: It reaches past every recorded client.
            ConnectionRefusedError: It is telemetry.
        """
        if self._ledger is None:
            return
        place = self._boundary.place(host, port)
        if place == "telemetry":
            self._ledger.telemetry += 1
            raise ConnectionRefusedError(111, "Connection refused")
        by_client = not what and (lanes.is_shadow() or lanes.current().covered)
        if place == "outside" and not self._boundary.lets_out(host, port, by_client=by_client):
            message = why_blocked(host, port, lanes.current().name, 'live=["{}"]', what)
            with self._handler.lock:
                halt = self._ledger.diverged("blocked", message)
                self._recorder.note("divergence", message)
            raise halt

    def passed(self, host: str, port: int, what: str = "") -> None:
        """Take down an address that was reached past every interceptor, and for what."""
        kind = self._boundary.kind_of_passing(host, port)
        if kind is None or host in self._own_paths:
            return
        with self._handler.lock:
            if what:  # at each call: counted until the end
                self._asked[kind, what] = self._asked.get((kind, what), 0) + 1
            else:
                self._recorder.note(kind, name_unrecorded(host, port))

    def started(self, argv: object) -> None:
        """Take down a child process, which is not followed."""
        words = list(argv) if isinstance(argv, list | tuple) else [argv]
        named = [os.fsdecode(word) if isinstance(word, bytes) else str(word) for word in words]
        text = " ".join(self._recorder.redactor.argv(named))
        with self._handler.lock:
            self._recorder.note("unentered", text)

    def _hook_spawning(self, module: ModuleType) -> None:
        """See which processes `multiprocessing` spawns, of which no audit hook is told."""
        original = module.spawnv_passfds

        @dressed_as(original)
        def spawnv_passfds(path: Any, args: Any, passfds: Any) -> Any:  # noqa: ANN401  (its own)
            if not lanes.current().covered and _runs_the_program(args):
                self.started(args)
            return original(path, args, passfds)

        module.spawnv_passfds = spawnv_passfds  # type: ignore[attr-defined]  # a module's function
        self._undo.append(partial(setattr, module, "spawnv_passfds", original))

    def listens(self, port: int) -> None:
        """Take down that this process listens on a port: its peers are part of the run."""
        self._boundary.listens(port)

    def listens_at(self, path: str) -> None:
        """Take down that this process listens on a Unix socket."""
        self._own_paths.add(f"unix:{path}")


@lru_cache(maxsize=16)
def _zone_to_set(recorded: Zone, variable: str | None) -> str | None:
    """Say what `TZ` has to be in a block; asked of the machine once for all blocks of a suite."""
    return variable_for(recorded, {} if variable is None else {"TZ": variable})


def _set_zone(variable: str | None) -> None:
    if variable is None:
        os.environ.pop("TZ", None)
    else:
        os.environ["TZ"] = variable
    time.tzset()


def _runs_the_program(args: Sequence[Any]) -> bool:
    """Whether a process of multiprocessing's does its work, and not only its book-keeping."""
    return not any("resource_tracker" in os.fsdecode(word) for word in args)


class _Noting(LocalHandler):
    """Notes what was served, for the answers that wait for it, and tells the surroundings."""

    def __init__(self, recorder: Recorder, worlds: Worlds | None) -> None:
        """Ask `recorder`."""
        super().__init__(recorder, worlds)
        self.surroundings = Surroundings(self.world, str(project_root()), _OURS)

    def begin(self, request: Request) -> Serve | Forward:
        """Decide as the recorder does; what was read of the clock is in the file before."""
        lane_clock.flush()
        self.surroundings.tell()
        try:
            decision = super().begin(request)
        except ReplayHalt as halt:
            _halt_all(halt)
            raise
        if isinstance(decision, Serve):
            note_served(decision.number)
            own = getattr(getattr(decision.taken, "inner", None), "number", 0)
            decision.course = course_of(0 if decision.is_lent else decision.number, own)
        else:
            own = getattr(getattr(decision.sink, "sink", None), "number", 0)
            number = decision.number if self.replaying else own
            decision.course = course_of(number, own, is_real=self.replaying)
        return decision


def _halt_all(halt: ReplayHalt) -> None:
    """Wake all who wait for their turn: there is none any more."""
    world = order_world.active
    if world is not None:
        with world.lock:
            world.halt(halt)


def _follow_forks() -> None:
    global _follows_forks  # noqa: PLW0603  (a hook that cannot be taken away again)
    if not _follows_forks and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_parent=_has_forked, after_in_child=_forked)
        _follows_forks = True


def _has_forked() -> None:
    if _current is not None and not lanes.current().covered:
        _current.started(["a fork of this process"])


def _forked() -> None:
    if _current is not None:
        _current.forked()
