"""However a process is started, what it says is recorded, and replayed to the same process."""

import json

import pytest

from agentvcr.cassette.reader import load_run
from tests.support.command_line import agentvcr, python
from tests.support.counter_server import CounterServer

WAYS = [
    *["process fork", "process spawn", "process forkserver", "threads spawn", "threads forkserver"],
    *["process spawn cleared", "process forkserver cleared"],
    *["subprocesses", "subprocesses cleared", "execs", "execs cleared", "spawns", "spawns cleared"],
    *["forks", "go_on", "go_on cleared"],
]


def recorded(folder, *words):
    """Record the program; gives how it ended, how much it asked, and its environment."""
    with CounterServer(jitter_ms=(5, 60), seed=5) as server:
        env = {"BASE_URL": server.base_url}
        command = ["record", "-o", "x.avcr", "--", *python("starts.py", *words)]
        done = agentvcr(*command, cwd=folder, env=env)
        assert done.returncode == 0, done.stderr.decode()
        return done, server.count, env


@pytest.mark.parametrize("way", WAYS)
def test_every_child_is_recorded_and_gets_its_own_answers_again(way, tmp_path):
    done, asked, env = recorded(tmp_path, *way.split())
    assert b"not entered" not in done.stderr
    assert len(load_run(tmp_path / "x.avcr").exchanges) == asked
    told = [answer for _, *both in json.loads(done.stdout) for answer in both]
    assert len(set(told)) == len(told) == asked
    again = agentvcr("replay", "x.avcr", cwd=tmp_path, env=env)
    assert again.returncode == 0, again.stderr.decode()
    assert again.stdout == done.stdout


@pytest.mark.parametrize(
    ("way", "count"),
    [
        ("process fork", 3),
        ("process spawn", 3),
        ("process forkserver", 3),
        ("execs", 8),
        ("spawns", 10),
        ("forks", 4),
    ],
)
def test_children_are_numbered_by_who_starts_them(way, count, tmp_path):
    recorded(tmp_path, *way.split())
    lanes = {one.lane for one in load_run(tmp_path / "x.avcr").exchanges}
    assert lanes == {f"main/proc{number}" for number in range(count)}


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_child_numbers_its_own_children(method, tmp_path):
    recorded(tmp_path, "grandchildren", method)
    lanes = {one.lane for one in load_run(tmp_path / "x.avcr").exchanges}
    assert lanes == {f"main/proc{number}/proc0" for number in range(3)}


def test_who_takes_the_place_of_a_program_goes_on_in_its_lane(tmp_path):
    recorded(tmp_path, "go_on")
    lanes = [one.lane for one in load_run(tmp_path / "x.avcr").exchanges]
    assert lanes == ["main"] * 4 + ["main/proc0"] * 2
