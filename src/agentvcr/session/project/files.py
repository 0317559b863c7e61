"""The text files of a project that get lines of ours, and those that are wholly ours.

Owns which lines are missing, and that the rest stays byte for byte. Does not know git, and does
nothing before it is told to: a `Todo` says what is to be done.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Final

from agentvcr.cassette.reader import EXTENSION, FORK, LAST
from agentvcr.cassette.seal import BESIDE
from agentvcr.errors import TargetUnwritableError
from agentvcr.model.project import ProjectItem
from agentvcr.session.episodes import PART
from agentvcr.session.in_place import BEING_WRITTEN, check_target, in_place_of
from agentvcr.session.verification import ORIGINAL

ATTRIBUTES: Final = (f"*{EXTENSION} binary diff=avcr merge=avcr",)
"""`binary` keeps git from touching line ends; what follows it gives diff and merge back."""
IGNORED: Final = (
    "# AgentVCR: the last replay and fork of a cassette, and what a crash may leave",
    f"*{LAST}",
    f"*{FORK}",
    f"*{PART}",
    f"*{EXTENSION}{BESIDE}",
    f"*{EXTENSION}{ORIGINAL}",
    f".*{EXTENSION}.*{BEING_WRITTEN}",
)
_CURE: Final = "look at what is there and at who may write to it, then run agentvcr init again"


@dataclass(frozen=True)
class Todo:
    """A thing that a project needs, and how it gets it."""

    item: ProjectItem
    do: Callable[[], object] = lambda: None


def lines_in(path: Path, name: str, wanted: Sequence[str]) -> Todo:
    """Have a file hold some lines.

    Raises:
        TargetUnwritableError: It cannot be read.
    """
    data = read(path)
    after = with_lines(data, wanted)
    if after == data:
        return kept(name)
    return Todo(_writing(name, path), partial(put, path, after))


def whole(path: Path, name: str, text: str) -> Todo:
    """Have a new file."""
    return Todo(_writing(name, path), partial(put, path, text.encode()))


def kept(name: str) -> Todo:
    """Leave what a project has."""
    return Todo(ProjectItem(action="keep", name=name, note="it is there already"))


def _writing(name: str, path: Path) -> ProjectItem:
    return ProjectItem(action="add to" if path.exists() else "write", name=name)


def read(path: Path) -> bytes:
    """Give what a file holds; nothing where there is none.

    Raises:
        TargetUnwritableError: What is there is no file, or cannot be read.
    """
    try:
        check_target(path, force=True)
        return path.read_bytes() if path.exists() else b""
    except (TargetUnwritableError, OSError) as error:
        raise _unwritable(path, error) from None


def with_lines(data: bytes, wanted: Sequence[str]) -> bytes:
    """Add the lines that a file lacks at its end; comments only with lines that they are about."""
    there = {b" ".join(line.split()) for line in data.splitlines()}
    missing = [line for line in wanted if line.encode() not in there]
    if all(line.startswith("#") for line in missing):
        return data
    return appended(data, "".join(f"{line}\n" for line in missing))


def appended(data: bytes, text: str) -> bytes:
    """Add text on lines of its own, which end as the file's own lines do."""
    end = b"\r\n" if b"\r\n" in data else b"\n"
    gap = end if data and not data.endswith(b"\n") else b""
    return data + gap + text.encode().replace(b"\n", end)


def template(name: str) -> str:
    """Give the text of a file that lies beside this one."""
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def put(path: Path, data: bytes, *, is_program: bool = False) -> None:
    """Write a file whole or not at all; one that was there keeps its mode.

    Raises:
        TargetUnwritableError: It cannot be written. What was there is as it was.
    """
    try:
        with in_place_of(path, is_held=True) as beside:
            beside.write_bytes(data)
            if path.exists():
                shutil.copymode(path, beside)
            elif is_program:
                beside.chmod(0o755)
    except TargetUnwritableError as error:
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: Exception) -> TargetUnwritableError:
    what = error.strerror if isinstance(error, OSError) else error
    told = str(what) if isinstance(error, TargetUnwritableError) else f"cannot read {path}: {what}"
    return TargetUnwritableError(told, where=str(path.parent), cure=_CURE)
