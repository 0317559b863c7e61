"""Have cassettes verified before they are committed, by pre-commit or by git itself.

Owns whose hook it is, and that a hook or a configuration that is there is not rewritten: lines are
added where that is sure to be right, else they are shown.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

from agentvcr.interop.pre_commit import names_hook, with_entry
from agentvcr.model.project import ProjectItem
from agentvcr.session.project.files import Todo, appended, kept, put, read, template
from agentvcr.session.project.git import Git

CONFIG: Final = ".pre-commit-config.yaml"
_ENTRY: Final = "agentvcr verify"


def verify_before_commit(git: Git | None, root: Path, *, asked: bool, is_new: bool) -> list[Todo]:
    """Say what is to be done so that no damaged cassette is committed.

    Args:
        git: The clone, where there is one.
        root: Where pre-commit looks for its configuration.
        asked: The user asked for a hook.
        is_new: The project keeps no cassettes yet. Later on, a hook that it lacks is one that its
            people do not want.

    Raises:
        TargetUnwritableError: A file cannot be read.
    """
    config = root / CONFIG
    if config.exists():
        return _by_pre_commit(config, wanted=asked or is_new)
    if not asked:
        return []
    if git is None:
        return [_left_out(".git/hooks/pre-commit", "there is no git here")]
    return [_by_git(git)]


def _by_pre_commit(config: Path, *, wanted: bool) -> list[Todo]:
    data = read(config)
    text = data.decode("utf-8", "replace")
    if names_hook(text, _ENTRY):
        return [kept(CONFIG)]
    if not wanted:
        return []
    entry = template("pre-commit.yaml")
    lines = with_entry(text, entry)
    if lines is None:
        return [_left_out(CONFIG, "it is yours to edit; add to its repos", entry)]
    item = ProjectItem(action="add to", name=CONFIG)
    return [Todo(item, partial(put, config, appended(data, lines)))]


def _by_git(git: Git) -> Todo:
    hook = git.hooks() / "pre-commit"
    name = hook.relative_to(git.folder).as_posix() if hook.is_relative_to(git.folder) else str(hook)
    script = template("pre-commit.sh")
    if hook.exists():
        if _ENTRY.encode() in read(hook):
            return kept(name)
        _, _, commands = script.partition("\n")
        return _left_out(name, "it is yours to edit; add to it", commands)
    if not git.owns(hook):
        return _left_out(
            name, "it would be a hook of other repositories too; what it takes", script
        )
    item = ProjectItem(action="write", name=name, is_shared=not git.is_private(hook))
    return Todo(item, partial(put, hook, script.encode(), is_program=True))


def _left_out(name: str, note: str, to_add: str = "") -> Todo:
    return Todo(ProjectItem(action="leave out", name=name, note=note, to_add=to_add))
