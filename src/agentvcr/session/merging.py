"""Merge two versions of a cassette, as git's driver for it: a choice, and never a mixture.

Owns which side is taken, and that a choice which is nobody's but the user's leaves ours whole. Does
not compare runs (`diff`).
"""

from __future__ import annotations

import filecmp
import os
import shutil
from collections import deque
from pathlib import Path

from agentvcr.cassette.reader import load_run
from agentvcr.diff.explanation import tell_difference
from agentvcr.diff.rundiff import diff
from agentvcr.errors import AgentVCRError
from agentvcr.model.project import CassetteMerge
from agentvcr.model.text import PYTHON
from agentvcr.session.in_place import in_place_of
from agentvcr.session.keying import load_keyed, load_two


def merge_cassettes(base: Path, ours: Path, theirs: Path, path: str) -> CassetteMerge:
    """Leave in `ours` what the merge comes to.

    Where one side is as it was before both, that is the other; where both are of one run, step for
    step, and in every other case, it is ours as it is.

    Args:
        base: The version before both; empty where both added the cassette.
        ours: Our version. Its place takes the result.
        theirs: The other version.
        path: The cassette's path, from the work tree's root.

    Raises:
        TargetUnwritableError: The result cannot be written.
    """
    path = _as_seen_by_user(path)
    if _equal(ours, base):
        with in_place_of(ours, is_held=True) as beside:
            shutil.copyfile(theirs, beside)
        return CassetteMerge(path=path, is_conflict=False)
    if _equal(theirs, base) or _equal(theirs, ours):
        return CassetteMerge(path=path, is_conflict=False)
    unreadable = [*_refusals(ours, "ours", path), *_refusals(theirs, "theirs", path)]
    if unreadable:
        return CassetteMerge(
            path=path, is_conflict=True, unreadable=tuple(unreadable), command=_command(ours)
        )
    result = diff(*load_two(ours, theirs))
    if result.same:
        return CassetteMerge(path=path, is_conflict=False, are_same=True)
    difference = tell_difference(result, sides=("ours", "theirs"))
    return CassetteMerge(path=path, is_conflict=True, difference=difference, command=_command(ours))


def _as_seen_by_user(path: str) -> str:
    """Give a path from where git was called: git tells that to whatever it starts."""
    shown = os.path.relpath(path, os.environ.get("GIT_PREFIX") or ".")
    return Path(shown).as_posix()


def _equal(one: Path, other: Path) -> bool:
    return filecmp.cmp(one, other, shallow=False)


def _refusals(file: Path, side: str, path: str) -> list[str]:
    """Say why a version cannot be read to its end, naming the cassette where git names a file."""
    try:
        run, _ = load_keyed(file)
        deque(run.exchanges, maxlen=0)
    except AgentVCRError as error:
        return [f"{side}: {str(error).replace(str(file), path)}"]
    return []


def _command(ours: Path) -> tuple[str, ...]:
    """Give the command that was recorded, where it ran in the folder that git was called in."""
    try:
        info = load_run(ours).info
    except AgentVCRError:
        return ()
    if info.cwd != "." or os.environ.get("GIT_PREFIX"):
        return ()
    return tuple("python" if word == PYTHON else word for word in info.argv)
