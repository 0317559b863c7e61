"""What a program sees of the clients on top of `http.client`: bare, while recording, in a replay.

Each group of cases is one program, run three times; the server is gone before the replay. What is
compared is what the program itself saw: heads, pieces, exceptions with all that they were made of.
"""

import functools
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.integration.test_httpx_family import Seen, by_case, dead_ends, run_bare
from tests.programs.family_calls import GROUPS
from tests.programs.family_clients import HOWS
from tests.support.command_line import agentvcr
from tests.support.server_process import ROOT, ServerProcess

CLIENTS = list(HOWS)
IDS = [
    pytest.param(client, group, case, id=f"{client}-{group}-{case}")
    for client in CLIENTS
    for group, cases in GROUPS.items()
    for case in cases(client)
]
PROGRAMS = [
    pytest.param(client, group, id=f"{client}-{group}")
    for client in CLIENTS
    for group, cases in GROUPS.items()
    if cases(client)
]


def see(client, folder, executor):
    """Run every group of one client bare and recorded, stop the server, and replay them."""
    groups = [group for group, cases in GROUPS.items() if cases(client)]
    programs = {
        group: [sys.executable, "-m", "tests.programs.family_calls", client, group]
        for group in groups
    }

    def record(group):
        words = ("record", "-o", f"{group}.avcr", "--", *programs[group])
        return agentvcr(*words, cwd=folder, env=kept)

    def replay(group):
        return agentvcr("replay", f"{group}.avcr", cwd=folder, env=kept)

    with ServerProcess("script_server") as server, dead_ends() as urls:
        env = {**urls, "BASE_URL": server.base_url, "PYTHONPATH": str(ROOT)}
        kept = {**env, "KEY": "kept"}
        bare = executor.map(lambda program: run_bare(program, env), programs.values())
        recorded = executor.map(record, programs)
        both = list(zip(programs, bare, recorded, strict=True))
    replayed = list(executor.map(replay, programs))
    for (group, bare_run, recording), replaying in zip(both, replayed, strict=True):
        assert recording.returncode == 0, recording.stderr.decode()
        seen = [by_case(run.stdout) for run in (bare_run, recording, replaying)]
        yield group, Seen(*seen, replay=replaying, folder=folder)


@pytest.fixture(scope="module")
def families(tmp_path_factory):
    """What was seen through one client: run once, however many tests ask."""

    @functools.cache
    def run(client):
        folder = tmp_path_factory.mktemp(client)
        with ThreadPoolExecutor(2) as executor:
            return dict(see(client, folder, executor))

    return run


@pytest.mark.parametrize(("client", "group", "case"), IDS)
def test_a_recorded_program_sees_what_it_sees_without_us(families, client, group, case):
    seen = families(client)[group]
    assert seen.recorded[case] == seen.bare[case]


@pytest.mark.parametrize(("client", "group", "case"), IDS)
def test_a_replayed_program_sees_what_it_saw_when_recorded(families, client, group, case):
    seen = families(client)[group]
    assert case in seen.replayed, seen.replay.stderr.decode()
    assert seen.replayed[case] == seen.recorded[case]


@pytest.mark.parametrize(("client", "group"), PROGRAMS)
def test_the_replay_of_an_unchanged_program_is_the_same(families, client, group):
    replay = families(client)[group].replay
    assert replay.returncode == 0, replay.stderr.decode()
    assert b"the same: " in replay.stderr
