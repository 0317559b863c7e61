"""Real agent runs of other projects, played by pydantic-ai: recorded once, replayed offline.

The models' answers are those that real providers gave, byte for byte; they decide which tools are
called, with what, and who is handed the work. What each tool says holds a number that is never the
same twice, and it goes into the next request: a replay that asked a tool again would be seen.
"""

import json
import os
import pathlib

import pytest

from tests.frameworks import corpora_provider
from tests.frameworks.corpora_provider import CorporaProvider
from tests.support.command_line import agentvcr

ENVIRONMENTS = os.environ.get("AGENTVCR_FRAMEWORKS", "")
FEWEST = 15
PROGRAM = pathlib.Path(__file__).parent / "programs" / "corpora_agent.py"
REPLAYS = 3


@pytest.fixture(scope="module")
def plays(corpora):
    """Whole agent runs among the recordings."""
    return corpora_provider.choose(corpora)


def test_there_are_plays_of_every_kind(plays):
    assert len(plays) >= FEWEST
    found = {play.sort for play in plays}
    assert {family for family, _, _ in found} == {"chat", "responses", "messages"}
    assert {streamed for _, streamed, _ in found} == {True, False}
    assert sum(several for _, _, several in found) >= FEWEST // 5
    assert any(turn.calls for play in plays for turn in play.turns), "nobody delegates"
    assert any(turn.prompt is None for play in plays for turn in play.turns), "no handoff"


@pytest.mark.parametrize("how", [[], ["--together"]], ids=["in turn", "together"])
def test_real_answers_drive_the_agents_and_the_replays_are_the_run(how, plays, tmp_path):
    (tmp_path / "plays.json").write_text(json.dumps([play.script() for play in plays]))
    python = pathlib.Path(ENVIRONMENTS) / "pydantic_ai" / "bin" / "python"
    command = [python, PROGRAM, "plays.json", *how]
    with CorporaProvider(plays) as provider:
        env = {"BASE_URL": provider.base_url}
        recorded = agentvcr("record", "-o", "x.avcr", "--", *command, cwd=tmp_path, env=env)
        assert recorded.returncode == 0, recorded.stderr.decode()
    # The loops took the course that they took when they were recorded: the same calls answered.
    assert provider.carried == [play.answered for play in plays]
    said = recorded.stdout.decode().splitlines()
    assert sum(line.startswith("== ") for line in said) == len(plays)
    made = sum(line.startswith("  calls ") for line in said)
    assert made >= sum(len(play.results) for play in plays)
    for turn in range(REPLAYS):
        replayed = agentvcr("replay", "x.avcr", cwd=tmp_path, env=env)
        assert replayed.returncode == 0, f"replay {turn}: {replayed.stderr.decode()}"
        assert replayed.stdout == recorded.stdout
        assert f"{provider.count} exchanges replayed".encode() in replayed.stderr
