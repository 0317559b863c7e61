"""Say where vcrpy lies, for recorded programs that have none of their own.

Owns that one value of the environment; `inside.borrowing` reads it.
"""

from __future__ import annotations

from importlib.machinery import PathFinder
from pathlib import Path


def lent() -> str:
    """Give the folder that holds vcrpy and what it needs, or nothing."""
    found = PathFinder.find_spec("vcr")  # found, and not imported
    if found is None or found.origin is None:
        return ""
    return str(Path(found.origin).parent.parent)
