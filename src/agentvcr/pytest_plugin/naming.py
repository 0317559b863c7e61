"""Name a test's cassette and its snapshots: beside its file, by the test's own name.

Owns the paths. `tests/test_crew.py::TestCrew::test_plan[small]` has
`tests/cassettes/test_crew/TestCrew.test_plan[small].avcr`, as pytest-recording would name it.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from pathlib import Path
from typing import Final

import pytest

from agentvcr.cassette.reader import EXTENSION
from agentvcr.pytest_plugin.options import Plan
from agentvcr.session.checks import ENDING

_UNSAFE: Final = re.compile(r"[^\w.\[\] ,=+-]")
_LONGEST: Final = 120
"""Characters of a name, so that there is room for endings such as `.last.avcr`."""


def folder_of(item: pytest.Item) -> Path:
    """Give the folder that holds the cassettes of a test's file."""
    return _folder_beside(item.path, str(item.config.getini("agentvcr_cassette_dir")))


@lru_cache(maxsize=64)
def _folder_beside(file: Path, name: str) -> Path:
    """Make it once for the many tests of one file."""
    return file.parent / name / file.stem


def cassette_of(item: pytest.Item, plan: Plan) -> Path:
    """Give the path of a test's cassette, whether it is there or not."""
    folder = folder_of(item)
    if plan.cassette is not None:
        name = plan.cassette.removesuffix(EXTENSION)
        return folder / f"{name}{EXTENSION}"
    if plan.scope == "module":
        return folder.with_name(folder.name + EXTENSION)
    owner = item.getparent(pytest.Class)
    names = [owner.name] if owner is not None else []
    if plan.scope != "class" or owner is None:
        names.append(item.name)
    return folder / f"{_safe('.'.join(names))}{EXTENSION}"


def snapshot_of(item: pytest.Item, plan: Plan, name: str) -> Path:
    """Give the path of a test's snapshot, beside its cassette.

    Where tests share a cassette, each has a snapshot of its own.
    """
    cassette = cassette_of(item, plan)
    is_shared = plan.cassette is not None or plan.scope != "function"
    parts = [cassette.name.removesuffix(EXTENSION), *([item.name] if is_shared else []), name]
    return cassette.with_name(_safe(".".join(filter(None, parts))) + ENDING)


def _safe(name: str) -> str:
    """Make a file's name of a test's: parameters may hold anything."""
    safe = _UNSAFE.sub("-", name)
    if safe == name and len(name) <= _LONGEST:
        return name
    digest = hashlib.sha256(name.encode("utf-8", "backslashreplace")).hexdigest()[:8]
    return f"{safe[: _LONGEST - 9]}-{digest}"
