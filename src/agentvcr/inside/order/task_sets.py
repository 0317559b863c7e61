"""Give asyncio's sets of tasks an order, since a task's place in a set is its address, so chance.

Owns the order in which `as_completed` makes tasks, in which `wait` gives them back, and in which
those that are left at the end of `asyncio.run` are cancelled: the program's own, or the order in
which they were made. Without us any order may come.
"""

from __future__ import annotations

import sys

from agentvcr.inside import lanes
from agentvcr.inside.patching import dressed_as

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any, Iterable, Iterator

_MADE = "Task-"


class InOrder(set["Any"]):
    """A set of futures that is gone through in order."""

    _order: Iterable[Any] = ()

    @classmethod
    def of(cls, futures: Iterable[Any]) -> InOrder:
        """Keep these in this order."""
        found = cls(futures)
        found._order = tuple(futures)
        return found

    def __iter__(self) -> Iterator[Any]:
        known = [one for one in self._order if one in self]
        return iter(known + sorted(set(self).difference(known), key=_when_made))

    def pop(self) -> Any:  # noqa: ANN401  (a future)
        """Take the first."""
        for one in self:
            self.remove(one)
            return one
        raise KeyError("pop from an empty set")

    def __repr__(self) -> str:
        return "{%s}" % ", ".join(map(repr, self)) if self else "set()"


def _when_made(future: Any) -> tuple[bool, int, str]:  # noqa: ANN401  (a future, or a task)
    """Order tasks by the numbers that asyncio names them with, before those that others named."""
    get_name = getattr(future, "get_name", None)
    name = get_name() if get_name is not None else ""
    number = name[len(_MADE) :] if name.startswith(_MADE) else ""
    return (False, int(number), "") if number.isdigit() else (True, 0, name)


def _are_several(what: Any) -> bool:  # noqa: ANN401  (whatever the program gives)
    """Whether it can be gone through; one future or one coroutine is refused by asyncio."""
    return hasattr(what, "__iter__") and not (hasattr(what, "send") or hasattr(what, "__await__"))


def _listed(futures: Iterable[Any]) -> list[Any]:
    """Give each of them once, in the program's order; in that of their making where it has none."""
    if isinstance(futures, (set, frozenset)) and not isinstance(futures, InOrder):
        return sorted(futures, key=_when_made)
    return list(dict.fromkeys(futures))


def hook_asyncio(module: Any) -> None:  # noqa: ANN401  (patched: a module with any attribute)
    """Put the order into `asyncio`."""
    tasks = module.tasks
    for name, make in (("wait", _wait), ("as_completed", _as_completed), ("all_tasks", _all_tasks)):
        wrapper = make(tasks, getattr(tasks, name))
        lanes.replace(tasks, name, wrapper)
        lanes.replace(module, name, wrapper)


def _wait(_: Any, original: Any) -> Any:  # noqa: ANN401  (the module, and one of its functions)
    @dressed_as(original)
    async def wait(fs: Any, **options: Any) -> Any:  # noqa: ANN401  (as asyncio's)
        if not _are_several(fs):
            return await original(fs, **options)
        order = _listed(fs)
        done, pending = await original(order, **options)
        # What were coroutines, before Python 3.11, comes back as tasks.
        known = [one for one in order if one in done or one in pending]
        rest = sorted((done | pending).difference(known), key=_when_made)
        return tuple(
            InOrder.of([one for one in known + rest if one in some]) for some in (done, pending)
        )

    return wait


def _as_completed(module: Any, original: Any) -> Any:  # noqa: ANN401  (as above)
    def begun(fs: Any, loop: Any) -> Any:  # noqa: ANN401  (as asyncio's)
        if not _are_several(fs):
            return fs
        return [module.ensure_future(one, loop=loop) for one in _listed(fs)]

    if sys.version_info >= (3, 13):  # an object, which can be gone through in two ways

        @dressed_as(original)
        def as_completed(fs: Any, **options: Any) -> Any:  # noqa: ANN401  (as above)
            return original(begun(fs, None), **options)
    else:

        @dressed_as(original)
        def as_completed(fs: Any, **options: Any) -> Any:  # noqa: ANN401  (as above)
            yield from original(begun(fs, options.get("loop")), **options)

    return as_completed


def _all_tasks(_: Any, original: Any) -> Any:  # noqa: ANN401  (as above)
    @dressed_as(original)
    def all_tasks(loop: Any = None) -> Any:  # noqa: ANN401  (as above)
        return InOrder.of(sorted(original(loop), key=_when_made))

    return all_tasks
