"""The SDKs' own ways out of trouble come out the same: retries, timeouts, streams left halfway."""

import pytest

from tests.support.command_line import agentvcr, python
from tests.support.troubles import TroubledProvider

REPLAYS = 3


@pytest.mark.parametrize("how", ["sync", "async"])
@pytest.mark.parametrize("sdk", ["openai", "anthropic"])
def test_an_sdk_in_trouble_does_the_same_in_each_replay(sdk, how, tmp_path):
    program = python("sdk_troubles.py", sdk, how)
    with TroubledProvider() as provider:
        env = {"BASE_URL": provider.base_url}
        recorded = agentvcr("record", "-o", "x.avcr", "--", *program, cwd=tmp_path, env=env)
    assert recorded.returncode == 0, recorded.stderr.decode()
    for _ in range(REPLAYS):
        replayed = agentvcr("replay", "x.avcr", cwd=tmp_path, env=env)
        assert replayed.returncode == 0, replayed.stderr.decode()
        assert replayed.stdout == recorded.stdout
