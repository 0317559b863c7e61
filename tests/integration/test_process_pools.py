"""Work given to a pool of processes is the work of who gave it, whichever worker does it."""

import json
import subprocess
import sys

import pytest

from agentvcr.cassette.reader import load_run
from tests.support.command_line import PROGRAMS, agentvcr, python
from tests.support.counter_server import CounterServer
from tests.test_architecture import interpreters

EVERY_METHOD = ["executor_map", "pool_map"]
ONE_METHOD = [
    ("submit", "fork"),
    ("executor_chunks", "forkserver"),
    ("apply_async", "fork"),
    ("apply_async", "spawn"),
    ("in_a_loop", "fork"),
    ("nested", "fork"),
    ("apply", "fork"),
    ("starmap", "fork"),
    ("imap", "forkserver"),
    ("imap_unordered", "fork"),
    ("threads", "fork"),
]
CASES = [
    *[(mode, method) for mode in EVERY_METHOD for method in ("fork", "spawn", "forkserver")],
    *ONE_METHOD,
]


def recorded(program, folder, *words, seed=0):
    """Record a program, and stop its provider; gives how it ended, and how much it asked."""
    with CounterServer(jitter_ms=(5, 60), seed=seed) as server:
        env = {"BASE_URL": server.base_url}
        command = ["record", "--force", "-o", "x.avcr", "--", *python(program, *words)]
        done = agentvcr(*command, cwd=folder, env=env)
        assert done.returncode == 0, done.stderr.decode()
        return done, server.count, env


def assert_replays_say_the_same(done, folder, env, *, times=2):
    for _ in range(times):
        again = agentvcr("replay", "x.avcr", cwd=folder, env=env)
        assert again.returncode == 0, again.stderr.decode()
        assert again.stdout == done.stdout


@pytest.mark.parametrize(("mode", "method"), CASES)
def test_each_item_gets_its_own_answers_whoever_works_on_it(mode, method, tmp_path):
    done, asked, env = recorded("process_pools.py", tmp_path, mode, method, seed=3)
    told = json.loads(done.stdout)
    answers = [answer for _, *both in told for answer in both[:2]]
    assert len(set(answers)) == len(answers) == asked
    assert_replays_say_the_same(done, tmp_path, env)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_lane_names_the_item_and_not_its_chunk_or_its_worker(method, tmp_path):
    recorded("process_pools.py", tmp_path, "pool_map", method)
    lanes = [one.lane for one in load_run(tmp_path / "x.avcr").exchanges]
    assert sorted(lanes) == sorted([f"main/work0/work{number}" for number in range(5)] * 2)


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("python_", [sys.executable, *interpreters()], ids=str)
def test_a_pool_says_the_same_with_and_without_the_recorder(python_, method, tmp_path):
    program = [python_, str(PROGRAMS / "pool_manners.py"), method]
    bare = subprocess.run(program, cwd=tmp_path, capture_output=True, check=True)
    done = agentvcr("record", "-o", "x.avcr", "--", *program, cwd=tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    said, alone = done.stdout.decode().splitlines(), bare.stdout.decode().splitlines()
    assert said[:-1] == alone[:-1]
    assert (said[-1], alone[-1]) == ("inside", "alone")
