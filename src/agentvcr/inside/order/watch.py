"""Notice that nothing goes on: somebody blocks where nobody sees it, or a turn never comes.

Owns that judgement. It is made by those who wait, at each tick of their waiting, so that no thread
of ours is needed. Does not know who they are.
"""

from __future__ import annotations

from time import process_time_ns

from agentvcr.inside.order.cores import has_children, is_anybody_ready
from agentvcr.inside.order.log import OF_EXCHANGE, SOFT
from agentvcr.inside.order.segments import lane_of
from agentvcr.inside.real import monotonic_ns

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any, Callable

    from agentvcr.inside.order.log import Entry
    from agentvcr.inside.order.world import World

    Report = Callable[[str], None]

HOLD_S = 0.005
"""Seconds between two looks of who waits in a recording for the others to settle."""
TICK_S = 0.02
"""Seconds between two looks of who waits in a replay."""
_MS = 1_000_000
_SHORTEST_LOOK_NS = 4 * _MS
_SETTLED_NS = 9 * _MS
"""In a recording: after so long without work, which is two looks, everybody has settled."""
_LONGEST_HOLD_NS = 100 * _MS
"""A strand that computes is not waited for any longer while recording: the next one is let in."""
_MOST_HOLDS = 5
"""Each hold is half as long as the one before, until everybody has settled again."""
_UNSEEN_NS = 60 * _MS
"""In a replay: after so long without work, whoever was at work blocks out of our sight."""
_STUCK_NS = 300 * _MS
"""After so long without work, a turn never comes, where everybody is seen."""
_SPINNING_NS = 300 * _MS
"""After so much more work than its recording can have done, a strand waits by looking."""
_PATIENCE_NS = 2_000 * _MS
"""The same where something real may still come."""
_MOST_PATIENCE_NS = 60_000 * _MS
_SPINNING_PATIENCE_NS = 10_000 * _MS
"""A turn never comes after so much work of who waits by looking, and ten times the recorded one."""
_OF_LANE = "TWX"
"""Kinds of what a lane does itself, behind whatever it has waited for."""
_NEAR_NS = 100 * _MS
"""A wait whose time is up no later than this behind a recorded end is the one that ended there."""
_MOST_NAMED = 4


class Watch:
    """Looks at the world of this process."""

    def __init__(self, world: World) -> None:
        """Look at `world`, when somebody says so."""
        self._world = world
        self._progress = -1
        self._cpu_ns = 0
        self._since_ns = 0
        self._looked_ns = 0
        self._quiet_ns = 0
        self._used_ns = 0
        self._passed = 0
        self._cur = self._woken_at = -1
        self._moved_ns = 0
        self.holds = 0
        """How often the world went on without somebody who computes, since all had settled."""
        self._spun = 0
        self.report: Report | None = None
        """Takes the words of an order that is another than the recorded one."""

    def look(self) -> None:
        """Judge how things stand; the lock is held."""
        now_ns, cpu_ns = monotonic_ns(), process_time_ns()
        elapsed_ns, used_ns = now_ns - self._looked_ns, cpu_ns - self._cpu_ns
        is_new = self._progress != self._world.progress
        if elapsed_ns < _SHORTEST_LOOK_NS and not is_new:
            return  # several who wait look around: too short a time says nothing
        self._looked_ns, self._cpu_ns = now_ns, cpu_ns
        if is_new:
            self._progress, self._since_ns = self._world.progress, now_ns
            self._quiet_ns = self._used_ns = 0
            return
        self._used_ns += used_ns
        is_quiet = used_ns * 4 < elapsed_ns and not (self._world.active and is_anybody_ready())
        # A machine that is busy with others may not have let anybody work: only looks count.
        step_ns = min(elapsed_ns, int(2e9 * TICK_S))
        self._quiet_ns = self._quiet_ns + step_ns if is_quiet else 0
        if self._world.replaying:
            self._look_at_replay(elapsed_ns)
        else:
            self._look_at_recording(now_ns - self._since_ns)

    def _look_at_recording(self, waited_ns: int) -> None:
        world = self._world
        if self._quiet_ns >= _SETTLED_NS or not world.active:
            world.active.clear()
            world.step()
        elif max(self._used_ns, waited_ns // 10) > _LONGEST_HOLD_NS >> self.holds:
            self.holds = min(self.holds + 1, _MOST_HOLDS)
            world.go_on_without()
            world.admit(overlap=True)

    def _look_at_replay(self, elapsed_ns: int) -> None:
        world, entry = self._world, self._world.log.next
        if world.log.cur in world.timed.values():
            return
        is_spinning = bool(world.active) and self._quiet_ns < _UNSEEN_NS
        if is_spinning and self._used_ns < self._most_work_ns(entry):
            return
        if world.active and not is_spinning:
            world.go_on_without()  # it blocks out of our sight
        before = world.progress
        world.step()
        if world.progress != before:
            self._spun += is_spinning
            return
        if entry is None:
            world.pass_time(elapsed_ns)
        elif is_spinning:
            gap_ns = max(0, entry.at_ns - world.now_ns)
            if self._used_ns >= (_SPINNING_PATIENCE_NS + 10 * gap_ns) >> self._passed:
                self._pass_over(entry)
        else:
            self._wait_for(entry)

    def _wait_for(self, entry: Entry) -> None:
        """Nobody works and nobody waits for what comes next: it is real, or it does not come.

        Or a thread sleeps, as it did not in the recording, and it comes behind that.
        """
        world = self._world
        if self._quiet_ns >= _UNSEEN_NS:
            if self._runs_out_for(entry):
                return
            for one in world.sleepers.values():
                if hasattr(one, "real"):  # an event loop
                    one.real.is_open = True
            if not self._is_real() and self._wakes_a_sleeper(entry):
                return
        if self._quiet_ns >= self._patience_ns(entry):
            due = world.earliest()
            if due is not None and due.due_ns <= entry.at_ns:
                world.fire(due, due.due_ns)
            else:
                self._pass_over(entry)

    def _most_work_ns(self, entry: Entry | None) -> int:
        """Say how much work somebody may do before an entry, who did it in the recording too.

        With more of it he does nothing but to look whether the entry has come.
        """
        if entry is None or entry.overlap:
            return 0
        gap_ns = max(0, entry.at_ns - self._world.now_ns)
        return (_SPINNING_NS + 4 * gap_ns) >> (4 * self._spun)

    def _patience_ns(self, entry: Entry) -> int:
        """Say how long to wait for an entry for which nobody waits."""
        world = self._world
        if entry.kind in OF_EXCHANGE and any(
            one.key[1] == entry.who and one.key[0] in OF_EXCHANGE for one in world.pending.values()
        ):
            return 0  # a later part of the same exchange is waited for: this one never comes
        if world.has_left:
            return _UNSEEN_NS  # another run, whose order is its own: who comes later comes late
        if not (self._is_real() or has_children()):
            return max(_STUCK_NS >> self._passed, _UNSEEN_NS)
        gap_ns = max(0, entry.at_ns - world.now_ns)
        patience_ns = min(_PATIENCE_NS + 2 * gap_ns, _MOST_PATIENCE_NS)
        return max(patience_ns >> self._passed, _UNSEEN_NS)

    def _is_real(self) -> bool:
        """Whether something may come that is no part of the log."""
        world = self._world
        return bool(world.outside or world.busy) or any(
            hasattr(one, "real") and one.real.has_program for one in list(world.sleepers.values())
        )

    def _wakes_a_sleeper(self, entry: Entry) -> bool:
        """Let a sleep of which the log has no end take its time; a long one, until it is late."""
        world = self._world
        due = world.earliest(_is_sleep)
        if due is None:
            return False
        if self._is_late(entry):
            if self._woken_at == world.log.cur:
                return False
            self._woken_at = world.log.cur
        elif self._looked_ns - self._since_ns < due.due_ns - world.now_ns:
            return True
        world.fire(due, due.due_ns)
        return True

    def _runs_out_for(self, entry: Entry) -> bool:
        """Let a wait run out of the lane that has something to do next in the log.

        A lane waits for one thing at a time, so that does not come before. Where it is the end of a
        wait that is counted otherwise, it is this one.
        """
        world = self._world
        if entry.kind not in _OF_LANE:
            return False
        for one in list(world.sleepers.values()):
            who = getattr(one, "key", None) and one.key[1]
            if not who or lane_of(who) != lane_of(str(entry.who)):
                continue
            if one.due_ns is not None and one.due_ns <= entry.at_ns + _NEAR_NS:
                if one.key[:2] == entry.key[:2]:
                    world.log.mark(world.log.cur)
                world.fire(one, one.due_ns)
                return True
        return False

    def _is_late(self, entry: Entry) -> bool:
        """Whether nothing of the log has come for so long that waits are no reason.

        A child of the process takes its time, which the recorded waits for it took, too.
        """
        log = self._world.log
        if self._cur != log.cur:
            self._cur, self._moved_ns = log.cur, self._looked_ns
        patience_ns = _PATIENCE_NS
        if has_children():
            patience_ns += 2 * (entry.at_ns - log.began_ns(log.cur))
        return (
            self._looked_ns - self._moved_ns > min(patience_ns, _MOST_PATIENCE_NS) >> self._passed
        )

    def _pass_over(self, entry: Entry) -> None:
        """Go on without an entry that does not come: somebody waits for a later one, or a timer."""
        world = self._world
        self._quiet_ns = 0
        # The program goes its own way: it is waited for less and less.
        self._passed += entry.kind not in SOFT
        log, place = world.log, world.log.cur
        if entry.kind not in SOFT and (world.pending or world.earliest() is not None):
            self.tell(entry)
        if entry.kind in OF_EXCHANGE:  # nor does what is behind it, unless somebody waits for that
            log.finish(entry.who, but=world.pending)
            waits = world.in_vain.pop(entry.who, None)
            if waits is not None and not waits.is_over():
                world.wake(waits, world.now_ns)
        log.mark(place)
        world.progress += 1
        world.step()

    def tell(self, entry: Entry) -> None:
        """Say that an entry does not come, and who waits; not where it is another run anyway."""
        world = self._world
        if self.report is None or world.has_left:
            return
        waiting = [world.log.entries[place] for place in sorted(world.pending)]
        named = ", ".join(name_of(one) for one in waiting[:_MOST_NAMED]) or "nobody"
        more = len(waiting) - _MOST_NAMED
        self.report(
            "recorded next: %s, which does not come; waiting: %s%s"
            % (name_of(entry), named, " and %d more" % more if more > 0 else "")
        )


def _is_sleep(sleeper: Any) -> bool:  # noqa: ANN401  (a turn of a thread, or an event loop)
    """Whether it is a thread that nobody can wake before its time."""
    return bool(getattr(sleeper, "alone", False))


_NAMES = {
    "S": "the beginning of exchange %s",
    "N": "the start of %s",
    "T": "the end of a wait in %s",
    "W": "a call from %s into an event loop",
    "R": "something real in the event loop of %s",
    "A": "a lock for %s",
    "X": "the end of the event loop of %s",
}


def name_of(entry: Entry) -> str:
    """Name an entry for people."""
    if entry.kind == "D":
        return "%s of exchange %s" % ("a piece" if entry.index else "the head", entry.who)
    who = lane_of(entry.who) if isinstance(entry.who, str) else entry.who
    return _NAMES.get(entry.kind, "something of %s") % who
