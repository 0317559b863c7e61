"""Let time-machine travel: while it does, the program reads its time, which ticks by ours.

Owns what we change in its modules. It changes the functions of `time` and `datetime` in C, below
whatever has their names, and takes them from there when it is imported: so they have to be the
interpreter's own just then.
"""

from __future__ import annotations

import sys
import time
from _thread import _count

from agentvcr.inside import imports, real

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any, Callable, Sequence

    from agentvcr.inside.clock_functions import Functions

_MODULE = "_time_machine"
_WALL_ALONE = 3
"""The first version that leaves the monotonic clock alone."""
_STACKS = ("traveller_stack", "coordinates_stack")
"""Who travels, by the names of version 3 and before it."""

_theirs: dict[str, Any] = {}
"""Its functions that read what is below a travel, where ours are in their places."""


def wall_ns() -> int:
    """Read the real wall clock, also where time-machine travels."""
    if not _stack_of(sys.modules.get("time_machine")):
        return real.time_ns()
    below = _theirs.get("original_time_ns") or sys.modules[_MODULE].original_time_ns
    try:
        return int(below())
    except ValueError:  # another thread has just come back
        return real.time_ns()


def _stack_of(module: Any) -> Sequence[Any]:  # noqa: ANN401  (a module with any attribute)
    """Find who travels; before 3.0 nobody may ask for the real time while none does."""
    stacks = (getattr(module, name, None) for name in _STACKS)
    return next((one for one in stacks if isinstance(one, list)), ())


class Untouched:
    """Around the import of its C module: `time` and `datetime` are the interpreter's own."""

    def __init__(self, put_back: Callable[[], None], put: Callable[[], None]) -> None:
        """Keep how the real functions are put back, and ours put again."""
        self._put_back = put_back
        self._put = put

    def __enter__(self) -> None:
        __import__("datetime")  # else it would be imported, and changed, in between

        self._put_back()
        self._kept = time.monotonic, time.monotonic_ns
        if _takes_monotonic():
            # By which all of ours goes. It gets two functions that nobody asks; what the program
            # reads is in `clock_functions`.
            time.monotonic, time.monotonic_ns = _count, sys._debugmallocstats  # type: ignore[assignment]

    def __exit__(self, *_: object) -> None:
        time.monotonic, time.monotonic_ns = self._kept
        self._put()


def _takes_monotonic() -> bool:
    """Whether the version that is installed changes the monotonic clock too: those before 3.0."""
    from importlib import metadata  # noqa: PLC0415  (only who travels)

    try:
        return int(metadata.version("time-machine").partition(".")[0]) < _WALL_ALONE
    except (metadata.PackageNotFoundError, ValueError):
        return False


def install(clock: Functions, around: Untouched) -> Callable[[], None]:
    """Let it travel while `clock` is in force; gives how to undo that."""

    def on_c_module(module: Any) -> None:  # noqa: ANN401  (patched: a module with any attribute)
        for name, ours in _below(clock, module).items():
            _theirs[name] = getattr(module, name)
            setattr(module, name, ours)

    def on_module(module: Any) -> None:  # noqa: ANN401  (as above)
        clock.travels = _stack_of(module)
        if "original_monotonic" in _theirs:
            clock.monotonic_travels = clock.travels

    def undo() -> None:
        clock.travels = clock.monotonic_travels = ()
        while _theirs:
            name, theirs = _theirs.popitem()
            setattr(sys.modules[_MODULE], name, theirs)

    imports.while_imported(_MODULE, around)
    imports.when_imported(_MODULE, on_c_module)
    imports.when_imported("time_machine", on_module)
    return undo


def _below(clock: Functions, module: Any) -> dict[str, Any]:  # noqa: ANN401  (as above)
    """Make what stands for its functions that read below a travel: where none is, they say so."""

    def reading(theirs: Any, read: Callable[[], int], divisor: float = 0) -> Any:  # noqa: ANN401
        def below() -> Any:  # noqa: ANN401  (an int or a float)
            if not clock.travels:
                return theirs()
            return read() / divisor if divisor else read()

        return below

    def telling(theirs: Any, before: int, moment: Callable[[int], Any]) -> Any:  # noqa: ANN401
        def below(*args: Any) -> Any:  # noqa: ANN401  (as time-machine has it)
            if not clock.travels or args[before:] not in ((), (None,)):
                return theirs(*args)
            return theirs(*args[:before], moment(clock.wall_below() // 1_000_000_000))

        return below

    def now(tz: Any = None) -> Any:  # noqa: ANN401  (as above)
        if not clock.travels:
            return _theirs["original_now"](tz)
        from datetime import datetime  # noqa: PLC0415  (who asks for it has it)

        return datetime.fromtimestamp(clock.wall_below() // 1000 / 1e6, tz)

    def there(name: str) -> Any:  # noqa: ANN401  (as above)
        return getattr(module, name, None)

    made = {
        "original_now": now,
        "original_time": reading(there("original_time"), clock.wall_below, 1e9),
        "original_time_ns": reading(there("original_time_ns"), clock.wall_below),
        "original_monotonic": reading(there("original_monotonic"), clock.monotonic_below, 1e9),
        "original_monotonic_ns": reading(there("original_monotonic_ns"), clock.monotonic_below),
        "original_gmtime": telling(there("original_gmtime"), 0, int),
        "original_localtime": telling(there("original_localtime"), 0, int),
        "original_strftime": telling(there("original_strftime"), 1, real.localtime),
    }
    return {name: ours for name, ours in made.items() if there(name) is not None}
