"""Say where vcrpy lies, for recorded programs that have none of their own.

Owns that one value of the environment; `inside.borrowing` reads it.
"""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from pathlib import Path


def lent() -> str:
    """Give the version of this Python and the folder that holds vcrpy and what it needs.

    Its dependencies are partly compiled, so only a Python of the same version can use them.
    """
    version = "{}.{}".format(*sys.version_info)
    found = PathFinder.find_spec("vcr")  # found, and not imported
    if found is None or found.origin is None:
        return ""
    return f"{version}:{Path(found.origin).parent.parent}"
