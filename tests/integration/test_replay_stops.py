"""A program that swallows every exception is stopped all the same."""

import time

import pytest

from tests.support.command_line import agentvcr, python
from tests.support.counter_server import CounterServer

LIMIT_S = 10


@pytest.mark.parametrize("mode", ["retry", "gather", "gather_forever", "quiet"])
def test_a_program_that_swallows_everything_is_stopped_at_the_first_divergence(mode, tmp_path):
    with CounterServer(jitter_ms=(1, 2)) as server:
        env = {"BASE_URL": server.base_url}
        program = python("swallow.py", mode)
        recorded = agentvcr("record", "-o", "x.avcr", "--", *program, cwd=tmp_path, env=env)
        assert recorded.returncode == 0, recorded.stderr.decode()
        asked = server.count
        changed = {**env, "PROMPT": "another question than was recorded"}
        before = time.monotonic()
        replayed = agentvcr("replay", "x.avcr", cwd=tmp_path, env=changed)
        took_s = time.monotonic() - before
        assert server.count == asked, "the replay asked the provider"
    assert replayed.returncode == 4, replayed.stderr.decode()
    assert b"another question than was recorded" in replayed.stderr
    assert took_s < LIMIT_S  # the promise itself is a time: stopped within ten seconds
