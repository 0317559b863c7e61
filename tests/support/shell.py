"""Run lines of shell bare, recorded and replayed, with a provider that is gone before the replay.

Owns those three runs of programs that are not Python. What is expected of them is a test's.
"""

import os
import pathlib
import shutil
import subprocess

import pytest

from agentvcr.cassette.reader import load_run
from tests.support.command_line import agentvcr

PATIENCE_S = 60
_SAY = 'say() { "$@"; echo " -> $?"; }\n'


def needs(*programs: str) -> None:
    """Skip the test where one of these programs is not installed."""
    for program in programs:
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")


class Shell:
    """A script in a folder, whose base URL is a provider's address."""

    def __init__(self, script: str, folder: pathlib.Path, base_url: str, **env: str) -> None:
        (folder / "script.sh").write_text(_SAY + script)
        self.folder = folder
        self.env = {"OPENAI_BASE_URL": base_url, **env}

    def bare(self) -> bytes:
        return subprocess.run(
            ["bash", "script.sh"],
            cwd=self.folder,
            env={**os.environ, **self.env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE_S,
            check=False,
        ).stdout

    def record(self, *options: str) -> subprocess.CompletedProcess[bytes]:
        words = ("record", "-o", "x.avcr", *options, "--", "bash", "script.sh")
        return agentvcr(*words, cwd=self.folder, env=self.env)

    def replay(self, *options: str) -> subprocess.CompletedProcess[bytes]:
        return agentvcr("replay", "x.avcr", *options, cwd=self.folder, env=self.env)


def exchanges(folder, name="x.avcr"):
    return load_run(folder / name).exchanges


def assert_replays_the_same(shell, recorded):
    replayed = shell.replay()
    assert replayed.returncode == 0, replayed.stderr.decode()
    assert replayed.stdout == recorded.stdout
    assert b"the same: " in replayed.stderr
