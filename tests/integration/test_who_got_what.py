"""Every answer goes to its own caller, though all of them ask the same and none comes in order."""

import json
import random
import subprocess

import pytest

from agentvcr.cassette.reader import load_run
from agentvcr.steps.trace import trace
from tests.support.command_line import agentvcr, python
from tests.support.counter_server import CounterServer

MODES = [
    "gather",
    "create_task",
    "taskgroup",
    "anyio",
    "threads",
    "pool",
    "threads_under_asyncio",
    "asyncio_under_threads",
    "nested",
]
FEW = 3  # what `make check` has: then once each is enough
SIZES = {"pool": [12], "nested": [8]}
PAIRS = [(mode, agents) for mode in MODES for agents in SIZES.get(mode, [8, 64])]
RANGE = (2, 64)  # agents, of which a seed picks
POOLS = [("submit", "fork"), ("submit", "spawn"), ("executor_map", "fork")]


@pytest.fixture
def one_core_busy():
    with subprocess.Popen(python("burn.py"), stdin=subprocess.PIPE) as burner:
        yield
        burner.stdin.close()


def recorded_and_replayed(  # noqa: PLR0913  (what a fan-out is made of)
    folder, mode, agents, *, seed, client="httpx2", stream=False
):
    """Record the fan-out once and replay it once; returns what each run's agents were told."""
    program = python("fanout.py", mode, "--agents", agents, "--client", client)
    program += ["--stream"] if stream else []
    return program_recorded_and_replayed(folder, program, seed)


def program_recorded_and_replayed(folder, program, seed):
    """The same for any program that prints what its agents were told."""
    with CounterServer(seed=seed) as server:
        env = {"BASE_URL": server.base_url}
        recorded = agentvcr(
            "record", "--force", "-o", "x.avcr", "--", *program, cwd=folder, env=env
        )
        asked = server.count
        replayed = agentvcr("replay", "x.avcr", cwd=folder, env=env)
        assert server.count == asked, "the replay asked the provider"
    assert recorded.returncode == 0, recorded.stderr.decode()
    assert replayed.returncode == 0, replayed.stderr.decode()
    assert "nearest" not in replayed.stderr.decode(), "an answer of another caller was taken"
    traces = [trace(load_run(folder / name)) for name in ("x.avcr", "x.last.avcr")]
    assert traces[0] == traces[1]
    return json.loads(recorded.stdout), json.loads(replayed.stdout)


def assert_each_got_its_own(told, again, agents):
    assert again == told
    assert [agent for agent, _, _ in told] == list(range(agents))
    answers = [answer for _, *both in told for answer in both]
    assert len(set(answers)) == 2 * agents, "an answer was given twice"


@pytest.mark.parametrize(("mode", "agents"), PAIRS)
def test_identical_prompts_get_their_own_answers(mode, agents, tmp_path, rounds):
    for seed in range(1 if rounds <= FEW else rounds):
        told, again = recorded_and_replayed(tmp_path, mode, agents, seed=seed)
        assert_each_got_its_own(told, again, agents)


@pytest.mark.parametrize("mode", ["gather", "threads", "pool", "nested"])
def test_identical_prompts_get_their_own_answers_beside_a_busy_core(
    mode, tmp_path, rounds, one_core_busy
):
    for seed in range(1 if rounds <= FEW else rounds):
        told, again = recorded_and_replayed(tmp_path, mode, 8, seed=1000 + seed)
        assert_each_got_its_own(told, again, 8)


@pytest.mark.parametrize("mode", MODES)
def test_crews_of_any_size_get_their_own_answers(mode, tmp_path, rounds):
    for seed in range(0 if rounds <= FEW else rounds):
        agents = random.Random(f"{mode} {seed}").randint(*RANGE)
        told, again = recorded_and_replayed(tmp_path, mode, agents, seed=2000 + seed)
        assert_each_got_its_own(told, again, agents)
    told, again = recorded_and_replayed(tmp_path, mode, RANGE[0], seed=2000)
    assert_each_got_its_own(told, again, RANGE[0])


@pytest.mark.parametrize(("mode", "method"), POOLS)
def test_items_of_process_pools_get_their_own_answers_beside_a_busy_core(
    mode, method, tmp_path, rounds, one_core_busy
):
    for seed in range(1 if rounds <= FEW else rounds // 5):
        program = python("process_pools.py", mode, method)
        told, again = program_recorded_and_replayed(tmp_path, program, seed)
        assert_each_got_its_own(told, again, 5)


@pytest.mark.parametrize("client", ["httpx", "httpx2"])
@pytest.mark.parametrize("mode", ["gather", "threads"])
def test_streamed_answers_go_to_their_own_callers(mode, client, tmp_path):
    told, again = recorded_and_replayed(tmp_path, mode, 8, seed=7, client=client, stream=True)
    assert_each_got_its_own(told, again, 8)
