"""Find where modules have bound certain objects by names of their own: `from time import time`.

Owns the search through all modules, and what is remembered of it: a process that records or
replays block after block, as tests do, need not look through every library each time. Changes
nothing.

A library's module with as many names as before, the same one last, and nothing but None where there
was None (it may have been a place for what is imported at the first use) is taken to be the same.
Modules of the program itself are looked through each time: tests change them.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any, Container, Iterable, Iterator

    Names = dict[str, Any]

_LIBRARY = os.path.dirname(os.__file__) + os.sep
_INSTALLED = (os.sep + "site-packages" + os.sep, os.sep + "dist-packages" + os.sep)


class _Look:
    """What a look through all modules has found."""

    def __init__(self, ids: frozenset[int], left: Container[str]) -> None:
        self._count, self._last = len(sys.modules), _last_module()
        self._libraries: list[Names] = []
        self.others: list[Names] = []
        """The names of modules of the program itself."""
        self.found: list[tuple[Names, str]] = []
        """What the names of libraries are bound to."""
        for module_name, module in list(sys.modules.items()):
            if module_name.partition(".")[0] in left:
                continue
            try:  # not `vars`: a lazy module would load itself
                names = object.__getattribute__(module, "__dict__")
            except AttributeError:  # no module, but something that a program put there
                continue
            if names and _is_of_a_library(names):
                self._libraries.append(names)
                self.found += _in(names, ids)
            else:
                self.others.append(names)
        self._lengths, self._ends = self._outlines()
        self._open = [
            (names, name)
            for names in self._libraries
            for name, value in list(names.items())
            if value is None and not name.startswith("__")
        ]

    def _outlines(self) -> tuple[list[int], list[str]]:
        """Say how many names each library has, and the last of each."""
        return list(map(len, self._libraries)), list(map(next, map(reversed, self._libraries)))

    def is_true(self) -> bool:
        """Whether all is taken to be as it was."""
        if len(sys.modules) != self._count or _last_module() is not self._last:
            return False
        if self._outlines() != (self._lengths, self._ends):
            return False
        return all(names.get(name) is None for names, name in self._open)


_looks: dict[frozenset[int], _Look] = {}
"""The last look for some objects, by their ids."""


def bound(
    wanted: Iterable[Any], left: Container[str], since: Iterable[Any] = ()
) -> Iterator[tuple[Names, str]]:
    """Give the names of modules that one of these objects is bound to, each with its namespace.

    Args:
        wanted: Objects that stay alive, so that nothing else has their ids.
        left: Packages that are left out.
        since: What was looked for before: libraries that are as they were then are left out too.
    """
    ids = frozenset(map(id, wanted))
    earlier = frozenset(map(id, since))
    look = _looks.get(earlier or ids)
    if look is None or not look.is_true():
        look = _Look(ids, left)
        if not earlier:
            _looks[ids] = look
        found = look.found
    else:
        found = [] if earlier else look.found
    for names, name in found:
        if id(names.get(name)) in ids:
            yield names, name
    for names in look.others:
        yield from _in(names, ids)


def _in(names: Names, ids: frozenset[int]) -> list[tuple[Names, str]]:
    return [(names, name) for name, value in list(names.items()) if id(value) in ids]


def _last_module() -> Any:  # noqa: ANN401  (anything may stand there)
    """Give the module that came last: one that is imported anew comes last, too."""
    return next(reversed(sys.modules.values()))


def _is_of_a_library(names: Names) -> bool:
    path = names.get("__file__")
    if type(path) is not str:
        return True  # of the interpreter, or made by code: it is a library that does so
    return path.startswith(_LIBRARY) or any(part in path for part in _INSTALLED)
