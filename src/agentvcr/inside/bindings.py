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

_OURS = __name__.partition(".")[0]
"""Our own package, which is never looked through."""
_LIBRARY = os.path.dirname(os.__file__) + os.sep
_INSTALLED = (os.sep + "site-packages" + os.sep, os.sep + "dist-packages" + os.sep)


class Wanted:
    """What is looked for; made once for block after block, since each `id` is an audit event."""

    __slots__ = ("ids", "kinds", "left", "objects")

    def __init__(self, objects: Iterable[Any], left: Container[str]) -> None:
        """Look for these objects, in every package but those that are `left` out."""
        self.objects = list(objects)  # which stay alive, so that nothing else has their ids
        self.ids = frozenset(map(id, self.objects))
        self.kinds = frozenset(map(type, self.objects))
        self.left = left


class Modules:
    """All modules that there are, by their names: those of libraries, and the program's own."""

    def __init__(self) -> None:
        """Look at each of them."""
        self._count, self._last = len(sys.modules), _last_module()
        self._libraries: list[tuple[str, Names]] = []
        self._others: list[tuple[str, Names]] = []
        self._found: dict[frozenset[int], list[tuple[Names, str, Any]]] = {}
        """Which names of libraries are bound to which of the objects looked for, by their ids."""
        for module_name, module in sys.modules.copy().items():
            package = module_name.partition(".")[0]
            if package == _OURS:
                continue
            try:  # not `vars`: a lazy module would load itself
                names = object.__getattribute__(module, "__dict__")
            except AttributeError:  # no module, but something that a program put there
                continue
            is_library = names and _is_of_a_library(names)
            place = self._libraries if is_library else self._others
            place.append((package, names))
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

    def are_all(self) -> bool:
        """Whether there are no others by now."""
        return len(sys.modules) == self._count and _last_module() is self._last

    def have_grown(self) -> bool:
        """Whether there is a module more, or a library has a name more, or one for None."""
        if not self.are_all() or self._sum() != self._size:
            return True
        return bool([1 for names, name in self._open if names.get(name) is not None])

    def of_libraries(self, wanted: Wanted) -> list[tuple[Names, str]]:
        """Give the names of libraries that were bound to what is wanted."""
        found = self._found.get(wanted.ids)
        if found is None:
            found = [(names, name, names[name]) for names, name in _in(self._libraries, wanted)]
            self._found[wanted.ids] = found
        return [(names, name) for names, name, value in found if names.get(name) is value]

    def of_others(self, wanted: Wanted) -> Iterator[tuple[Names, str]]:
        """Give the names of the program's own modules that are bound to what is wanted."""
        return _in(self._others, wanted)


_last: list[Modules] = []
"""As they were at the last look."""


def look() -> Modules:
    """Look at the modules, as far as they have changed since the last time."""
    if not _last or _last[0].have_grown():
        _last[:] = [Modules()]
    return _last[0]


def bound(
    wanted: Wanted, *, modules: Modules | None = None, is_new: bool = False
) -> Iterator[tuple[Names, str]]:
    """Give the names of modules that one of these objects is bound to, each with its namespace.

    Args:
        wanted: The objects.
        modules: What a look has given that was taken just now.
        is_new: The objects were made after the last look: libraries are looked through only if
            there is a module that was not there then.
    """
    if is_new and _last and _last[0].are_all():
        yield from _last[0].of_others(wanted)
        return
    modules = modules or look()
    yield from modules.of_libraries(wanted)
    yield from modules.of_others(wanted)


def _in(spaces: Iterable[tuple[str, Names]], wanted: Wanted) -> Iterator[tuple[Names, str]]:
    ids, kinds = wanted.ids, wanted.kinds
    for package, names in spaces:
        if package not in wanted.left:
            # A copy, since many tuples in a list would have the collector run.
            for name, value in names.copy().items():
                if type(value) in kinds and id(value) in ids:
                    yield names, name


def _last_module() -> Any:  # noqa: ANN401  (anything may stand there)
    """Give the module that came last: one that is imported anew comes last, too."""
    return next(reversed(sys.modules.values()))


def _is_of_a_library(names: Names) -> bool:
    path = names.get("__file__")
    if type(path) is not str:
        return True  # of the interpreter, or made by code: it is a library that does so
    return path.startswith(_LIBRARY) or any(part in path for part in _INSTALLED)
