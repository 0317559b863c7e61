"""Tell what the program is made of: its sources, the files that it reads, what it imports.

Owns which files are looked at. Opens and hashes none of them, which the program would have to wait
for: the engine does, as soon as it is told, and that is before the next exchange.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any, Callable

    World = Callable[[str, str, bytes], None]
    """Takes a kind, a lane and data: `world` of a handler."""

_MOST = 2000
"""Files of each sort that are told of one process."""
_BATCH = 500
"""Files told at once; a frame holds more."""
_WRITES = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PASSED = (
    *(".pyc", ".pyo", ".so", ".pyd", ".dylib", ".dll", ".avcr", ".log", ".lock", ".pid", ".tmp"),
    *(".sqlite", ".sqlite3", ".db", ".sock", ".steps.txt"),
)
"""Endings of what a run makes, or of what a compiler made: no input of the program."""
_INSTALLED = ("site-packages", "dist-packages")
_CACHES = ("__pycache__", "node_modules", "dist-packages")


class Surroundings:
    """What this process has read and imported, told in parts."""

    def __init__(self, world: World, project: str, ours: str) -> None:
        """Tell by `world`.

        Args:
            world: Takes a part.
            project: The folder whose files are the program's.
            ours: The folder of AgentVCR itself, which is no part of the program.
        """
        self._world = world
        self._ours = os.path.join(ours, "")
        self._library = os.path.join(os.path.dirname(os.__file__), "")
        script = getattr(sys, "argv", None) or [""]
        folders = [project]
        if script[0].endswith(".py"):  # which may lie elsewhere, and its prompts beside it
            folders.append(os.path.dirname(os.path.abspath(script[0])))
        bases = [os.path.join(one, "") for one in folders if one]
        self._bases = tuple(one for one in bases if one != os.sep)  # not the whole machine
        self._seen: set[str] = set()
        self._written: list[str] = []
        self._read: list[str] = []
        self._left = {False: _MOST, True: _MOST}
        """How many files that are written (else read) will be told yet."""
        self._named: set[str] = set()
        self._named_first: set[str] = set()
        """Names of modules that were told; those of the first look are shared with later blocks."""
        self._modules = 0

    def opened(self, args: Any) -> None:  # noqa: ANN401  (of the audit event `open`)
        """See that a file is opened: what is read before the program wrote it is an input."""
        try:
            self._see(args)
        except Exception as error:
            if _is_of_the_program(error):
                raise

    def _see(self, args: Any) -> None:  # noqa: ANN401  (as above)
        path = args[0]
        if type(path) is bytes:
            path = os.fsdecode(path)
        if type(path) is not str or path in self._seen or path.endswith(_PASSED):
            return
        if not path.startswith(self._bases) or ".." in path:
            if path[:1] == os.sep and ".." not in path:
                return
            path = os.path.abspath(path)
        # Every import comes this far, where the environment lies in the project.
        if "site-packages" not in path and path not in self._seen and self._is_input(path):
            self._take(path, args)

    def _is_input(self, path: str) -> bool:
        """Whether a file is the program's, and none of an environment or a cache."""
        base = next((one for one in self._bases if path.startswith(one)), None)
        if base is None or path.startswith((self._ours, self._library)):
            return False
        folder = os.path.dirname(path[len(base) - 1 :])
        return os.sep + "." not in folder and not any(name in folder for name in _CACHES)

    def _take(self, path: str, args: Any) -> None:  # noqa: ANN401  (as above)
        is_writing = _is_writing(args)
        if self._left[is_writing] > 0:
            self._left[is_writing] -= 1
            self._seen.add(path)
            (self._written if is_writing else self._read).append(path)

    def tell(self) -> None:
        """Tell what is new; an error of ours must not become one of the program's."""
        if len(sys.modules) == self._modules and not self._read:
            return
        try:
            self._tell()
        except Exception as error:
            if _is_of_the_program(error):
                raise

    def _tell(self) -> None:
        from agentvcr.inside.exchange import SURROUNDINGS  # noqa: PLC0415  (whoever tells has it)

        read, self._read = self._read, []
        written, self._written = self._written, []
        sources, imports = self._imported()
        paths = [one for one in sys.path if type(one) is str and one]
        if read or written:
            parts = _parts(paths, written, read, sources, imports)
        elif _told and _told[0][0] is sources and _told[0][1] is imports and _told[0][2] == paths:
            parts = _told[0][3]
        else:
            parts = _parts(paths, written, read, sources, imports)
            _told[:] = [(sources, imports, paths, parts)]
        for part in parts:
            self._world(SURROUNDINGS, "", part)

    def _imported(self) -> tuple[list[str], list[tuple[str, str]]]:
        """Give the files of modules that are the program's own, and what was imported besides.

        That is a folder and what was found in it: a package, or of a namespace its part.
        """
        count, last = len(sys.modules), next(reversed(sys.modules.values()))
        self._modules = count
        is_first = not (self._named or self._named_first)
        if is_first and _looked_at and _looked_at[0][:2] == (count, last):
            self._named_first = _looked_at[0][2]
            return _looked_at[0][3], _looked_at[0][4]
        sources: list[str] = []
        installed: dict[tuple[str, str], None] = {}
        for name, module in sys.modules.copy().items():
            if name in self._named_first or name in self._named:
                continue
            self._named.add(name)
            path = _file_of(module)
            place = _installed_in(path)
            if place is not None:
                installed.setdefault(place)
            elif os.path.isabs(path) and not path.startswith((self._ours, self._library)):
                sources.append(path)
        if is_first:
            self._named_first, self._named = self._named, set()
            _looked_at[:] = [(count, last, self._named_first, sources, list(installed))]
        return sources, list(installed)


_looked_at: list[tuple[int, object, set[str], list[str], list[tuple[str, str]]]] = []
"""Of how many modules, which last one, and which names a first look gave what."""


_told: list[tuple[list[str], list[tuple[str, str]], list[str], list[bytes]]] = []
"""What was told last of which sources, imports and paths alone: a suite tells it block by block."""


def _parts(
    paths: list[str],
    written: list[str],
    read: list[str],
    sources: list[str],
    imports: list[tuple[str, str]],
) -> list[bytes]:
    """Give what is told, in parts that fit into a frame each."""
    import json  # noqa: PLC0415  (whoever tells anything has it loaded)

    parts = []
    while read or sources or imports:
        told = {
            "paths": paths,
            "written": written,
            "files": read[:_BATCH],
            "sources": sources[:_BATCH],
            "imports": imports[:_BATCH],
        }
        written = []
        read, sources, imports = read[_BATCH:], sources[_BATCH:], imports[_BATCH:]
        parts.append(json.dumps(told).encode())  # ASCII: halves of characters too
    return parts


def _is_of_the_program(error: Exception) -> bool:
    """Whether an error is one that a signal handler raised; any other is ours, and drops a name."""
    from agentvcr.inside.exchange import by_a_handler  # noqa: PLC0415  (hardly ever)

    return by_a_handler(error)


def _is_writing(args: Any) -> bool:  # noqa: ANN401  (as above)
    _, mode, flags = args
    return bool(flags & _WRITES or (mode and mode[0] in "wxa"))


def _file_of(module: object) -> str:
    """Give a module's file, without waking one that loads itself at the first look."""
    try:
        found = object.__getattribute__(module, "__dict__").get("__file__")
    except (AttributeError, TypeError):  # anything may stand among the modules
        return ""
    return found if type(found) is str else ""


def _installed_in(path: str) -> tuple[str, str] | None:
    """Say of an installed module which folder it was found in, and as part of what."""
    for name in _INSTALLED:
        folder, found, rest = path.rpartition(os.path.join(os.sep + name, ""))
        if found:
            first, inner, rest = rest.partition(os.sep)
            top = sys.modules.get(first)
            if inner and top is not None and not _file_of(top):  # a namespace of many packages
                first = "%s/%s" % (first, rest.partition(os.sep)[0])
            return folder + os.sep + name, first
    return None
