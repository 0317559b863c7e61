"""Threads, tasks and loops that end in every way: none hangs, recorded or replayed."""

import sys

import pytest

from tests.support.command_line import PROGRAMS, agentvcr, bare, python
from tests.support.counter_server import CounterServer

PROGRAMS_OF_SCENES = ["loose_threads", "loose_waits", "loose_tasks", "loose_loops"]
FEW = 3  # what `make check` has: then one seed is enough


LIST = """
import importlib, sys
for name in sys.argv[1:]:
    for scene in importlib.import_module(name).SCENES:
        print(name, scene)
"""


def scenes():
    """List what the programs have, each with its program."""
    command = [sys.executable, "-c", LIST, *PROGRAMS_OF_SCENES]
    listed = bare(command, cwd=PROGRAMS, env={"BASE_URL": ""})
    return [line.split() for line in listed.stdout.decode().splitlines()]


def said(run):
    """What a program said that is not the provider's to choose."""
    return [line for line in run.stdout.splitlines() if not line.startswith(b"told")]


def assert_nobody_notices(program, scene, folder, seed):
    command = python(f"{program}.py", scene)
    with CounterServer(seed=seed) as server:
        env = {"BASE_URL": server.base_url}
        alone = bare(command, cwd=folder, env=env)
        recorded = agentvcr(
            "record", "--force", "-o", "x.avcr", "--", *command, cwd=folder, env=env
        )
        asked = server.count
        replayed = agentvcr("replay", "x.avcr", cwd=folder, env=env)
        assert server.count == asked, "the replay asked the provider"
    assert (recorded.returncode, said(recorded)) == (alone.returncode, said(alone))
    assert replayed.returncode == 0, replayed.stderr.decode()
    assert replayed.stdout == recorded.stdout


@pytest.mark.parametrize(("program", "scene"), scenes())
def test_nobody_hangs_or_notices(program, scene, tmp_path, rounds):
    for seed in range(1 if rounds <= FEW else rounds):
        assert_nobody_notices(program, scene, tmp_path, seed)
