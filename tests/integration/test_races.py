"""A race that went one way when it was recorded goes that way in each replay."""

import json

import pytest

from tests.support.command_line import agentvcr, python
from tests.support.counter_server import CounterServer

FEW = 3  # what `make check` has: then 5 replays are enough
LOSING = ["threads", "tasks"]
OTHERS = [
    *("threads_with_a_lock", "tasks_with_a_lock"),
    *("queue_of_results", "as_completed", "first_wins"),
    *("workers_of_a_queue", "sets_of_tasks"),
    *("groups_that_fail", "futures_that_are_done"),
    "calls_that_block_a_loop",
]
MOST_SEEDS = 12


def recorded(scene, seed, folder):
    """Record the scene once; gives its outcome."""
    name = f"{seed}.avcr"
    with CounterServer(seed=seed, jitter_ms=(10, 120)) as server:
        env = {"BASE_URL": server.base_url}
        command = ["record", "-o", name, "--", *python("races.py", scene)]
        run = agentvcr(*command, cwd=folder, env=env)
    assert run.returncode == 0, run.stderr.decode()
    return run.stdout, env


def assert_replays_show(seen, seed, env, folder, times):
    run = agentvcr("replay", f"{seed}.avcr", "--times", times, cwd=folder, env=env)
    assert run.returncode == 0, run.stderr.decode()
    assert run.stdout == seen * times
    assert f"{times} replays: 1 distinct trace\n" in run.stderr.decode()


def lost(seen):
    """Whether something that was added is not in the total."""
    outcome = json.loads(seen)
    return outcome["total"] != sum(more for _, more, _ in outcome["log"])


@pytest.mark.parametrize("scene", LOSING)
def test_an_update_that_was_lost_is_lost_again_and_one_that_was_not_is_not(scene, tmp_path, rounds):
    found = {}
    for seed in range(MOST_SEEDS):
        seen, env = recorded(scene, seed, tmp_path)
        found.setdefault(lost(seen), (seed, seen, env))
        if len(found) == 2:
            break
    assert True in found, "no recording has the loss"
    for seed, seen, env in found.values():
        assert_replays_show(seen, seed, env, tmp_path, 5 if rounds <= FEW else 100)


@pytest.mark.parametrize("scene", OTHERS)
def test_who_came_first_comes_first_again(scene, tmp_path, rounds):
    for seed in range(1 if rounds <= FEW else 3):
        seen, env = recorded(scene, seed, tmp_path)
        assert not (scene.endswith("lock") and lost(seen))
        assert_replays_show(seen, seed, env, tmp_path, 5 if rounds <= FEW else 100)
