"""`replay --times N`: as many replays, and how many courses they took."""

import pathlib
import sys

from agentvcr.demo import pipeline, story
from tests.support.command_line import agentvcr

FEW = 3  # what `make check` has: then 3 replays are enough
CHANGING = """
import pathlib, sys
path = pathlib.Path("turn")
turn = int(path.read_text()) if path.exists() else 0
path.write_text(str(turn + 1))
print("turn", min(turn, 3) // 3)
"""


def test_it_stops_at_the_first_that_differs_and_counts_its_course(tmp_path):
    (tmp_path / "program.py").write_text(CHANGING)
    agentvcr("record", "-o", "x.avcr", "--", sys.executable, "program.py", cwd=tmp_path)
    run = agentvcr("replay", "x.avcr", "--times", 9, cwd=tmp_path)
    assert run.returncode == 1
    assert run.stdout == b"turn 0\nturn 0\nturn 1\n"
    assert run.stderr.decode().endswith("agentvcr: 3 replays: 2 distinct traces\n")


def test_of_one_replay_there_is_nothing_to_count(tmp_path):
    agentvcr("record", "-o", "x.avcr", "--", sys.executable, "-c", "print(1)", cwd=tmp_path)
    run = agentvcr("replay", "x.avcr", cwd=tmp_path)
    assert run.returncode == 0
    assert b"distinct" not in run.stderr


def test_the_demos_pipeline_takes_one_course_however_often(tmp_path, rounds):
    with story._provider() as base_url:
        env = dict(story._environment(base_url))
        words = ["record", "-o", "x.avcr", "--", sys.executable, pathlib.Path(pipeline.__file__)]
        recorded = agentvcr(*words, cwd=tmp_path, env=env)
    assert recorded.returncode == 0, recorded.stderr.decode()
    times = 3 if rounds <= FEW else 50
    for _ in range(1 if rounds <= FEW else 20):
        run = agentvcr("replay", "x.avcr", "--times", times, cwd=tmp_path, env=env)
        assert run.returncode == 0, run.stderr.decode()
        assert run.stdout == recorded.stdout * times
        assert f"{times} replays: 1 distinct trace\n" in run.stderr.decode()
