"""The command of a session: which one, whether it is there, and the folder that it runs in.

Owns the checks before anything is created. Runs nothing (`channel`).
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from agentvcr.errors import (
    BadOptionError,
    CommandNotExecutableError,
    CommandNotFoundError,
    NoCommandError,
    SessionActiveError,
    UntrustedCassetteError,
)
from agentvcr.model.run import Run
from agentvcr.model.text import PYTHON


def recorded_command(run: Run, path: Path, *, trust: bool) -> list[str]:
    """Give the command that a cassette holds.

    Raises:
        NoCommandError: It holds none.
        UntrustedCassetteError: It lies elsewhere, and nobody vouched for it.
    """
    if not run.info.argv:
        raise NoCommandError(
            f"{path} was not recorded from a command",
            where=str(path),
            cure="name the command to replay: agentvcr replay FILE -- CMD",
        )
    if not trust and not path.resolve().is_relative_to(Path.cwd().resolve()):
        raise UntrustedCassetteError(
            f"{path} lies outside this folder, and would run: {' '.join(run.info.argv)}",
            where=str(path),
            cure="name the command yourself (-- CMD), or add --trust",
        )
    return [sys.executable if word == PYTHON else word for word in run.info.argv]


def folder_of(recorded: Run) -> Path:
    """Give the folder that the recorded command ran in, below the project's root.

    Raises:
        BadOptionError: It is not there.
    """
    folder = project_root() / recorded.info.cwd
    if not folder.is_dir():
        raise BadOptionError(
            f"the recorded command ran in {recorded.info.cwd}, which is not there",
            where=str(folder),
            cure="replay in the project that it was recorded in, or name the command: -- CMD",
        )
    return folder


def folder_far_from(path: Path, folder: str) -> str:
    """Give the folder that a command runs in, where the cassette lies outside this project."""
    return "" if path.resolve().is_relative_to(project_root().resolve()) else folder


def check_command(argv: Sequence[str]) -> None:
    """Look for the command before anything is created.

    Raises:
        SessionActiveError: This very process is part of a run that is recorded or replayed.
    """
    if os.environ.get("AGENTVCR_CHANNEL"):
        raise SessionActiveError(
            "this is a part of a run that is recorded or replayed already",
            where=f"process {os.getpid()}",
            cure="leave one of the two agentvcr commands out",
        )
    if not argv:
        raise NoCommandError(
            "there is no command to run",
            where="the end of the command line",
            cure="agentvcr record -- python my_agents.py",
        )
    if shutil.which(argv[0]) is not None:
        return
    found = Path(argv[0]).exists() and os.sep in argv[0]
    if found:
        raise CommandNotExecutableError(
            f"{argv[0]}: permission denied",
            where=str(Path.cwd()),
            cure="check that it is a program that you may execute",
        )
    raise CommandNotFoundError(
        f"{argv[0]}: command not found",
        where=str(Path.cwd()),
        cure="check the command's name and PATH",
    )


def project_root() -> Path:
    """Find the nearest folder above with a `.git` or a `pyproject.toml`; else this one."""
    return _root_above(os.getcwd())  # noqa: PTH109  (a Path would cost as much as the call)


@lru_cache(maxsize=16)
def _root_above(here: str) -> Path:
    """Look once in each folder: a suite has a session for each of its tests."""
    start = Path(here)
    for folder in (start, *start.parents):
        if (folder / ".git").exists() or (folder / "pyproject.toml").exists():
            return folder
    return start
