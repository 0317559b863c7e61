"""Real answers of OpenAI and Anthropic, through the real SDKs: recorded once, replayed offline.

That nobody is reached is read from the system calls of every process of the replay, and not from a
counter of ours.
"""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.support.command_line import agentvcr, python
from tests.support.server_process import ServerProcess

FEWEST = 30
INTERNET = re.compile(r"connect\(.*AF_INET6?\b.*")


def replayed_under_strace(folder, env):
    """Replay `x.avcr`; returns what it printed and every connect() to an internet address."""
    trace = folder / "connects"
    command = ["strace", "-f", "-e", "trace=connect", "-o", trace, sys.executable, "-m", "agentvcr"]
    done = subprocess.run(
        [*command, "replay", "x.avcr"],
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    text = trace.read_text()
    assert "AF_UNIX" in text, "strace saw nothing of the program"
    return done.stdout, INTERNET.findall(text)


@pytest.mark.parametrize("how", [[], ["--async"], ["--async", "--together"]], ids=" ".join)
def test_real_answers_replay_equal_and_reach_nobody(how, corpora, tmp_path):
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    calls = tmp_path / "calls.json"
    with ServerProcess("corpora_server", "--calls", str(calls)) as server:
        env = {**os.environ, "BASE_URL": server.base_url}
        program = python("sdk_calls.py", calls, *how)
        recorded = agentvcr("record", "-o", "x.avcr", "--", *program, cwd=tmp_path, env=env)
        assert recorded.returncode == 0, recorded.stderr.decode()
    told = json.loads(recorded.stdout)
    assert len(told) >= FEWEST
    assert sum("events" in call for call in told) >= FEWEST // 3
    assert any(len(call["chunks"]) > 3 for call in told)

    stdout, connects = replayed_under_strace(tmp_path, env)

    assert json.loads(stdout) == told
    assert connects == []
