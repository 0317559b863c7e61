"""Put chance in place in a process, or for a block of one.

Owns when which module is met, and the names that others bound before. What is replaced goes through
`lanes.replace`, and is put back with the lanes' own hooks.
"""

from __future__ import annotations

import os
import sys

from agentvcr.inside import lanes
from agentvcr.inside.bindings import Wanted, bound
from agentvcr.inside.chance.stream import Stream
from agentvcr.inside.hooking import Replaced
from agentvcr.inside.imports import when_imported
from agentvcr.inside.off import is_off

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Iterable

    from agentvcr.inside.bindings import Modules
    from agentvcr.inside.chance.shared import Shared
    from agentvcr.inside.entry import Entry

_LIBRARIES = ("random", "uuid", "uuid_utils", "numpy.random")
_LEFT = ("posix", "nt")
"""Packages that real chance comes from."""
_HOOKED = (*_LIBRARIES, "tempfile")


class Chance:
    """What is in place."""

    def __init__(self, seed: bytes, modules: Modules | None = None) -> None:
        """Put it there.

        Args:
            seed: The process's.
            modules: Those at the beginning of a block: the process has run before, and goes on
                when this is taken away.
        """
        is_block = modules is not None
        self._stream = Stream(seed)
        self._is_block = is_block
        self._shared: list[Shared] = []
        before = _bound_names()
        since = len(lanes.replaced())
        self._stream.replace_urandom()
        self._meet(_HOOKED)
        self._stand_ins = _StandIns(_changed(before))
        if is_block:
            self._hooked = list(map(sys.modules.get, _HOOKED))
            self._replaced = Replaced(since)
        if is_block or "random" in sys.modules:
            self._stand_ins.bind(modules)

    def begin_block_again(self, seed: bytes, modules: Modules) -> bool:
        """Put the same in place for another block; False where a module is not as it was then."""
        if list(map(sys.modules.get, _HOOKED)) != self._hooked:
            return False
        if not self._replaced.again():
            return False
        self._stream.begin_again(seed)
        for one in self._shared:
            one.begin_block()
        self._meet([name for name in _HOOKED if name not in sys.modules])
        self._stand_ins.bind(modules)
        return True

    def end_block(self) -> None:
        """Give the program its generators back as they were; the rest is the lanes' to undo."""
        for one in self._shared:
            one.end_block()

    def _meet(self, names: Iterable[str]) -> None:
        for name in names:
            when_imported(name, self._on_module)

    def _on_module(self, module: ModuleType) -> None:
        from agentvcr.inside.chance import libraries  # noqa: PLC0415  (only who uses chance)

        shared = libraries.HOOKS[module.__name__](module, self._stream)
        if shared is not None:
            self._shared.append(shared)
            if self._is_block:
                shared.begin_block()


_last: list[Chance] = []
"""That of the last block: a process may have block after block, as tests are."""


def begin_block(seed: bytes, modules: Modules) -> Chance:
    """Put chance in place for a block, which has this seed and begins with these modules."""
    if not (_last and _last[0].begin_block_again(seed, modules)):
        _last[:] = [Chance(seed, modules)]
    return _last[0]


def _bound_names() -> list[tuple[Any, str, Any]]:
    """List the functions of modules that ours will take the place of, with what they are there."""
    owners = [os, *(sys.modules.get(name) for name in _LIBRARIES)]
    return [
        (owner, name, value)
        for owner in owners
        if owner is not None
        for name, value in list(vars(owner).items())
        if callable(value)
    ]


def _changed(before: list[tuple[Any, str, Any]]) -> list[tuple[Any, Any]]:
    """List what took the place of what."""
    return [
        (value, vars(owner)[name])
        for owner, name, value in before
        if vars(owner).get(name) is not value
    ]


class _StandIns:
    """What took the place of which functions, for modules that bound these by names of their own.

    As by `from random import choice`.
    """

    def __init__(self, changed: list[tuple[Any, Any]]) -> None:
        """Take what took the place of what."""
        self._ours = {id(original): ours for original, ours in changed}
        self._wanted = Wanted([original for original, _ in changed], _LEFT)

    def bind(self, modules: Modules | None) -> None:
        """Give ours to those modules."""
        for names, name in list(bound(self._wanted, modules=modules)):
            if not name.startswith("__"):
                lanes.replace(_Module(names), name, self._ours[id(names[name])])


class _Module:
    """A module by its namespace, which need not be woken to be changed."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.__dict__ = names


def start(entry: Entry) -> None:
    """Determine chance in a process that starts, by the seed that its environment gives."""
    given = os.environ.get("AGENTVCR_SEED", "")
    if not given or is_off("chance"):
        return
    from agentvcr.inside.chance.arrival import own_seed  # noqa: PLC0415  (a block has none)

    seed = own_seed(bytes.fromhex(given), entry.lane, entry.address)
    os.environ["AGENTVCR_SEED"] = seed.hex()  # what it starts has its, and not the run's
    Chance(seed)
