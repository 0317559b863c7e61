"""Threads, tasks and loops that end in every way: none hangs, recorded or replayed."""

import importlib.util
import os

import pytest

from tests.support.command_line import PROGRAMS, agentvcr, bare, python
from tests.support.counter_server import CounterServer

FEW = 3  # what `make check` has: then one seed is enough


def scenes_of(program):
    spec = importlib.util.spec_from_file_location(program, PROGRAMS / f"{program}.py")
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "BASE_URL", "")
        spec.loader.exec_module(module)
    return list(module.SCENES)


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


@pytest.mark.parametrize("scene", scenes_of("loose_threads"))
def test_threads_go_their_way(scene, tmp_path, rounds):
    for seed in range(1 if rounds <= FEW else rounds):
        assert_nobody_notices("loose_threads", scene, tmp_path, seed)


@pytest.mark.parametrize("scene", scenes_of("loose_tasks"))
def test_tasks_go_their_way(scene, tmp_path, rounds):
    for seed in range(1 if rounds <= FEW else rounds):
        assert_nobody_notices("loose_tasks", scene, tmp_path, seed)
