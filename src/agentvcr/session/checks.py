"""What a test's assertions are made on: a run read from a cassette, and a snapshot that was kept.

Owns reading and writing these for whoever writes tests. What is asserted is `assertions`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from agentvcr.assertions import CheckedRun, checked
from agentvcr.assertions.snapshot import expect_same, missing
from agentvcr.assertions.tree import Tree
from agentvcr.cassette.reader import load_run
from agentvcr.model.run import Run
from agentvcr.session.here import StrPath
from agentvcr.session.in_place import in_place_of

ENDING: Final = ".steps.txt"
"""Of a snapshot's file."""


def load(path: StrPath) -> CheckedRun:
    """Read a run from a cassette, to make assertions on it.

    Raises:
        CassetteMissingError, CassetteEmptyError, CassetteForeignError, CassetteVersionError,
        CassetteDamagedError: As their names say.
    """
    return checked(load_run(Path(path)))


def assert_snapshot(
    run: Run,
    path: StrPath,
    *,
    update: bool = False,
    wording: bool = False,
    how: str = "assert_snapshot(…, update=True)",
) -> None:
    """Fail where the tree of a run's steps is not the one that was kept in a file.

    Args:
        run: The run.
        path: The file; by habit it ends in `.steps.txt`.
        update: Write the file, whole or not at all, and pass.
        wording: With the first words of what models and tools gave.
        how: What a failure says of how to update.

    Raises:
        ExpectationFailed: It is another, or no file is there.
        TargetUnwritableError: It is to be written, and cannot.
    """
    __tracebackhide__ = True
    place = Path(path)
    made = checked(run)
    if update:
        _keep(place, made.snapshot(wording=wording))
        return
    part, name = Tree(made).part(), _shown(place)
    try:
        kept = place.read_text(encoding="utf-8", errors="backslashreplace")
    except FileNotFoundError:
        raise missing(part, name=name, how=how) from None
    expect_same(part, kept, name=name, wording=wording, how=how)


def _shown(place: Path) -> str:
    folder = Path.cwd()
    return str(place.relative_to(folder) if place.is_relative_to(folder) else place)


def _keep(place: Path, text: str) -> None:
    if place.is_file() and place.read_bytes() == text.encode():
        return
    with in_place_of(place, is_held=True) as beside:
        beside.write_bytes(text.encode())
