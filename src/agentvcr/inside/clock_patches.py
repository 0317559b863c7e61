"""Put another clock in the place of the real one, in every module that has it, and take it away.

Owns where the functions of `time` are kept, and the classes of `datetime`. Does not know what the
other clock says (`clock`).

The classes stay the classes: what is changed is an entry in their own dictionaries.
"""

from __future__ import annotations

import gc
import sys
import time

from agentvcr.inside import imports, real, travel
from agentvcr.inside.bindings import Wanted, bound, look
from agentvcr.inside.patching import dressed_as

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any, Callable, Sequence

    from agentvcr.inside.bindings import Modules
    from agentvcr.inside.clock import Clock

_LEFT = ("time", "_pytest", "pytest", "pluggy")
"""Who keeps the real clock: its own module, and those that measure a session from outside."""
_DEPRECATED_SINCE = (3, 12)
_UTCNOW = (
    "datetime.datetime.utcnow() is deprecated and scheduled for removal in a future version. Use "
    "timezone-aware objects to represent datetimes in UTC: datetime.datetime.now(datetime.UTC)."
)

_places: list[tuple[dict[str, Any], str]] = []
"""Where modules have bound functions of `time` by names of their own."""
_undo: list[Callable[[], None]] = []


class _StandIns:
    """The functions of `time`, each with what stands for it: the same for block after block."""

    def __init__(self, clock: Clock, names: Sequence[str]) -> None:
        """Have those of `clock` stand for them."""
        self._clock = clock
        self._named = [(name, getattr(time, name), getattr(clock, name)) for name in names]
        self.ours = {original: ours for _, original, ours in self._named}
        self.originals = {ours: original for _, original, ours in self._named}
        self.wanted = Wanted(self.ours, _LEFT)
        self.wanted_back = Wanted(self.originals, _LEFT)

    def hold(self, clock: Clock) -> bool:
        """Whether they are still those of this clock, and of what is in `time`.

        Where time-machine travels, functions have another hash and are not found any more.
        """
        named = self._named
        return clock is self._clock and all(
            getattr(time, one) is was and was in self.ours for one, was, _ in named
        )

    def put(self) -> None:
        """Put them into `time`."""
        for name, _, ours in self._named:
            setattr(time, name, ours)

    def put_back(self) -> None:
        """Put the real ones back."""
        for name, original, _ in self._named:
            setattr(time, name, original)


_last: list[_StandIns] = []
"""Those of the last block, or of this one."""
_in_place: list[_StandIns] = []
"""Those of this one."""


def install(clock: Clock, names: Sequence[str], modules: Modules | None = None) -> None:
    """Replace the functions `names` of `time` by those of `clock`, and what `datetime` tells."""
    is_again = bool(_last) and _last[0].hold(clock)
    if not is_again:
        _last[:] = [_StandIns(clock, names)]
    stand_ins = _last[0]
    stand_ins.put()
    _in_place[:] = [stand_ins]
    modules = modules or look()
    if is_again:  # a library may have bound one of ours during the last block
        _places.extend(modules.of_libraries(stand_ins.wanted_back))
    for module, name in bound(stand_ins.wanted, modules=modules):
        module[name] = stand_ins.ours[module[name]]
        _places.append((module, name))

    def on_datetime(module: Any) -> None:  # noqa: ANN401  (patched: a module with any attribute)
        _change_classes(clock, module)

    imports.when_imported("datetime", on_datetime)
    _undo.append(travel.install(clock, travel.Untouched(_lift, _lay)))


def _lift() -> None:
    """Put the real functions back for a moment, but for what modules have bound to names."""
    for stand_ins in _in_place:
        stand_ins.put_back()
    for change in _changed:
        change.put_back()


def _lay() -> None:
    """Put ours there again."""
    for stand_ins in _in_place:
        stand_ins.put()
    for change in _changed:
        change.put()


def uninstall() -> None:
    """Put back everything, also in modules that were imported meanwhile."""
    while _undo:
        _undo.pop()()
    while _changed:
        _changed.pop().put_back()
    while _in_place:
        stand_ins = _in_place.pop()
        stand_ins.put_back()
        kinds, originals = stand_ins.wanted_back.kinds, stand_ins.originals
        for module, name in (*_places, *bound(stand_ins.wanted_back, is_new=True)):
            ours = module.get(name)
            if type(ours) in kinds and ours in originals:  # else the program has changed it
                module[name] = originals[ours]
    _places.clear()


# --- datetime -------------------------------------------------------------------------------------


_HEAP = 1 << 9
"""The flag of a class that was made at run time, and can be changed like any."""


class _Change:
    """Methods of ours for a class of the interpreter's, and those that it has."""

    def __init__(self, owner: Any, methods: dict[str, Any]) -> None:  # noqa: ANN401  (a class)
        """Make them look like its own."""
        self._owner = owner
        # The dictionary behind the read-only view.
        self._entries = entries = gc.get_referents(owner.__dict__)[0]
        self._originals = {name: entries[name] for name in methods}
        self._ours: dict[str, Any] = {
            name: classmethod(dressed_as(self._originals[name])(function))
            for name, function in methods.items()
        }

    def put(self) -> None:
        """Put ours there."""
        self._set(self._ours)

    def put_back(self) -> None:
        """Put its own back."""
        self._set(self._originals)

    def _set(self, wanted: dict[str, Any]) -> None:
        self._entries.update(wanted)
        _forget_lookups(self._owner)


_changed: list[_Change] = []
"""What is in place of them."""
_changes: list[tuple[Any, Any, list[_Change]]] = []
"""What is changed of the classes of which module for which clock: that of the last block last.

What was ever put into a class is kept: it may be in use still, unseen, when it is taken out.
"""


def _change_classes(clock: Clock, module: Any) -> None:  # noqa: ANN401  (as above)
    if module.datetime.__flags__ & _HEAP:  # written in Python: it asks `time`
        return
    if not (_changes and _changes[-1][0] is clock and _changes[-1][1] is module):
        _changes.append((clock, module, _changes_of(clock, module)))
    for change in _changes[-1][2]:
        change.put()
        _changed.append(change)


def _changes_of(clock: Clock, module: Any) -> list[_Change]:  # noqa: ANN401  (as above)
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

    return [
        _Change(module.datetime, {"now": now, "utcnow": utcnow}),
        _Change(module.date, {"today": today}),
    ]


def _forget_lookups(owner: Any) -> None:  # noqa: ANN401  (a class)
    """Make the interpreter look up a class's attributes anew, and those of its subclasses.

    A setter that does so on the way, which classes of the interpreter's own let through.
    """
    slot = type.__dict__["__abstractmethods__"]
    slot.__set__(owner, frozenset())
    slot.__delete__(owner)
