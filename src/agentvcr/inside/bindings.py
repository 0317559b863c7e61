"""Find where modules have bound certain objects by names of their own: `from time import time`.

Owns the search through all modules, and what is remembered of it: a process that records or
replays block after block, as tests do, need not look through every library each time. Changes
nothing.

A library's module that has as many names as before is taken to have the same ones. Modules of the
program itself are looked through each time: tests change them.
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

_seen: dict[frozenset[int], dict[str, tuple[Any, Names, int, list[str]]]] = {}
"""For what was looked for, by a library module's name: it, its names, how many they were, and which
of them had it."""


def bound(
    wanted: Iterable[Any], left: Container[str], since: Iterable[Any] = ()
) -> Iterator[tuple[Names, str]]:
    """Give the names of modules that one of these objects is bound to, each with its namespace.

    Args:
        wanted: Objects that stay alive, so that nothing else has their ids.
        left: Packages that are left out.
        since: What was looked for before: modules that are as they were then are left out too.
    """
    ids = frozenset(map(id, wanted))
    earlier = frozenset(map(id, since))
    known = _seen.setdefault(earlier or ids, {})
    for module_name, module in list(sys.modules.items()):
        before = known.get(module_name)
        if before is not None and before[0] is module and len(before[1]) == before[2]:
            if earlier or not before[3]:
                continue
            names, found = before[1], before[3]
        else:
            if module_name.partition(".")[0] in left:
                known[module_name] = (module, {}, 0, [])
                continue
            try:  # not `vars`: a lazy module would load itself
                names = object.__getattribute__(module, "__dict__")
            except AttributeError:  # no module, but something that a program put there
                continue
            found = [name for name, value in list(names.items()) if id(value) in ids]
            if not earlier and _is_of_a_library(names):
                known[module_name] = (module, names, len(names), found)
        for name in found:
            if id(names.get(name)) in ids:
                yield names, name


def _is_of_a_library(names: Names) -> bool:
    path = names.get("__file__")
    if type(path) is not str:
        return True  # of the interpreter, or made by code: it is a library that does so
    return path.startswith(_LIBRARY) or any(part in path for part in _INSTALLED)
