"""However a process is started, what it says is recorded, and replayed to the same process."""

import json
import shutil

import pytest

from agentvcr.cassette.reader import load_run
from tests.support.command_line import PROGRAMS, agentvcr, python
from tests.support.counter_server import CounterServer
from tests.test_architecture import interpreters

WAYS = [
    *["process fork", "process spawn", "process forkserver", "threads spawn", "threads forkserver"],
    *["process spawn cleared", "process forkserver cleared"],
    *["subprocesses", "subprocesses cleared", "execs", "execs cleared", "spawns", "spawns cleared"],
    *["forks", "go_on", "go_on cleared"],
]

OWN = [f"main/proc{number}" for number in range(3)]
GRAND = [f"main/proc{number}/proc0" for number in range(3)]
STARTED = [f"main/thread{number}/proc0" for number in range(7)]
STARTED[4] = "main/thread4/in_asyncio#0/proc0"
MADE = {}
"""What was recorded, by the program's words: what is told of it, and the cassette."""
TELLING = """
import json, pathlib, sys

def leave(word):
    from agentvcr.inside import lanes  # which is there without being installed
    pathlib.Path(f"{word}.told").write_text(json.dumps(lanes.current().name))

def told(words):
    return [json.loads(pathlib.Path(f"{word}.told").read_text()) for word in words]

for argument in sys.argv[1:] if __name__ == "__main__" else ():
    leave(argument)
"""


def recorded(folder, *words):
    """Record the program, once for all tests that ask for the same.

    Gives how it ended, how much it asked, and its environment.
    """
    if words not in MADE:
        with CounterServer(jitter_ms=(5, 60), seed=5) as server:
            env = {"BASE_URL": server.base_url}
            command = ["record", "-o", "x.avcr", "--", *python("starts.py", *words)]
            done = agentvcr(*command, cwd=folder, env=env)
            assert done.returncode == 0, done.stderr.decode()
            MADE[words] = (done, server.count, env), (folder / "x.avcr").read_bytes()
    told, cassette = MADE[words]
    (folder / "x.avcr").write_bytes(cassette)
    return told


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


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        *[(f"process {method}", OWN) for method in ("fork", "spawn", "forkserver")],
        *[(f"grandchildren {method} cleared", GRAND) for method in ("fork", "forkserver")],
        ("threads forkserver", [f"main/thread{number}/proc0" for number in range(3)]),
        ("subprocesses cleared", STARTED),
        ("execs cleared", [f"main/proc{number}" for number in range(8)]),
        ("spawns cleared", [f"main/proc{number}" for number in range(10)]),
        ("go_on cleared", ["main", "main", "main/proc0"]),
    ],
)
@pytest.mark.parametrize("python_", interpreters() or [None], ids=str)
def test_other_pythons_name_their_children_alike(python_, way, expected, tmp_path):
    if python_ is None:
        pytest.skip("no foreign interpreter")
    shutil.copy(PROGRAMS / "starts.py", tmp_path)
    (tmp_path / "asking.py").write_text(TELLING)
    command = ["record", "-o", "x.avcr", "--", python_, "starts.py", *way.split()]
    done = agentvcr(*command, cwd=tmp_path, env={"BASE_URL": ""})
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout) == expected
