"""Put another clock in the place of the real one, in every module that has it, and take it away.

Owns where the functions of `time` are kept, and the classes of `datetime`. Does not know what the
other clock says (`clock`).

The classes stay the classes: what is changed is an entry in their own dictionaries.
"""

from __future__ import annotations

import gc
import sys
import time

from agentvcr.inside import imports, real
from agentvcr.inside.bindings import bound
from agentvcr.inside.patching import dressed_as

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any, Callable, Sequence

    from agentvcr.inside.bindings import Modules
    from agentvcr.inside.clock import Clock

_LEFT = ("time", "agentvcr", "_pytest", "pytest", "pluggy")
"""Who keeps the real clock: its own module, ours, and those that measure a session from outside."""
_DEPRECATED_SINCE = (3, 12)
_UTCNOW = (
    "datetime.datetime.utcnow() is deprecated and scheduled for removal in a future version. Use "
    "timezone-aware objects to represent datetimes in UTC: datetime.datetime.now(datetime.UTC)."
)

_replaced: dict[Any, Any] = {}
"""The real functions, each with what stands for it."""
_places: list[tuple[dict[str, Any], str]] = []
"""Where modules have bound them by names of their own."""
_undo: list[Callable[[], None]] = []
_methods: list[Any] = []
"""What was ever put into a class: it may be in use still, unseen, when it is taken out."""


def install(clock: Clock, names: Sequence[str], modules: Modules | None = None) -> None:
    """Replace the functions `names` of `time` by those of `clock`, and what `datetime` tells."""
    for name in names:
        original, ours = getattr(time, name), getattr(clock, name)
        _replaced[original] = ours
        setattr(time, name, ours)
    _places.extend(bound(_replaced, _LEFT, modules=modules))
    for module, name in _places:
        module[name] = _replaced[module[name]]

    def on_datetime(module: Any) -> None:  # noqa: ANN401  (patched: a module with any attribute)
        _change_classes(clock, module)

    imports.when_imported("datetime", on_datetime)


def uninstall() -> None:
    """Put back everything, also in modules that were imported meanwhile."""
    while _undo:
        _undo.pop()()
    back = {ours: original for original, ours in _replaced.items()}
    for original in _replaced:
        setattr(time, original.__name__, original)
    for module, name in (*_places, *bound(back, _LEFT, is_new=True)):
        ours = module.get(name)
        if any(ours is one for one in back):  # else the program has changed it
            module[name] = back[ours]
    _places.clear()
    _replaced.clear()


# --- datetime -------------------------------------------------------------------------------------


def _change_classes(clock: Clock, module: Any) -> None:  # noqa: ANN401  (as above)
    if module.datetime.__flags__ & _HEAP:  # written in Python: it asks `time`
        return
    made = module.datetime.__dict__["fromtimestamp"]

    def now(cls: Any, tz: Any = None) -> Any:  # noqa: ANN401  (as datetime has it)
        # Exact: a double holds the microseconds of this age. A subclass's own is not asked either.
        return made.__get__(None, cls)(clock.time_ns() // 1000 / 1e6, tz)

    def utcnow(cls: Any) -> Any:  # noqa: ANN401  (as above)
        if sys.version_info >= _DEPRECATED_SINCE:
            import warnings  # noqa: PLC0415  (as the original does)

            warnings.warn(_UTCNOW, DeprecationWarning, stacklevel=2)
        seconds, rest = divmod(clock.time_ns() // 1000, 1_000_000)
        return cls(*real.gmtime(seconds)[:6], rest, None)

    def today(cls: Any) -> Any:  # noqa: ANN401  (as above)
        return cls.fromtimestamp(clock.time())

    _put(module.datetime, {"now": now, "utcnow": utcnow})
    _put(module.date, {"today": today})


_HEAP = 1 << 9
"""The flag of a class that was made at run time, and can be changed like any."""


def _put(owner: Any, methods: dict[str, Any]) -> None:  # noqa: ANN401  (a class)
    entries = gc.get_referents(owner.__dict__)[0]  # the dictionary behind the read-only view
    originals = {name: entries[name] for name in methods}
    ours: dict[str, Any] = {
        name: classmethod(dressed_as(originals[name])(function))
        for name, function in methods.items()
    }
    _methods.extend(ours.values())

    def set_all(wanted: dict[str, Any]) -> None:
        entries.update(wanted)
        _forget_lookups(owner)

    set_all(ours)
    _undo.append(lambda: set_all(originals))


def _forget_lookups(owner: Any) -> None:  # noqa: ANN401  (a class)
    """Make the interpreter look up a class's attributes anew, and those of its subclasses.

    A setter that does so on the way, which classes of the interpreter's own let through.
    """
    slot = type.__dict__["__abstractmethods__"]
    slot.__set__(owner, frozenset())
    slot.__delete__(owner)
