"""Set a project up for cassettes in git: what it needs, what of that it has, and the rest of it.

Owns the list. Everything is looked at before anything is written, and what is there stays: done
twice, it changes nothing.
"""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

from agentvcr.errors import BadOptionError
from agentvcr.model.project import ProjectItem, ProjectSetUp
from agentvcr.session.project.files import ATTRIBUTES, IGNORED, Todo, lines_in
from agentvcr.session.project.git import SETTINGS, Git, git_of
from agentvcr.session.project.hooks import verify_before_commit
from agentvcr.session.project.workflow import replay_at_github


def set_up(
    folder: Path, *, github: bool | None = None, hook: bool = False, only_tell: bool = False
) -> ProjectSetUp:
    """Give a project what it lacks to keep cassettes in git.

    Args:
        folder: The project.
        github: Write a workflow for GitHub Actions, or do not; by default a project that is set up
            for the first time gets one, if it is at GitHub.
        hook: Verify cassettes before they are committed; where pre-commit is configured, a project
            that is set up for the first time gets that by itself.
        only_tell: Write nothing.

    Raises:
        BadOptionError: There is no such folder.
        TargetUnwritableError: A file cannot be read or written.
        GitRefusedError: Git does not take a setting.
    """
    if not folder.is_dir():
        raise BadOptionError(
            f"there is no folder {folder}", where=str(folder.absolute()), cure="name one"
        )
    git = git_of(folder)
    todos = _todos(folder, git, github=github, hook=hook)
    if not only_tell:
        for todo in todos:
            todo.do()
    return ProjectSetUp(
        is_done=not only_tell,
        has_git=isinstance(git, Git),
        finds_program=shutil.which("agentvcr") is not None,
        items=tuple(todo.item for todo in todos),
    )


def _todos(folder: Path, found: Git | str, *, github: bool | None, hook: bool) -> list[Todo]:
    git = found if isinstance(found, Git) else None
    attributes = lines_in(folder / ".gitattributes", ".gitattributes", ATTRIBUTES)
    is_new = attributes.item.action != "keep"
    root = git.top if git else folder
    return [
        attributes,
        lines_in(folder / ".gitignore", ".gitignore", IGNORED),
        *_settings(found),
        *verify_before_commit(git, root, asked=hook, is_new=is_new),
        *replay_at_github(git, folder, asked=github, is_new=is_new),
    ]


def _settings(git: Git | str) -> list[Todo]:
    if isinstance(git, str):
        return [Todo(ProjectItem(action="leave out", name="the settings of git", note=git))]
    return [_setting(git, name, value) for name, value in SETTINGS.items()]


def _setting(git: Git, name: str, value: str) -> Todo:
    there = git.setting(name)
    if there is None:
        return Todo(
            ProjectItem(action="set", name=name, is_shared=False), partial(git.set, name, value)
        )
    note = (
        "it is set already" if there == value else f"it is set to {there!r}, and not to {value!r}"
    )
    return Todo(ProjectItem(action="keep", name=name, note=note))
