"""A run that was interrupted is interrupted again, where it was."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from tests.support.command_line import agentvcr, python
from tests.support.counter_server import CounterServer


def test_replays_side_by_side_are_interrupted_behind_all_that_was_said_before(tmp_path):
    with CounterServer(jitter_ms=(1, 5)) as server:
        env = {"BASE_URL": server.base_url}
        recorded = interrupted_behind(3, tmp_path, env)
    assert recorded == b"This is answer 1.\nThis is answer 2.\nThis is answer 3.\ninterrupted\n"
    names = [f"replay-{number}.avcr" for number in range(6)]
    with ThreadPoolExecutor(len(names)) as pool:
        outcomes = pool.map(
            lambda name: agentvcr("replay", "x.avcr", "-o", name, cwd=tmp_path, env=env), names
        )
        told = [(done.returncode, done.stdout, done.stderr) for done in outcomes]
    assert [one[:2] for one in told] == [(0, recorded)] * len(names), told


def interrupted_behind(lines, folder, env):
    """Record the program, and interrupt it as soon as it has said so many lines."""
    command = [sys.executable, "-m", "agentvcr", "record", "-o", "x.avcr", "--"]
    with subprocess.Popen(
        [*command, *python("interrupted.py")],
        cwd=folder,
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        said = [running.stdout.readline() for _ in range(lines)]
        running.send_signal(signal.SIGINT)
        return b"".join([*said, running.stdout.read()])
