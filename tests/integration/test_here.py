"""Sessions around a block in this process: what they refuse, what they tell, how they end."""

import asyncio
import contextlib
import random
import socket
import sys
import threading
import time
from pathlib import Path

import pytest

import agentvcr
from agentvcr.cassette.reader import load_run
from agentvcr.errors import (
    BadOptionError,
    CassetteDamagedError,
    CassetteForeignError,
    CassetteMissingError,
    DivergenceError,
    SessionActiveError,
    SessionOpenError,
    TargetExistsError,
)
from agentvcr.inside import state
from agentvcr.session import in_force
from tests.programs import tool_calls
from tests.support.command_line import agentvcr as command


@pytest.fixture(autouse=True)
def _own_state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)


@agentvcr.tool
def double(number: int) -> int:
    return number * 2


def record(*numbers):
    with agentvcr.record("x.avcr", force=True) as session:
        for number in numbers:
            double(number)
    return session


# --- what is refused ------------------------------------------------------------------------------


def test_a_session_is_entered_once():
    session = agentvcr.record("x.avcr")
    with session, pytest.raises(SessionActiveError):
        session.__enter__()
    with pytest.raises(SessionOpenError, match="entered before"):
        session.__enter__()


@pytest.mark.parametrize("inner", [agentvcr.record, agentvcr.replay])
@pytest.mark.parametrize("outer", [agentvcr.record, agentvcr.replay])
def test_sessions_do_not_nest(outer, inner, tmp_path):
    record()
    with outer("x.avcr", force=True):
        with pytest.raises(SessionActiveError):
            inner("y.avcr").__enter__()
        assert state.handler is not None
    assert not (tmp_path / "y.avcr").exists()


def test_of_two_threads_one_is_refused_and_leaves_nothing_behind(tmp_path):
    for number in range(20):
        start, over = threading.Barrier(2), threading.Event()
        results = {}

        def work(name, start=start, over=over, results=results):
            start.wait()
            try:
                with agentvcr.record(name):
                    results[name] = "recorded"
                    over.wait(10)
            except SessionActiveError:
                results[name] = "refused"
                over.set()

        names = [f"{number}-{thread}.avcr" for thread in range(2)]
        threads = [threading.Thread(target=work, args=(name,)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(results.values()) == ["recorded", "refused"]
        left = {path.name for path in tmp_path.glob(f"{number}-*.avcr")}
        assert left == {name for name, result in results.items() if result == "recorded"}


def test_a_target_that_exists_is_left_alone():
    record(1)
    before = Path("x.avcr").stat().st_mtime_ns, Path("x.avcr").read_bytes()
    with pytest.raises(TargetExistsError):
        agentvcr.record("x.avcr").__enter__()
    with agentvcr.record("y.avcr"):
        pass
    with pytest.raises(TargetExistsError):
        agentvcr.replay("x.avcr", target="y.avcr").__enter__()
    assert (Path("x.avcr").stat().st_mtime_ns, Path("x.avcr").read_bytes()) == before
    assert state.handler is None


def test_a_replay_is_never_kept_in_the_cassette_that_it_replays():
    record(1)
    session = agentvcr.replay("x.avcr", target="./x.avcr", force=True)
    with pytest.raises(BadOptionError, match="cannot be kept in the cassette"), session:
        double(1)
    assert len(load_run(Path("x.avcr")).exchanges) == 1


def test_a_cassette_that_cannot_be_read_is_refused_on_entering(tmp_path):
    record(1)
    whole = (tmp_path / "x.avcr").read_bytes()
    (tmp_path / "damaged.avcr").write_bytes(whole[:-30])
    (tmp_path / "foreign.avcr").write_bytes(b"x" * 100)
    for name, kind in [
        ("missing", CassetteMissingError),
        ("damaged", CassetteDamagedError),
        ("foreign", CassetteForeignError),
    ]:
        with pytest.raises(kind):
            agentvcr.replay(f"{name}.avcr").__enter__()
    assert state.handler is None


@pytest.mark.parametrize("kind", [agentvcr.record, agentvcr.replay])
def test_the_run_is_read_as_far_as_it_has_come_and_judged_at_the_end(kind):
    record(1)
    session = kind("x.avcr", force=True)
    asked = ["summary"] if kind is agentvcr.record else ["diff", "divergences"]
    for name in [*asked, "run"]:
        with pytest.raises(SessionOpenError):
            getattr(session, name)
    with session:
        assert len(session.run.exchanges) == 0
        double(1)
        assert len(session.run.exchanges) == 1
        assert session.run.outcome is None
        with pytest.raises(SessionOpenError):
            getattr(session, asked[0])
    assert len(session.run.exchanges) == 1
    assert session.run.outcome.exit_status == 0


def test_a_block_in_a_program_that_is_recorded_is_refused(tmp_path):
    (tmp_path / "p.py").write_text("import agentvcr\nwith agentvcr.record('y.avcr'): pass\n")
    done = command("record", "-o", "x.avcr", "--", sys.executable, "p.py", cwd=tmp_path)
    assert done.returncode != 0
    assert b"from the command line already" in done.stderr
    assert not (tmp_path / "y.avcr").exists()


# --- how blocks end -------------------------------------------------------------------------------


def double_and_raise(error):
    double(1)
    raise error


@pytest.mark.parametrize("error", [ValueError("own"), KeyboardInterrupt(), SystemExit(3)])
def test_an_exception_in_the_block_goes_on_and_the_file_is_whole(error):
    session = agentvcr.record("x.avcr")
    with pytest.raises(type(error)) as raised, session:
        double_and_raise(error)
    assert raised.value is error
    assert session.run.outcome.exit_status == 1
    replay = agentvcr.replay("x.avcr")
    with pytest.raises(type(error)), replay:
        double_and_raise(error)
    assert replay.diff.same


def test_asynchronous_blocks_record_and_replay():
    async def work(session):
        async with session:
            return await asyncio.gather(*(tool_calls.count_later("a") for _ in range(5)))

    told = asyncio.run(work(agentvcr.record("x.avcr")))
    assert asyncio.run(work(agentvcr.replay("x.avcr"))) == told


def test_a_block_that_one_task_begins_and_another_ends():
    async def work(session):
        await asyncio.create_task(session.__aenter__())
        told = await asyncio.create_task(tool_calls.count_later("a"))
        await asyncio.create_task(session.__aexit__(None, None, None))
        return told

    told = asyncio.run(work(agentvcr.record("x.avcr")))
    assert asyncio.run(work(agentvcr.replay("x.avcr"))) == told


def test_sessions_follow_each_other_in_one_process_and_in_threads():
    for number in range(3):
        with agentvcr.record(f"{number}.avcr"):
            double(number)
    results = []

    def work():
        for number in range(3):
            with agentvcr.replay(f"{number}.avcr") as session:
                double(number)
            results.append(session.diff.same)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert results == [True] * 3


# --- what a replay tells --------------------------------------------------------------------------


def double_whatever_comes(numbers):
    for number in numbers:
        with contextlib.suppress(agentvcr.ReplayHalt):
            double(number)


@pytest.mark.parametrize("numbers", [[1, 3], [1, 2, 3], [1, 2, 2]], ids=str)
def test_a_call_that_was_not_recorded_is_a_divergence_of_the_block(numbers):
    record(1, 2)
    session = agentvcr.replay("x.avcr")
    with pytest.raises(DivergenceError, match="no recorded exchange"), session:
        double_whatever_comes(numbers)
    assert [(one.kind, one.fatal) for one in session.divergences] == [("miss", True)]
    with pytest.raises(DivergenceError):
        session.raise_for_divergence()


def wrap_what_comes(number):
    try:
        double(number)
    except agentvcr.ReplayHalt as halt:
        raise RuntimeError("wrapped") from halt


def test_a_divergence_carries_the_error_that_the_block_made_of_it():
    record(1)
    with pytest.raises(DivergenceError) as raised, agentvcr.replay("x.avcr"):
        wrap_what_comes(2)
    assert isinstance(raised.value.__cause__, RuntimeError)


@pytest.mark.parametrize("numbers", [[], [1], [2]], ids=str)
def test_a_call_that_is_missing_is_told_and_raised_on_demand(numbers):
    record(1, 2)
    with agentvcr.replay("x.avcr") as session:
        for number in numbers:
            double(number)
    assert session.divergences == ()
    assert not session.diff.same
    with pytest.raises(DivergenceError, match="removed"):
        session.raise_for_divergence()


def test_the_nearest_answer_is_told_and_does_not_stop():
    record(1, 2)
    with agentvcr.replay("x.avcr", on_miss="nearest") as session:
        assert [double(1), double(3)] == [2, 4]
    assert [one.kind for one in session.divergences] == ["nearest"]
    with pytest.raises(DivergenceError):
        session.raise_for_divergence()


@pytest.mark.parametrize("begin", [agentvcr.record, agentvcr.replay])
def test_a_block_that_cannot_begin_leaves_everything_as_it_was(begin, monkeypatch):
    with agentvcr.record("x.avcr"):
        pass
    before = (time.time, random.random, threading.Thread.start, socket.socket.listen)

    def fails(*args, **options):
        raise RuntimeError("on purpose")

    with monkeypatch.context() as patched:
        patched.setattr(in_force, "look", fails)  # behind most of it
        options = {"force": True} if begin is agentvcr.record else {}
        with pytest.raises(RuntimeError, match="on purpose"), begin("x.avcr", **options):
            pass
    assert (time.time, random.random, threading.Thread.start, socket.socket.listen) == before
    left = ["x.avcr"] if begin is agentvcr.replay else []
    assert [one.name for one in Path().iterdir() if one.is_file()] == left
    with agentvcr.record("x.avcr", force=True):
        assert time.time is not before[0]
