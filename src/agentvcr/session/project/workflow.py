"""The workflow of GitHub Actions that replays a project's cassettes.

Owns when it is written, and what installs the project in it. A workflow that is there is kept.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any, Final

from agentvcr.model.project import ProjectItem
from agentvcr.session.project.files import Todo, kept, read, template, whole
from agentvcr.session.project.git import Git

NAME: Final = ".github/workflows/agentvcr.yml"
_INDENT: Final = " " * 10
_REQUIREMENTS: Final = ("requirements.txt", "requirements-dev.txt", "requirements-test.txt")
_EXTRAS: Final = ("test", "tests", "testing", "dev")


def replay_at_github(
    git: Git | None, folder: Path, *, asked: bool | None, is_new: bool
) -> list[Todo]:
    """Say what is to be done so that GitHub replays the cassettes.

    Args:
        git: The clone, where there is one.
        folder: The project.
        asked: The user asked for a workflow, or for none.
        is_new: The project keeps no cassettes yet. Later on, a workflow that it lacks is one that
            its people do not want.

    Raises:
        TargetUnwritableError: A file cannot be read.
    """
    place = folder / NAME
    if asked is False:
        return []
    if place.exists():
        return [kept(NAME)]
    if asked is None and not (is_new and _is_at_github(git, folder)):
        return []
    if git is not None and not folder.samefile(git.top):
        note = f"GitHub reads it in {git.top} alone: agentvcr init {git.top} --github"
        return [Todo(ProjectItem(action="leave out", name=NAME, note=note))]
    return [whole(place, NAME, _text(folder))]


def _is_at_github(git: Git | None, folder: Path) -> bool:
    return (folder / ".github").is_dir() or (git is not None and git.has_github())


def _text(folder: Path) -> str:
    lines = [*_installs(folder), "python -m pip install agentvcr"]
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    filled = template("workflow.yml").replace("{python}", python)
    return filled.replace("{install}", f"\n{_INDENT}".join(lines))


def _installs(folder: Path) -> list[str]:
    """Say what installs the project: what it requires, then itself with what its tests need."""
    found = [
        f"python -m pip install -r {name}" for name in _REQUIREMENTS if (folder / name).is_file()
    ]
    project = _pyproject(folder)
    if "project" in project or "build-system" in project or (folder / "setup.py").is_file():
        declared = project.get("project")
        known = declared.get("optional-dependencies") if isinstance(declared, dict) else None
        extras = ",".join(name for name in _EXTRAS if isinstance(known, dict) and name in known)
        found.append(f"python -m pip install -e '.[{extras}]'" if extras else _PLAIN)
    return found


_PLAIN: Final = "python -m pip install -e ."


def _pyproject(folder: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read(folder / "pyproject.toml").decode("utf-8", "replace"))
    except tomllib.TOMLDecodeError:
        return {}  # pip will say it better
