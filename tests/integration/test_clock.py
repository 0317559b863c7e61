"""A replayed program reads the time that its recording read, wherever it asks for it."""

import os
import time

import pytest

import agentvcr as library
from agentvcr.cassette.reader import load_run
from agentvcr.errors import BadOptionError
from agentvcr.inside import clock
from tests.support.command_line import agentvcr, python
from tests.support.counter_server import CounterServer
from tests.support.script_server import ScriptServer


def recorded(folder, mode, *, env=None):
    with CounterServer(jitter_ms=(0, 20)) as server:
        env = {"BASE_URL": server.base_url, **(env or {})}
        program = python("clock_prompts.py", mode)
        run = agentvcr("record", "--force", "-o", "x.avcr", "--", *program, cwd=folder, env=env)
    return run, env


def replayed(folder, env, *options):
    return agentvcr("replay", "x.avcr", *options, cwd=folder, env=env)


@pytest.mark.parametrize(
    "mode",
    [
        "alone",
        "tasks",
        "threads",
        "executor",
        "spawned",
        "forked",
        "terminated",
        "telling",
        "replaced",
    ],
)
def test_prompts_and_logs_hold_the_recorded_time(mode, tmp_path):
    first, env = recorded(tmp_path, mode)
    assert first.returncode == 0, first.stderr.decode()
    again = replayed(tmp_path, env)
    assert again.returncode == 0, again.stderr.decode()
    assert again.stdout == first.stdout


def test_a_program_that_only_tells_the_time_tells_the_recorded_one(tmp_path):
    first, env = recorded(tmp_path, "left")
    assert first.returncode == 7
    again = replayed(tmp_path, env)
    assert again.stdout == first.stdout
    assert again.returncode == 0, again.stderr.decode()


def test_what_we_wait_for_below_the_program_takes_none_of_its_looks_at_the_clock(tmp_path):
    with ScriptServer() as server:
        env, program = {"BASE_URL": server.base_url}, python("given_up.py")
        first = agentvcr("record", "-o", "x.avcr", "--", *program, cwd=tmp_path, env=env)
    assert first.stdout.startswith(b"2 [")
    again = replayed(tmp_path, env)
    assert again.stdout == first.stdout
    assert again.returncode == 0, again.stderr.decode()


def test_finalizers_that_the_collector_runs_take_nothing_of_the_program_s(tmp_path):
    with CounterServer(jitter_ms=(0, 5)) as server:
        env, program = {"BASE_URL": server.base_url}, python("collected.py")
        first = agentvcr("record", "-o", "x.avcr", "--", *program, cwd=tmp_path, env=env)
    assert first.returncode == 0, first.stderr.decode()
    again = replayed(tmp_path, env)
    assert again.returncode == 0, again.stderr.decode()
    assert again.stdout == first.stdout


def test_a_loop_that_waits_for_the_time_to_come_takes_as_many_turns(tmp_path):
    first, env = recorded(tmp_path, "busy")
    again = replayed(tmp_path, env)
    assert again.returncode == 0, again.stderr.decode()
    assert again.stdout == first.stdout
    assert (tmp_path / "x.avcr").stat().st_size < 100_000


def test_what_was_read_before_an_answer_survives_the_programs_death(tmp_path):
    first, env = recorded(tmp_path, "killed")
    assert first.returncode == 137
    again = replayed(tmp_path, env)
    assert again.stdout == first.stdout
    assert again.returncode == 0, again.stderr.decode()


def test_the_real_clock_is_there_on_demand(tmp_path):
    first, env = recorded(tmp_path, "left")
    again = replayed(tmp_path, env, "--clock", "real")
    assert again.stdout != first.stdout
    assert again.returncode == 1


def test_a_replay_that_is_kept_is_replayed_with_its_times(tmp_path):
    first, env = recorded(tmp_path, "alone")
    assert replayed(tmp_path, env, "-o", "y.avcr").returncode == 0
    again = agentvcr("replay", "y.avcr", cwd=tmp_path, env=env)
    assert again.returncode == 0, again.stderr.decode()
    assert again.stdout == first.stdout


def test_a_recording_without_clock_reads_is_replayed_with_the_real_clock(tmp_path):
    first, env = recorded(tmp_path, "left", env={"AGENTVCR_OFF": "clock"})
    assert not [part for part in load_run(tmp_path / "x.avcr").world if part.kind == clock.KIND]
    again = replayed(tmp_path, {**env, "AGENTVCR_OFF": ""})
    assert again.stdout != first.stdout
    assert again.returncode == 1


# --- in this process ------------------------------------------------------------------------------


def test_a_block_reads_the_recorded_time_and_what_follows_it_the_real_one(tmp_path):
    with library.record(tmp_path / "x.avcr"):
        told = [time.time_ns(), time.monotonic(), time.perf_counter()]
    between = time.time_ns()
    with library.replay(tmp_path / "x.avcr"):
        again = [time.time_ns(), time.monotonic(), time.perf_counter()]
    assert again == told
    assert time.time_ns() > between


def test_a_block_can_keep_the_real_clock(tmp_path):
    with library.record(tmp_path / "x.avcr"):
        told = time.time_ns()
    with library.replay(tmp_path / "x.avcr", clock="real"):
        assert time.time_ns() > told
    with (
        pytest.raises(BadOptionError, match="clock is one of"),
        library.replay(tmp_path / "x.avcr", clock="slow"),
    ):
        pass


def test_a_fork_of_a_recorded_block_leaves_the_parents_reads_alone(tmp_path):
    with library.record(tmp_path / "x.avcr"):
        told = [time.time_ns()]
        child = os.fork()
        if child == 0:
            time.time_ns()
            os._exit(0)
        os.waitpid(child, 0)
        told.append(time.time_ns())
    with library.replay(tmp_path / "x.avcr"):
        assert [time.time_ns(), time.time_ns()] == told
