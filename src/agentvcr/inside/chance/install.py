"""Put chance in place in a process, or for a block of one.

Owns when which module is met, and the names that others bound before. What is replaced goes through
`lanes.replace`, and is put back with the lanes' own hooks.
"""

from __future__ import annotations

import os
import sys

from agentvcr.inside import lanes
from agentvcr.inside.bindings import bound
from agentvcr.inside.chance.stream import Stream
from agentvcr.inside.imports import when_imported
from agentvcr.inside.off import is_off

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from agentvcr.inside.chance.shared import Shared
    from agentvcr.inside.entry import Entry

_LIBRARIES = ("random", "uuid", "uuid_utils", "numpy.random")


class Chance:
    """What is in place."""

    def __init__(self, seed: bytes, *, is_block: bool = False) -> None:
        """Put it there.

        Args:
            seed: The process's.
            is_block: The process has run before, and goes on when this is taken away.
        """
        self._stream = Stream(seed)
        self._is_block = is_block
        self._shared: list[Shared] = []
        before = _bound_names()
        self._stream.replace_urandom()
        when_imported("random", self._on_random)
        when_imported("tempfile", self._on_tempfile)
        when_imported("uuid", self._on_uuid)
        when_imported("uuid_utils", self._on_uuid_utils)
        when_imported("numpy.random", self._on_numpy)
        if is_block or "random" in sys.modules:
            _rebind(before)

    def end_block(self) -> None:
        """Give the program its generators back as they were; the rest is the lanes' to undo."""
        for one in self._shared:
            one.end_block()

    def _on_random(self, module: ModuleType) -> None:
        from agentvcr.inside.chance import libraries  # noqa: PLC0415  (only who uses chance)

        self._begin(libraries.hook_random(module, self._stream))

    def _on_tempfile(self, module: ModuleType) -> None:
        from agentvcr.inside.chance import libraries  # noqa: PLC0415  (as above)

        libraries.hook_tempfile(module)

    def _on_uuid(self, module: ModuleType) -> None:
        from agentvcr.inside.chance import libraries  # noqa: PLC0415  (as above)

        libraries.hook_uuid(module, self._stream)

    def _on_uuid_utils(self, module: ModuleType) -> None:
        from agentvcr.inside.chance import libraries  # noqa: PLC0415  (as above)

        libraries.hook_uuid_utils(module, self._stream)

    def _on_numpy(self, module: ModuleType) -> None:
        from agentvcr.inside.chance import libraries  # noqa: PLC0415  (as above)

        self._begin(libraries.hook_numpy(module, self._stream))

    def _begin(self, shared: Shared) -> None:
        self._shared.append(shared)
        if self._is_block:
            shared.begin_block()


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


def _rebind(before: list[tuple[Any, str, Any]]) -> None:
    """Give ours to modules that bound a function by its own name: `from random import choice`."""
    replaced = {
        id(value): vars(owner)[name]
        for owner, name, value in before
        if vars(owner).get(name) is not value
    }
    originals = [value for owner, name, value in before if vars(owner).get(name) is not value]
    for names, name in list(bound(originals, ("agentvcr", "posix", "nt"))):
        if not name.startswith("__"):
            lanes.replace(_Module(names), name, replaced[id(names[name])])


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
