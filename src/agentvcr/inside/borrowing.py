"""Import vcrpy without the program noticing: quietly, and from the engine where there is none.

Owns how it is found and what is loaded with it. vcrpy imports every client that is installed, to
remember what it was before a cassette; most of them are none of its business here, and the program
may never use them.
"""

from __future__ import annotations

import os
import sys
from _thread import get_ident

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any

_OWN_CLIENTS = frozenset(
    (
        "aiohttp",
        "botocore",
        "brotli",
        "httplib2",
        "httpx",
        "httpx2",
        "httpx_curl_cffi",
        "pyreqwest",
        "requests",
        "urllib3",
    )
)
_OLDEST = (3, 11)
"""The oldest Python that vcrpy runs in. What its dependencies have compiled fits one version
alone; for another they fall back to Python."""

_LENT = frozenset(("vcr", "wrapt", "yaml", "_yaml"))


class _WithoutClients:
    """Hides, from this thread alone, the clients that have interceptors of their own."""

    def __init__(self) -> None:
        self._thread = get_ident()

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:  # noqa: ANN401
        del path, target
        if name.partition(".")[0] in _OWN_CLIENTS and get_ident() == self._thread:
            raise ModuleNotFoundError("not for vcrpy: %s" % name, name=name)


class _Lender:
    """Finds vcrpy and its dependencies, and nothing else, in one folder."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self.lent = False

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:  # noqa: ANN401
        if path is not None or name not in _LENT:
            return None
        from importlib.machinery import PathFinder  # noqa: PLC0415  (only who borrows)

        found = PathFinder.find_spec(name, [self._folder], target)
        self.lent = self.lent or found is not None
        return found


class Borrowed:
    """While it lasts, `vcr` can be imported; afterwards nothing of it is there but what was."""

    def __init__(self) -> None:
        """Prepare."""
        self._before: set[str] = set()
        self._finders: list[Any] = []
        self._lender: _Lender | None = None

    def __enter__(self) -> None:
        """Let it be found."""
        self._before = set(sys.modules)
        if "vcr" not in self._before:
            import logging  # noqa: PLC0415  (vcrpy loads it)

            logging.getLogger("vcr").propagate = False  # the program's own log is not ours
        self._finders.append(_WithoutClients())
        sys.meta_path.insert(0, self._finders[0])
        folder = os.environ.get("AGENTVCR_LENT", "")
        if folder and sys.version_info >= _OLDEST:
            self._lender = _Lender(folder)
            self._finders.append(self._lender)
            sys.meta_path.append(self._lender)

    def __exit__(self, *_: object) -> None:
        """Take the finders out again, and what was borrowed: the program finds it missing."""
        for finder in self._finders:
            if finder in sys.meta_path:
                sys.meta_path.remove(finder)
        if self._lender is not None and self._lender.lent:
            for name in set(sys.modules) - self._before:
                if name.partition(".")[0] in _LENT and _lies_in(name, self._lender._folder):
                    del sys.modules[name]


def _lies_in(name: str, folder: str) -> bool:
    origin = getattr(getattr(sys.modules[name], "__spec__", None), "origin", None) or ""
    return origin.startswith(folder + os.sep)


def why_not() -> str:
    """Say why vcrpy could not be imported."""
    here = "vcrpy is not installed in this Python %d.%d" % sys.version_info[:2]
    if sys.version_info < _OLDEST:
        return here + ", and AgentVCR's needs %d.%d" % _OLDEST
    return here
