"""Repositories of git, made as a user makes them, in which `agentvcr` is on PATH.

Owns the calls of git and what they may know of this machine: nothing. What is expected is a test's.
"""

import os
import pathlib
import subprocess
import sys

import pytest

_WHO = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (("NAME", "Somebody"), ("EMAIL", "somebody@example.org"))
}


def apart(monkeypatch: pytest.MonkeyPatch, folder: pathlib.Path) -> None:
    """Let git know nothing of the user's settings, nor of a repository around `folder`."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    for name, value in _WHO.items():
        monkeypatch.setenv(name, value)
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(folder.parent))
    scripts = str(pathlib.Path(sys.executable).parent)
    monkeypatch.setenv("PATH", os.pathsep.join([scripts, os.environ["PATH"]]))


class Repository:
    """A clone."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder

    def git(self, *words: str, cwd: str = ".") -> subprocess.CompletedProcess[str]:
        """Ask git for something that may fail."""
        return subprocess.run(
            ["git", *words],
            cwd=self.folder / cwd,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def ok(self, *words: str) -> str:
        """Ask git for something that works; gives what it says."""
        done = self.git(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def commit(self, message: str = "change") -> None:
        """Commit all that is there."""
        self.ok("add", "-A")
        self.ok("commit", "-q", "-m", message)

    def set(self, name: str) -> str | None:
        """Give a setting."""
        done = self.git("config", "--get", name)
        return None if done.returncode else done.stdout.strip()


def made(folder: pathlib.Path) -> Repository:
    """Make a repository."""
    folder.mkdir(exist_ok=True)
    repository = Repository(folder)
    repository.ok("init", "-q", "-b", "main")
    return repository


def clone_of(repository: Repository, folder: pathlib.Path) -> Repository:
    """Clone a repository, as somebody else does."""
    repository.ok("clone", "-q", str(repository.folder), str(folder))
    return Repository(folder)
