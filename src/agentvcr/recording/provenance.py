"""What a run was made of: sources, files that were read, versions of packages.

Owns the records of it, and how a file is named in them. A process tells paths; here they are
hashed, at once, before anybody has had the time to edit them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec

from agentvcr.inside.exchange import SURROUNDINGS
from agentvcr.model.run import ROOT
from agentvcr.model.text import storable
from agentvcr.recording.packages import Site, site_at
from agentvcr.redaction.digest import Digest

_MOST: Final = 2000
"""Files of each sort that are kept of a run."""
_HOME: Final = "~/"

Told = tuple[str, bytes]
"""A kind of record, and its data."""


class _Seen(msgspec.Struct):
    """What a process tells of itself: absolute paths."""

    paths: list[str] = []
    """Where it looks for modules."""
    written: list[str] = []
    files: list[str] = []
    sources: list[str] = []
    imports: list[tuple[str, str]] = []
    """Folders that packages were installed into, and what was imported from there."""


class Unkept:
    """Keeps nothing of what a process tells of itself, and all of the other parts."""

    def take(self, kind: str, data: bytes) -> Iterator[Told]:
        """Give what is to be written of a part that a process tells."""
        if kind != SURROUNDINGS:
            yield kind, data

    def printed(self, data: bytes) -> Iterator[Told]:  # noqa: ARG002  (as Provenance has it)
        """Give what is to be written with something that the program printed."""
        yield from ()

    def rest(self) -> Iterator[Told]:
        """Give what is to be written at the end."""
        yield from ()


class Provenance(Unkept):
    """Takes down what the processes of a run tell of themselves."""

    def __init__(
        self,
        root: Path,
        digest: Digest,
        clean: Callable[[str], str],
        recorded: Iterable[str] = (),
    ) -> None:
        """Name files by `root`; a replay looks at those that were `recorded` too."""
        home = os.path.expanduser("~")  # noqa: PTH111  (a Path would take ten times as long)
        self._bases = ((_within(root), ""), (_within(home), _HOME))
        self._unprinted = os.fsencode(_within(root)[:-1])
        self._digest = digest
        self._clean = clean
        self._recorded = recorded
        self._known: dict[str, dict[str, str]] = {"sources": {}, "files": {}}
        self._written: set[str] = set()
        self._sites: dict[str, Site] = {}
        self._imports: dict[tuple[str, str], None] = {}
        self._has_key = False

    def take(self, kind: str, data: bytes) -> Iterator[Told]:
        """Give what is to be written of a part; of surroundings, what is new in them."""
        if kind != SURROUNDINGS:
            yield kind, data
            return
        try:
            seen = _seen_in(data)
        except msgspec.MsgspecError:  # a process of another version: what it says is no exchange
            return
        if not self._has_key:
            self._has_key = True
            yield "key", self._digest.key_id.encode()
        self._written.update(seen.written)
        self._imports.update(dict.fromkeys(seen.imports))
        own = [path for path in seen.sources if not self._installed(path, seen.paths)]
        read = [path for path in seen.files if path not in self._written]
        for sort, paths in (("sources", own), ("files", read)):
            new = dict(self._hashed(sort, paths))
            if new:
                yield sort, _packed(new)

    def printed(self, data: bytes) -> Iterator[Told]:
        """Give the project's folder where its name is printed: it tells nobody anything new."""
        if self._unprinted and self._unprinted in data:
            yield ROOT, self._unprinted
            self._unprinted = b""

    def rest(self) -> Iterator[Told]:
        """Give what is looked up when the run is over, and is not to hold up anybody before."""
        by_folder: dict[str, list[str]] = {}
        for folder, part in self._imports:
            by_folder.setdefault(folder, []).append(part)
        versions: dict[str, str] = {}
        for folder, parts in by_folder.items():
            versions.update(self._site(folder).versions(parts))
        if versions:
            yield "packages", _packed(versions)
        known = self._known["sources"].keys() | self._known["files"].keys()
        missing = [name for name in self._recorded if name not in known][: 2 * _MOST]
        if missing:
            yield "unread", _packed({name: self._digest.of(self._place(name)) for name in missing})

    def _hashed(self, kind: str, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
        known = self._known[kind]
        for path in paths:
            name = self._name(path)
            if not any(name in table for table in self._known.values()) and len(known) < _MOST:
                known[name] = self._digest.of(path)
                if known[name]:
                    yield name, known[name]

    def _installed(self, path: str, folders: Iterable[str]) -> bool:
        """Whether a module was installed into one of the folders, though by no known name."""
        for folder in folders:
            inside = _within(folder)
            if path.startswith(inside) and self._site(folder).is_one:
                self._imports.setdefault((folder, path[len(inside) :].partition("/")[0]))
                return True
        return not path.endswith((".py", ".pyw"))

    def _site(self, folder: str) -> Site:
        if folder not in self._sites:
            self._sites[folder] = site_at(folder)
        return self._sites[folder]

    def _name(self, path: str) -> str:
        """Name a file as on any machine: by the project, or by the user's home."""
        for base, shown in self._bases:
            if path.startswith(base):
                path = shown + path[len(base) :]
                break
        return self._clean(storable(path).replace(os.sep, "/"))

    def _place(self, name: str) -> str:
        (root, _), (home, _) = self._bases
        return home + name[len(_HOME) :] if name.startswith(_HOME) else str(Path(root) / name)


@lru_cache(maxsize=4)
def _seen_in(data: bytes) -> _Seen:
    """Read what a process tells; a suite's tests tell the same of its modules, one by one."""
    return msgspec.json.decode(data, type=_Seen)


def _within(folder: str | Path) -> str:
    """Give how a path of something in a folder begins."""
    return str(folder).rstrip(os.sep) + os.sep


def _packed(table: dict[str, str]) -> bytes:
    return msgspec.json.encode(dict(sorted(table.items())))
