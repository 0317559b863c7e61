"""Give tasks and futures a place in sets that is the same in every run.

Owns their hashes, and the order of anyio's scopes. Without us a hash is an address, so a group that
cancels its tasks, or a program that goes through a set of them, does so in an order that is chance.
Here it comes from the lane in which each was made: of the tasks that a caller makes of one
function, the first made comes first in a set of nothing else.
"""

from __future__ import annotations

from itertools import count

from agentvcr.inside import lanes
from agentvcr.inside.patching import dressed_as

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any, Iterator

_DIGITS = "0123456789"
_NUMBERED_BITS = 16
_TOLD_APART = 4
"""Bytes of a lane's name before its number that tell it from others; more would not fit."""
_HASH = "_agentvcr_hash"


def hash_of(name: str, number: int = 0) -> int:
    """Make a hash of a lane's name, whose low bits are its number, or that of something in it."""
    stem = name.rstrip(_DIGITS)
    number = number or int(name[len(stem) :] or 0)
    told = int.from_bytes(stem.encode("utf-8", "surrogatepass")[-_TOLD_APART:], "little")
    return (told << _NUMBERED_BITS) + number


def hook_tasks(module: Any) -> None:  # noqa: ANN401  (patched: a module with any attribute)
    """Have event loops make tasks of a class of ours; `module` is `asyncio.tasks`.

    `asyncio.Task` stays what it is, and ours is one: who has a task of before a session still asks
    rightly whether it is one.
    """
    base = module.Task

    class Task(base):  # type: ignore[misc, valid-type]  # found at run time
        __slots__ = (_HASH,)
        __doc__ = base.__doc__

        def __new__(cls, *args: Any, **options: Any) -> Any:  # noqa: ANN401, ARG004  (as the base's)
            made = base.__new__(cls)
            setattr(made, _HASH, hash_of(lanes.current().name))
            return made

        def __hash__(self) -> int:
            return getattr(self, _HASH, 0)

    Task.__module__, Task.__qualname__ = base.__module__, base.__qualname__
    lanes.replace(module, "Task", Task)


def hook_futures(module: Any) -> None:  # noqa: ANN401  (as above)
    """Number the futures of threads and pools; `module` is `concurrent.futures._base`.

    The hash stays when a session has ended: a set that holds one would not find it any more.
    """
    future_class = module.Future
    original = future_class.__init__

    @dressed_as(original)
    def init(self: Any) -> None:  # noqa: ANN401  (a future)
        original(self)
        lane = lanes.current()
        number = next(lane.counters.setdefault("order future", count(1)))
        self.__dict__[_HASH] = hash_of(lane.name, number)

    lanes.replace(future_class, "__init__", init)
    future_class.__hash__ = _of_future


def _of_future(future: Any) -> int:  # noqa: ANN401  (a future)
    found: int | None = future.__dict__.get(_HASH)
    return object.__hash__(future) if found is None else found


class _ByArrival(dict[object, None]):
    """What anyio needs of a set; it is gone through in the order in which its members came."""

    def add(self, one: object) -> None:
        self[one] = None

    def remove(self, one: object) -> None:
        del self[one]

    def discard(self, one: object) -> None:
        self.pop(one, None)


class _ByHash(set[object]):
    """A set that is gone through in the order of hashes, whatever came and went meanwhile."""

    def __iter__(self) -> Iterator[object]:
        return iter(sorted(super().__iter__(), key=hash))


def hook_scopes(module: Any) -> None:  # noqa: ANN401  (as above)
    """Cancel tasks and nested scopes in the order in which they began; `module` is anyio's.

    The scopes of a client's inner workings, which a replay has not, take tasks out and put them
    back.
    """
    scope_class = module.CancelScope
    original = scope_class.__init__

    @dressed_as(original)
    def init(self: Any, *args: Any, **options: Any) -> None:  # noqa: ANN401  (a scope, as its own)
        original(self, *args, **options)
        for name, ordered in (("_tasks", _ByHash), ("_child_scopes", _ByArrival)):
            if type(getattr(self, name, None)) is set:
                setattr(self, name, ordered())

    lanes.replace(scope_class, "__init__", init)
