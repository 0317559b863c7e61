"""What comes next, and who goes on: the world of one process, without threads or loops."""

import pytest

from agentvcr.inside.order import watch
from agentvcr.inside.order.log import Entry
from agentvcr.inside.order.strands import Strand, Turn, strand_here
from agentvcr.inside.order.world import World

MS = 1_000_000


A_STRAND = Strand()


class Waiting(Turn):
    """Somebody who waits for a turn, or for a time; `held` while his event loop is in a call."""

    def __init__(self, key=None, due_ms=None, *, held=False):
        super().__init__(key, A_STRAND)
        self.due_ns = None if due_ms is None else due_ms * MS
        self.held = held
        self.woken = []

    def is_held(self):
        return self.held

    def wake(self, now_ns):
        super().wake(now_ns)
        self.woken.append(now_ns // MS)


def replaying(*entries, **options):
    """Make the world of a replay, whose log has (key, at ms), and in which nobody works."""
    found = [Entry(*key, at * MS) for key, at in entries]
    world = World(load=lambda: found, **options)
    world.active.clear()
    return world


def waits(world, *key):
    turn = Waiting(key)
    assert world.awaits(turn)
    return turn


def sleeps(world, due_ms):
    sleeper = Waiting(due_ms=due_ms)
    sleeper.alone = True
    world.sleepers[id(sleeper)] = sleeper
    return sleeper


def test_a_replay_lets_in_what_the_log_says_and_nobody_else():
    world = replaying((("D", 1, 0), 10), (("D", 2, 0), 20))
    second, first = waits(world, "D", 2, 0), waits(world, "D", 1, 0)
    world.step()
    assert (first.woken, second.woken) == ([10], [])
    assert world.now_ns == 10 * MS
    world.active.clear()
    world.step()
    assert second.woken == [20]


def test_nobody_waits_for_what_is_not_in_the_log():
    world = replaying((("D", 1, 0), 10))
    assert not world.awaits(Waiting(("D", 1, 1)))
    world.note(("D", 1, 0))
    assert not world.awaits(Waiting(("D", 1, 0)))


def test_a_timer_that_is_due_before_the_next_entry_comes_first_and_time_stays_behind_it():
    world = replaying((("N", "a", 0), 0), (("D", 1, 0), 30))
    world.note(("N", "a", 0))
    turn, late, soon = waits(world, "D", 1, 0), sleeps(world, 40), sleeps(world, 20)
    world.step()
    assert (soon.woken, turn.woken, late.woken) == ([20], [], [])
    assert soon.expired
    assert world.now_ns == 20 * MS
    world.step()
    assert (turn.woken, late.woken) == ([30], [])


def test_without_virtual_time_no_timer_is_the_worlds():
    world = replaying((("D", 1, 0), 30), is_virtual=False)
    turn, soon = waits(world, "D", 1, 0), sleeps(world, 20)
    world.step()
    assert (soon.woken, turn.woken) == ([], [30])


def test_behind_the_log_time_passes_as_it_does():
    world = replaying((("N", "a", 0), 0))
    world.note(("N", "a", 0))
    sleeper = sleeps(world, 20)
    world.step()
    world.pass_time(19 * MS)
    assert not sleeper.woken
    world.pass_time(2 * MS)
    assert sleeper.woken == [21]


def test_who_waits_for_what_is_told_to_be_over_goes_on():
    world = replaying((("D", 1, 0), 10), (("D", 1, 1), 20), (("D", 2, 0), 30))
    turn = waits(world, "D", 1, 1)
    world.log.finish(1)
    world.step()
    assert turn.woken


def test_a_turn_that_is_taken_back_is_no_longer_waited_for():
    world = replaying((("D", 1, 0), 10))
    turn = waits(world, "D", 1, 0)
    world.forget(turn)
    world.step()
    assert not turn.woken
    assert not world.pending


def test_a_halt_wakes_all_who_wait():
    world = replaying((("D", 1, 0), 10), (("D", 2, 0), 20))
    turns = [waits(world, "D", number, 0) for number in (1, 2)]
    world.halt(KeyboardInterrupt())
    assert all(turn.woken for turn in turns)
    assert not world.pending


def test_the_last_to_leave_lets_in_what_comes():
    world = replaying((("D", 1, 0), 10))
    strand = world.contact()
    turn = waits(world, "D", 1, 0)
    world.active.add(A_STRAND)
    world.leaves(strand)
    assert not turn.woken
    world.leaves(A_STRAND)
    assert turn.woken == [10]


def test_a_recording_lets_arrivals_in_one_at_a_time_and_timers_before_them(monkeypatch):
    monkeypatch.setattr("agentvcr.inside.order.world.monotonic_ns", lambda: 100 * MS)
    told = []
    world = World(tell=told.extend)
    turns = [Waiting(("D", number, 0)) for number in (1, 2)]
    due, later = sleeps(world, 99), sleeps(world, 101)
    for turn in turns:
        world.awaits(turn)
    world.leaves(strand_here())
    assert (due.woken, later.woken, turns[0].woken) == ([99], [], [])
    world.leaves(A_STRAND)
    assert (turns[0].woken, turns[1].woken) == ([100], [])
    world.leaves(A_STRAND)
    assert turns[1].woken == [100]
    world.tell()
    assert [one.key for one in told] == [("D", 1, 0), ("D", 2, 0)]


def test_what_a_recording_calls_otherwise_than_its_caller_is_taken_down_by_its_own_name():
    told = []
    world = World(tell=told.extend)
    turn = Turn(("D", -2, 0), A_STRAND, ("D", 2, 0))
    world.awaits(turn)
    world.admit()
    world.tell()
    assert [one.key for one in told] == [("D", 2, 0)]


def test_an_arrival_for_a_loop_that_is_in_a_call_lets_others_pass_until_the_loop_is_idle():
    world = World()
    held, other = Waiting(("D", 1, 0), held=True), Waiting(("D", 2, 0))
    world.awaits(held)
    world.awaits(other)
    world.leaves(strand_here())
    assert (held.woken, len(other.woken)) == ([], 1)
    world.leaves(A_STRAND)
    assert held.woken == []
    held.held = False
    world.step()
    assert len(held.woken) == 1


def test_an_arrival_that_nobody_waits_for_any_more_is_not_taken_down():
    told = []
    world = World(tell=told.extend)
    gone, there = Waiting(("D", 1, 0)), Waiting(("D", 2, 0))
    world.awaits(gone)
    world.awaits(there)
    gone.over = True
    world.leaves(strand_here())
    world.tell()
    assert [one.key for one in told] == [("D", 2, 0)]


# --- judging that nothing goes on -----------------------------------------------------------------


class Time:
    """The clock and the work of a process, as a test says."""

    def __init__(self, monkeypatch, world):
        self._world = world
        self.now_ns = self.work_ns = 10**12
        self.lacks_a_core = False
        monkeypatch.setattr(watch, "monotonic_ns", lambda: self.now_ns)
        monkeypatch.setattr(watch, "process_time_ns", lambda: self.work_ns)
        monkeypatch.setattr(watch, "is_anybody_ready", lambda: self.lacks_a_core)
        world.watch.look()

    def passes(self, ms, *, working=False):
        """Let time pass, in which somebody looks around every 20 ms."""
        for _ in range(ms // 20):
            self.now_ns += 20 * MS
            self.work_ns += 20 * MS * working
            self._world.watch.look()


@pytest.fixture
def told():
    return []


def watched(monkeypatch, told, *entries, children=False):
    """Watch a replay of `entries` in a process that has children or has none, whichever we have."""
    monkeypatch.setattr(watch, "has_children", lambda: children)
    world = replaying(*entries)
    world.watch.report = told.append
    return world, Time(monkeypatch, world)


def test_what_never_comes_is_passed_over_and_told(monkeypatch, told):
    world, time = watched(monkeypatch, told, (("S", 1, 0), 0), (("D", 2, 0), 10))
    turn = waits(world, "D", 2, 0)
    time.passes(200)
    assert not turn.woken
    time.passes(200)
    assert turn.woken == [10]
    (words,) = told
    assert words == (
        "recorded next: the beginning of exchange 1, which does not come; "
        "waiting: the head of exchange 2"
    )


def test_the_end_of_a_wait_that_somebody_ended_is_not_waited_for(told):
    world = replaying((("T", "main", 0), 10), (("A", "a|lock", 0), 20))
    world.watch.report = told.append
    timed, turn = waits(world, "T", "main", 0), waits(world, "A", "a|lock", 0)
    world.active.add("at work")
    world.forget(timed)
    world.wake(timed, 0)
    world.active.clear()
    world.step()
    assert turn.woken == [20]
    (words,) = told
    assert words == (
        "recorded next: the end of a wait in main, which does not come; waiting: a lock for a"
    )


def test_nobody_spins_for_ever_for_what_never_comes(monkeypatch, told):
    world, time = watched(monkeypatch, told, (("T", "main", 0), 100), (("D", 1, 0), 200))
    turn = waits(world, "D", 1, 0)
    world.active.add("at work")
    time.passes(9_000, working=True)
    assert not turn.woken
    time.passes(2_500, working=True)
    assert turn.woken == [200]
    assert len(told) == 1


def test_what_a_child_may_still_bring_about_is_waited_for(monkeypatch, told):
    log = (("S", 1, 0), 0), (("D", 2, 0), 10)
    world, time = watched(monkeypatch, told, *log, children=True)
    turn = waits(world, "D", 2, 0)
    time.passes(1500)
    assert not turn.woken
    time.passes(1500)
    assert turn.woken == [10]


def test_passing_over_an_exchange_leaves_whoever_waits_next_his_turn(monkeypatch, told):
    log = [(("S", 1, 0), 0), (("T", "main", 0), 10), (("D", 1, 0), 20), (("D", 2, 0), 30)]
    world, time = watched(monkeypatch, told, *log)
    timed, turn = waits(world, "T", "main", 0), waits(world, "D", 2, 0)
    time.passes(340)
    assert (timed.woken, turn.woken) == ([10], [])
    world.active.clear()
    time.passes(400)
    assert turn.woken == [30]


def test_a_later_piece_of_the_same_exchange_is_not_lost_with_one_that_never_comes(
    monkeypatch, told
):
    world, time = watched(monkeypatch, told, (("D", 1, 0), 0), (("D", 1, 1), 10))
    turn = waits(world, "D", 1, 1)
    time.passes(200)
    assert turn.woken == [10]


def test_whoever_blocks_out_of_sight_is_waited_for_no_longer(monkeypatch, told):
    world, time = watched(monkeypatch, told, (("D", 1, 0), 0))
    turn = waits(world, "D", 1, 0)
    world.active.add("blocked in C")
    time.passes(40)
    assert not turn.woken
    time.passes(60)
    assert turn.woken == [0]
    assert not told


def test_whoever_lacks_a_core_is_waited_for(monkeypatch, told):
    world, time = watched(monkeypatch, told, (("D", 1, 0), 0))
    turn = waits(world, "D", 1, 0)
    world.active.add("without a core")
    time.lacks_a_core = True
    time.passes(2000)
    assert not turn.woken
    time.lacks_a_core = False
    time.passes(80)
    assert turn.woken == [0]


def test_whoever_computes_is_waited_for_and_whoever_spins_is_not(monkeypatch, told):
    log = [(("N", "a", 0), 0), (("D", 1, 0), 100), (("D", 1, 1), 101)]
    world, time = watched(monkeypatch, told, *log)
    world.note(("N", "a", 0))
    turn = waits(world, "D", 1, 0)
    world.active.add("at work")
    time.passes(600, working=True)
    assert not turn.woken, "it may have worked as long in the recording"
    time.passes(200, working=True)
    assert turn.woken == [100]
    turn = waits(world, "D", 1, 1)
    time.passes(80, working=True)
    assert turn.woken == [101], "by now it is known"
    assert not told


def test_what_came_while_somebody_worked_does_so_again(monkeypatch, told):
    world, time = watched(monkeypatch, told, (("D", 1, 0), 1000))
    world.log.entries[0].overlap = True
    turn = waits(world, "D", 1, 0)
    world.active.add("at work")
    time.passes(40, working=True)
    assert turn.woken == [1000]


def test_a_recording_waits_for_whoever_computes_no_longer_than_a_moment(monkeypatch):
    world = World(tell=lambda _: None)
    turn = Waiting(("D", 1, 0))
    world.awaits(turn)
    time = Time(monkeypatch, world)
    time.passes(80, working=True)
    assert not turn.woken
    time.passes(60, working=True)
    assert turn.woken
    assert [one.overlap for one in world._entries] == [True]


@pytest.mark.parametrize("next_of_lane", [("T", "main", 1), ("T", "main @2", 0), ("W", "main", 0)])
def test_a_wait_ends_where_its_lane_goes_on_in_the_log(next_of_lane):
    """It is counted otherwise than the recorded one, as where a program polls."""
    world = replaying((next_of_lane, 500), (("D", 1, 0), 900))
    own, other = Waiting(("T", "main", 3), due_ms=490), Waiting(("T", "main/thread0", 0), due_ms=80)
    world.sleepers.update({id(one): one for one in (other, own)})
    assert not world.watch._runs_out_for(Entry("D", 1, 0, 900 * MS))
    assert world.watch._runs_out_for(world.log.next)
    assert (own.woken, other.woken) == ([490], [])
    assert world.log.cur == (next_of_lane[1:] == ("main", 1))
    later = Waiting(("T", "main", 4), due_ms=700)
    world.sleepers = {id(later): later}
    assert not world.watch._runs_out_for(Entry("W", "main", 0, 500 * MS))
