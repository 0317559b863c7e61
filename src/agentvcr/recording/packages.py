"""Which version of which package something was imported from.

Owns reading the folders that installers leave beside packages. The recorded interpreter may be
another one than ours, so its folders are read and not ours asked.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

_INFO: Final = re.compile(r"(?P<name>.+?)-(?P<version>[^-]+)(-py[\d.]+)?\.(?P<kind>dist|egg)-info")
_LISTS: Final = ("RECORD", "top_level.txt", "installed-files.txt")
_MOST: Final = 20_000
"""Entries of a folder that are looked at."""


class Site:
    """A folder that packages were installed into."""

    def __init__(self, folder: str) -> None:
        """List it once."""
        self.folder = Path(folder)
        self._found = dict(_infos(folder))
        self._owners: dict[str, tuple[tuple[str, str], ...]] = {}

    @property
    def is_one(self) -> bool:
        """Whether an installer was here: a folder of somebody's sources is none."""
        return any(info.endswith(".dist-info") for _, _, info in self._found.values())

    def versions(self, parts: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Give package and version of what was imported: `openai`, `six.py`, `google/genai`."""
        parts = tuple(parts)
        new = [part for part in parts if part not in self._owners]
        if new:
            lists = dict(self._lists()) if any(self._by_name(part) is None for part in new) else {}
            for part in new:
                self._owners[part] = tuple(self._owning(part, lists))
        for part in parts:
            yield from self._owners[part]

    def _by_name(self, part: str) -> tuple[str, str, str] | None:
        return self._found.get(_normal(part.partition(".")[0].replace("/", "-")))

    def _owning(self, part: str, lists: dict[str, bytes]) -> Iterator[tuple[str, str]]:
        found = self._by_name(part)
        raw = part.encode("utf-8", "surrogateescape")
        wanted = [b"\n%s%s" % (raw, end) for end in (b"/", b",", b"\n")]
        for one in [found] if found else self._found.values():
            name, version, info = one
            if found or any(words in lists[info] for words in wanted):
                yield name.replace("_", "-"), version

    def _lists(self) -> Iterator[tuple[str, bytes]]:
        """Read what the packages hold, which is too much to keep."""
        for _, _, info in self._found.values():
            yield info, b"\n".join((b"", *_listed(self.folder / info), b""))


@lru_cache(maxsize=64)
def _site(folder: str, _changed_ns: int) -> Site:
    return Site(folder)


def site_at(folder: str) -> Site:
    """Give a folder's packages, listed again only if something was installed since."""
    try:
        changed_ns = os.stat(folder).st_mtime_ns  # noqa: PTH116  (a Path costs as much as the call)
    except (OSError, ValueError):
        changed_ns = 0
    return _site(folder, changed_ns)


def _infos(folder: str) -> Iterator[tuple[str, tuple[str, str, str]]]:
    try:
        with os.scandir(folder) as entries:
            for _, entry in zip(range(_MOST), entries, strict=False):
                match = _INFO.fullmatch(entry.name)
                if match:
                    yield _normal(match["name"]), (match["name"], match["version"], entry.name)
    except OSError:
        return


def _listed(info: Path) -> Iterator[bytes]:
    for name in _LISTS:
        try:
            yield (info / name).read_bytes()
        except OSError:
            continue


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
