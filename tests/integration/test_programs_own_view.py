"""A recorded program looks, streams, fails and exits exactly as it does without us."""

import sys

import pytest

from tests.support.script_server import ScriptServer
from tests.support.situations import SITUATIONS, Observation, observe

RECORD = [sys.executable, "-m", "agentvcr", "record", "--force", "-o", "x.avcr", "--"]


def without_our_lines(output: bytes) -> bytes:
    """Take our own summary out; on a terminal it stands among the program's output."""
    return b"".join(
        line for line in output.splitlines(keepends=True) if not line.startswith(b"agentvcr: ")
    )


def seen(observation: Observation):
    return (
        observation.status,
        without_our_lines(observation.stdout),
        without_our_lines(observation.stderr),
        observation.stops,
    )


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_a_recorded_program_is_seen_as_a_bare_one(situation, tmp_path):
    with ScriptServer() as server:
        bare = observe(situation, base_url=server.base_url, folder=tmp_path)
        recorded = observe(situation, base_url=server.base_url, folder=tmp_path, prefix=RECORD)
    assert seen(recorded) == seen(bare)
    assert (tmp_path / "x.avcr").stat().st_size > 0
