# All clocks are tested here, also those that know no time zone.
# ruff: noqa: DTZ002, DTZ005, DTZ011
"""What a lane reads of the clock is kept exactly, and given again, in its segment."""

import copy
import datetime as dt
import gc
import logging
import pickle
import subprocess
import sys
import threading
import time
import types
from pathlib import Path

import pydantic
import pytest

from agentvcr.inside import clock, lanes, real
from agentvcr.inside.clock_reads import MOST, TAIL, pack
from agentvcr.inside.clock_tape import TICK_NS, Tape, unpack

SECOND = 1_000_000_000
ROOT = Path(__file__).parents[3]


class Engine:
    """Keeps the parts that it is told, and gives them back."""

    def __init__(self, parts=()):
        self.parts = list(parts)
        self.told = []

    def world(self, kind, lane, data):
        assert kind == clock.KIND
        self.told.append((lane, data))

    def recorded_world(self, kind, lane=""):
        assert kind == clock.KIND
        if lane:
            return [part for part in self.parts if part[0] == lane]
        return [part for part in self.parts if not part[0].startswith("elsewhere")]

    def failed(self, error):
        raise error


@pytest.fixture
def session():
    """Begin sessions, each after the end of the one before."""
    tokens = []

    def begin(parts=(), *, replaying=False):
        end()
        tokens.append(lanes.start("main"))
        engine = Engine(parts)
        clock.install(engine, replaying=replaying)
        return engine

    def end():
        if tokens:
            clock.uninstall()
            lanes.leave(tokens.pop())

    yield begin
    end()


def kept(session, action):
    """Record `action`; gives what it gave, and the parts."""
    engine = session()
    found = action()
    clock.flush()
    return found, engine.told


def replay(session, parts, action):
    session(parts, replaying=True)
    return action()


def every_clock():
    return [
        time.time(),
        time.time_ns(),
        time.monotonic(),
        time.monotonic_ns(),
        time.perf_counter(),
        time.perf_counter_ns(),
        time.localtime(),
        time.gmtime(),
        time.ctime(),
        time.asctime(),
        time.strftime("%c"),
        dt.datetime.now(),
        dt.datetime.now(dt.UTC),
        dt.datetime.today(),
        dt.date.today(),
        logging.makeLogRecord({}).created,
    ]


def parts_of(*runs, lane="main", offsets=(0, 0, 0)):
    return [(lane, pack(offsets, list(runs)))]


def test_every_clock_gives_what_it_gave(session):
    told, parts = kept(session, every_clock)
    assert replay(session, parts, every_clock) == told


def test_what_is_recorded_is_the_real_time(session):
    session()
    before, found, after = real.time_ns(), time.time_ns(), real.time_ns()
    assert before <= found <= after
    assert abs(dt.datetime.now().timestamp() - real.time()) < 5


def test_a_stepped_wall_clock_comes_back_as_it_was_read(session, monkeypatch):
    def stepped():
        found = [time.time_ns()]
        with monkeypatch.context() as step:
            step.setattr(real, "time_ns", lambda: 7 * SECOND)
            found += [time.time_ns(), time.monotonic_ns()]
        return [*found, time.time_ns()]

    told, parts = kept(session, stepped)
    assert replay(session, parts, stepped) == told


def test_a_segment_has_its_own_reads_whatever_those_before_did(session):
    def read(counts):
        found = []
        for count in counts:
            found.append([time.monotonic_ns() for _ in range(count)])
            clock.segment(lanes.current())
        return found

    told, parts = kept(session, lambda: read((3, 0, 2, 1)))
    again = replay(session, parts, lambda: read((1, 2, 4, 1)))
    assert again[0] == told[0][:1]
    assert again[2][:2] == told[2]
    assert again[3] == told[3]
    assert told[0][0] < again[1][0] <= again[1][1] <= told[2][0]
    assert told[2][1] < again[2][2] <= again[2][3] <= told[3][0]


def test_a_read_more_is_a_microsecond_later_or_the_virtual_now(session):
    session(parts_of((0, 0, [5 * SECOND])), replaying=True)
    clock.set_now(lambda: 0)
    assert [time.monotonic_ns() for _ in range(2)] == [5 * SECOND, 5 * SECOND + TICK_NS]
    clock.set_now(lambda: 9 * SECOND)
    assert time.monotonic_ns() == 9 * SECOND
    clock.set_now(lambda: 0)
    assert time.monotonic_ns() == 9 * SECOND + TICK_NS


def test_a_read_more_does_not_come_after_the_next_recorded_one(session):
    session(parts_of((0, 0, [SECOND]), (1, 0, [SECOND + 300])), replaying=True)
    found = [time.monotonic_ns() for _ in range(3)]
    clock.segment(lanes.current())
    assert [*found, time.monotonic_ns()] == [SECOND, *[SECOND + 300] * 3]


def test_recorded_reads_do_not_go_back_behind_one_that_was_not_recorded(session):
    session(parts_of((0, 0, [SECOND]), (1, 0, [2 * SECOND, 4 * SECOND])), replaying=True)
    clock.set_now(lambda: 3 * SECOND)
    found = [time.monotonic_ns() for _ in range(2)]
    clock.segment(lanes.current())
    assert [*found, time.monotonic_ns(), time.monotonic_ns()] == [
        SECOND,
        3 * SECOND,
        3 * SECOND,
        4 * SECOND,
    ]


def test_a_loop_that_was_not_recorded_ends_all_the_same(session):
    session(parts_of((0, 0, [0]), (1, 0, [1000])), replaying=True)
    end = time.monotonic() + 0.01
    while time.monotonic() < end:
        pass


def test_a_lane_that_was_not_recorded_goes_on_from_what_others_read(session):
    session(parts_of((0, 0, [5 * SECOND])), replaying=True)
    found = []
    token = lanes.enter(lanes.current().child("thread"))
    found.append(time.monotonic_ns())
    clock.set_now(lambda: 8 * SECOND)
    found.append(time.monotonic_ns())
    lanes.leave(token)
    assert 0 <= found[0] - 5 * SECOND < 60 * SECOND
    assert found[1] == max(8 * SECOND, found[0] + TICK_NS)


def test_a_lane_that_another_process_had_is_found_there(session):
    parts = parts_of((0, 0, [SECOND])) + parts_of((0, 0, [7 * SECOND]), lane="elsewhere")
    session(parts, replaying=True)
    token = lanes.enter(lanes.told("elsewhere", ""))
    assert time.monotonic_ns() == 7 * SECOND
    lanes.leave(token)


def test_a_process_of_which_nothing_was_kept_has_the_real_clock(session):
    session(replaying=True)
    before = real.monotonic_ns()
    assert before <= time.monotonic_ns() <= real.monotonic_ns()


@pytest.mark.parametrize("lane", ["hidden", "orphan", "covered"])
def test_what_a_replay_does_not_run_reads_the_real_clock(session, lane):
    own = {
        "hidden": lambda: lanes.current().under_cover(),
        "orphan": lambda: lanes._ORPHAN,
        "covered": lambda: lanes.told("main", "main step covered"),
    }[lane]
    engine = session(parts_of((0, 0, [5])), replaying=True)
    token = lanes.enter(own())
    before = real.monotonic_ns()
    assert before <= time.monotonic_ns()
    lanes.leave(token)
    clock.flush()
    assert engine.told == []


def test_how_long_a_lock_waits_is_not_counted(session):
    def read(waits):
        for _ in range(waits):
            threading.Event().wait(0.0001)
            threading.Semaphore(0).acquire(timeout=0.0001)
        return time.monotonic_ns()

    told, parts = kept(session, lambda: read(0))
    assert replay(session, parts, lambda: read(3)) == told


def test_a_busy_loop_is_bounded_and_ends_as_it_did(session):
    count = 10 * MOST

    def spin():
        return [time.perf_counter_ns() for _ in range(count)]

    told, parts = kept(session, spin)
    again = replay(session, parts, spin)
    assert sum(len(data) for _, data in parts) < 8 * MOST
    assert again[: MOST // 2] == told[: MOST // 2]
    assert again[-TAIL:] == told[-TAIL:]
    assert again == sorted(again)


def test_many_lanes_are_told_before_there_are_too_many(session):
    engine = session()
    for _ in range(1000):
        token = lanes.enter(lanes.current().child("work"))
        time.time()
        lanes.leave(token)
    assert len(engine.told) > 500


def test_parts_may_come_twice_and_in_any_order():
    first, second = pack((0, 1, 2), [(0, 0, [10, 20])]), pack((0, 1, 2), [(0, 2, [30])])
    tape = Tape([second, first, second], 0)
    assert [tape.read(None, lambda: 0) for _ in range(3)] == [10, 20, 30]
    assert unpack(first)[0] == tape.offsets == (0, 1, 2)


def test_what_is_told_while_the_engine_fails_does_not_reach_the_program(session):
    engine = session()
    failures = []
    engine.world = lambda *_: 1 / 0
    engine.failed = failures.append
    time.time()
    clock.flush()
    assert len(failures) == 1


# --- what the program must not notice -------------------------------------------------------------


class Later(dt.datetime):
    """A subclass of a program's."""


class Model(pydantic.BaseModel):
    at: dt.datetime
    on: dt.date = pydantic.Field(default_factory=dt.date.today)


class Timer:
    clock = time.monotonic

    def read(self):
        return self.clock()


def test_the_types_stay_the_types(session):
    session()
    now = dt.datetime.now()
    assert type(now) is dt.datetime
    assert type(Later.now()) is type(Later.today()) is type(Later.now(dt.UTC)) is Later
    assert type(dt.date.today()) is dt.date
    assert Later.now(dt.UTC).tzinfo is dt.UTC
    assert pickle.loads(pickle.dumps(now)) == copy.deepcopy(now) == now
    assert Model(at=now).at is now
    assert Model.model_validate_json(Model(at=now).model_dump_json()).at == now
    assert dt.datetime.fromtimestamp(0, dt.UTC).year == 1970
    assert "__abstractmethods__" not in dt.date.__dict__
    with pytest.raises(TypeError):
        dt.datetime.now("no time zone")


def test_a_subclass_that_tells_another_time_goes_on_telling_it(session):
    class Fixed(dt.datetime):
        @classmethod
        def now(cls):
            return cls(2000, 1, 1)

        @classmethod
        def fromtimestamp(cls, timestamp):
            raise AssertionError(timestamp)

    session()
    assert Fixed.now().year == 2000
    assert super(Fixed, Fixed).now().year > 2000


def test_a_clock_that_a_class_keeps_is_not_bound_to_its_objects(session):
    session()
    Timer.late = time.perf_counter
    assert Timer().read() > 0
    assert Timer().late() > 0
    del Timer.late


def test_a_clock_is_copied_and_pickled_as_a_function_is(session):
    session()
    assert copy.deepcopy([time.time]) == [time.time]
    text = pickle.dumps([time.time, dt.datetime.now])
    assert pickle.loads(text)[0] == time.time
    assert pickle.loads(text)[1]() <= dt.datetime.now()
    assert (time.time.__name__, time.time.__module__) == ("time", "time")
    assert time.time.__doc__ == real.time.__doc__


def test_modules_that_had_bound_the_clock_get_ours_and_have_their_own_again(session, monkeypatch):
    early = types.ModuleType("early_bird")
    early.monotonic = time.monotonic
    monkeypatch.setitem(sys.modules, "early_bird", early)
    before = (early.monotonic, time.time, dt.datetime.__dict__["now"])
    loop_time = threading._time
    session(parts_of((0, 0, [5 * SECOND])), replaying=True)
    assert early.monotonic() == 5
    clock.uninstall()
    assert (early.monotonic, time.time, dt.datetime.__dict__["now"]) == before
    assert time.time is real.time
    assert threading._time is loop_time
    gc.collect()
    assert dt.datetime.now().year > 2000


def test_code_that_looked_the_methods_up_before_sees_the_change_and_its_end():
    program = """
import datetime
from agentvcr.inside import clock, lanes
from tests.unit.inside.test_clock import Engine, parts_of

def read():
    return datetime.datetime.now(datetime.UTC).year

for _ in range(1000):
    read()
lanes.start("main")
clock.install(Engine(parts_of((0, 0, [0] * 2000))), replaying=True)
assert {read() for _ in range(1000)} == {1970}
clock.uninstall()
assert read() > 1970
"""
    # In a process of its own: one that has made many classes looks everything up each time.
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


def test_our_own_code_keeps_the_real_clock(session):
    from agentvcr.inside import channel, remote, steps
    from agentvcr.recording import recorder, sink

    session()
    for module in (channel, remote, steps, recorder, sink):
        assert module.monotonic_ns is real.monotonic_ns
    assert clock.real_monotonic_ns is real.monotonic_ns
