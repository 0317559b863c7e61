"""A recording that was made through one client is answered through every other."""

import sys

import pytest

from tests.programs.battery.cases import ACROSS
from tests.programs.battery.shelf import CLIENTS
from tests.support.battery_world import Authority, World
from tests.support.command_line import agentvcr
from tests.support.server_process import ROOT

RECORDED = ["httpx", "aiohttp", "requests"]
PAIRS = [(RECORDED[place % len(RECORDED)], client) for place, client in enumerate(CLIENTS)]


def program(client):
    return [sys.executable, "-m", "tests.programs.battery.run", client, ACROSS]


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """What each of some clients was told, and where the recording of it is."""
    folder = tmp_path_factory.mktemp("across")
    made = {}
    for place, client in enumerate(RECORDED):
        with World(Authority(folder), 1001 + 1000 * place, {}) as world:
            env = {**world.variables, "PYTHONPATH": str(ROOT)}
            name = folder / f"{client}.avcr"
            recorded = agentvcr("record", "-o", name, "--", *program(client), cwd=folder, env=env)
            assert recorded.returncode == 0, recorded.stderr.decode()
        made[client] = (name, env, recorded.stdout)
    return made


@pytest.mark.parametrize(("recorded", "client"), PAIRS)
def test_what_one_client_recorded_answers_another(recordings, recorded, client, tmp_path):
    name, env, said = recordings[recorded]
    command = ("replay", name, "-o", tmp_path / "again.avcr", "--", *program(client))
    replayed = agentvcr(*command, cwd=tmp_path, env=env)
    assert replayed.stdout == said, replayed.stderr.decode()
