"""Find where modules have bound certain objects by names of their own: `from time import time`.

Owns the search through all modules, and what is remembered of it: a process that records or
replays block after block, as tests do, need not look through every library each time. Changes
nothing.

While there are as many modules as before, the same one last, libraries with as many names in all,
and nothing but None where there was None (it may have been a place for what is imported at the
first use), libraries are taken to be the same. Modules of the program itself are looked through
each time: tests change them.
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


class Modules:
    """All modules that there are, by their names: those of libraries, and the program's own."""

    def __init__(self) -> None:
        """Look at each of them."""
        self._count, self._last = len(sys.modules), _last_module()
        self._libraries: list[tuple[str, Names]] = []
        self._others: list[tuple[str, Names]] = []
        self._found: dict[frozenset[int], list[tuple[Names, str]]] = {}
        """Which names of libraries are bound to objects that were looked for, by their ids."""
        for module_name, module in list(sys.modules.items()):
            try:  # not `vars`: a lazy module would load itself
                names = object.__getattribute__(module, "__dict__")
            except AttributeError:  # no module, but something that a program put there
                continue
            is_library = names and _is_of_a_library(names)
            place = self._libraries if is_library else self._others
            place.append((module_name.partition(".")[0], names))
        self._spaces = [names for _, names in self._libraries]
        self._size = self._sum()
        self._open = [
            (names, name)
            for names in self._spaces
            for name, value in list(names.items())
            if value is None and not name.startswith("__")
        ]

    def _sum(self) -> int:
        return sum(map(len, self._spaces))

    def have_grown(self) -> bool:
        """Whether there is a module more, or a library has a name more, or one for None."""
        if len(sys.modules) != self._count or _last_module() is not self._last:
            return True
        if self._sum() != self._size:
            return True
        return any(names.get(name) is not None for names, name in self._open)

    def of_libraries(
        self, wanted: frozenset[int], kinds: frozenset[type], left: Container[str]
    ) -> list[tuple[Names, str]]:
        """Give the names of libraries, but for those `left` out, that were bound to `wanted`."""
        found = self._found.get(wanted)
        if found is None:
            found = self._found[wanted] = list(_in(self._libraries, wanted, kinds, left))
        return [(names, name) for names, name in found if id(names.get(name)) in wanted]

    def of_others(
        self, wanted: frozenset[int], kinds: frozenset[type], left: Container[str]
    ) -> Iterator[tuple[Names, str]]:
        """Give the names of the program's own modules that are bound to `wanted`."""
        return _in(self._others, wanted, kinds, left)


_last: list[Modules] = []
"""As they were at the last look."""


def look() -> Modules:
    """Look at the modules, as far as they have changed since the last time."""
    if not _last or _last[0].have_grown():
        _last[:] = [Modules()]
    return _last[0]


def bound(
    wanted: Iterable[Any],
    left: Container[str],
    *,
    modules: Modules | None = None,
    is_new: bool = False,
) -> Iterator[tuple[Names, str]]:
    """Give the names of modules that one of these objects is bound to, each with its namespace.

    Args:
        wanted: Objects that stay alive, so that nothing else has their ids.
        left: Packages that are left out, always the same for one set of objects.
        modules: What a look has given that was taken just now.
        is_new: The objects were made after the last look: libraries are looked through only if
            there is something new in them.
    """
    objects = list(wanted)
    ids, kinds = frozenset(map(id, objects)), frozenset(map(type, objects))
    if is_new and _last and not _last[0].have_grown():
        yield from _last[0].of_others(ids, kinds, left)
        return
    modules = modules or look()
    yield from modules.of_libraries(ids, kinds, left)
    yield from modules.of_others(ids, kinds, left)


def _in(
    spaces: Iterable[tuple[str, Names]],
    ids: frozenset[int],
    kinds: frozenset[type],
    left: Container[str],
) -> Iterator[tuple[Names, str]]:
    for package, names in spaces:
        if package not in left:
            for name, value in list(names.items()):
                if type(value) in kinds and id(value) in ids:  # each `id` is an audit event
                    yield names, name


def _last_module() -> Any:  # noqa: ANN401  (anything may stand there)
    """Give the module that came last: one that is imported anew comes last, too."""
    return next(reversed(sys.modules.values()))


def _is_of_a_library(names: Names) -> bool:
    path = names.get("__file__")
    if type(path) is not str:
        return True  # of the interpreter, or made by code: it is a library that does so
    return path.startswith(_LIBRARY) or any(part in path for part in _INSTALLED)
