"""Which version of which package something was imported from.

Owns reading the folders that installers leave beside packages. The recorded interpreter may be
another one than ours, so its folders are read and not ours asked.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
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
        self._lists: dict[str, bytes] = {}

    @property
    def is_one(self) -> bool:
        """Whether an installer was here: a folder of somebody's sources is none."""
        return any(info.endswith(".dist-info") for _, _, info in self._found.values())

    def versions(self, parts: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Give package and version of what was imported: `openai`, `six.py`, `google/genai`."""
        for part in parts:
            plain = part.partition(".")[0].replace("/", "-")
            found = self._found.get(_normal(plain))
            owners = (
                [found] if found else [one for one in self._found.values() if self._has(one, part)]
            )
            for name, version, _ in owners:
                yield name.replace("_", "-"), version

    def _has(self, package: tuple[str, str, str], part: str) -> bool:
        info = package[2]
        if info not in self._lists:
            self._lists[info] = b"\n".join(_listed(self.folder / info))
        wanted = part.encode("utf-8", "surrogateescape")
        return (
            re.search(rb"^%s(/|,|$)" % re.escape(wanted), self._lists[info], re.MULTILINE)
            is not None
        )


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
