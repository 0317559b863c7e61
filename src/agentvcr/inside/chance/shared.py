"""Take apart a generator that all of a program shares, so that each lane has numbers of its own.

Owns who draws from which generator:

- As long as the program has not seeded it, each lane has one of its own, of the lane's stream: the
  order in which lanes draw is chance.
- What the program seeds gives exactly the numbers that it gives without us, in the thread (or work
  item) that seeded it, to all of its tasks. Other threads that come of that one have generators
  made of the seeded state and their names, since the order in which threads draw is chance too.

Knows no library: `Kind` says what can be done to a generator.
"""

from __future__ import annotations

from agentvcr.inside import lanes, state
from agentvcr.inside.chance.stream import drawn, hashed, place, real
from agentvcr.inside.lane import era
from agentvcr.inside.patching import unbinding

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any, Iterator, Protocol

    from agentvcr.inside.chance.stream import Stream
    from agentvcr.inside.lane import Lane

    class Kind(Protocol):
        """What can be done to the generators of one library."""

        name: str
        """Also the kind of the part of a cassette that keeps a state."""
        seeders: tuple[str, str]
        """Its methods that seed, and that set a state."""
        anew_in_forks: bool
        """Whether a forked child seeds it anew."""

        def make(self, number: int) -> Any:  # noqa: ANN401  (a generator)
            """Make a generator, seeded."""

        def reseed(self, generator: Any, number: int) -> None:  # noqa: ANN401  (as above)
            """Seed a generator."""

        def pack(self, generator: Any) -> bytes:  # noqa: ANN401  (as above)
            """Encode the state of a generator."""

        def unpack(self, generator: Any, data: bytes) -> None:  # noqa: ANN401  (as above)
            """Give a generator the state that `pack` encoded."""


_ROOTS = ("thread", "work", "proc", "worker", "service")


class _Seeding:
    """What a thread's generator was seeded with, for the threads that come of it."""

    __slots__ = ("base", "generator", "root")

    def __init__(self, root: str, generator: Any, base: bytes) -> None:  # noqa: ANN401  (as above)
        self.root = root
        self.generator = generator
        self.base = base
        """Empty where it was seeded with nothing, which is no seed."""


class Shared:
    """Stands for one generator that a library shares."""

    def __init__(self, kind: Kind, base: Any, stream: Stream) -> None:  # noqa: ANN401  (a generator)
        """Take `base` apart; it stays the generator of the process's own lane."""
        self._kind = kind
        self._base = base
        self._stream = stream
        self._seedings: dict[str, _Seeding] = {}
        self._version = object()
        """Another one after each seeding: each lane then looks again which generator it has."""
        self._era: object = None
        self._home = ""
        self._is_fresh = kind.anew_in_forks
        """Whether `base` still has to be seeded."""
        self._inner: Any = None
        self._unsettled = False
        self._before: bytes | None = None

    def generator(self) -> Any:  # noqa: ANN401  (as above)
        """Give the generator that the running code draws from."""
        lane = lanes.current()
        if lane.shadow:
            return self._inner_one()
        counters, name = place(lane)
        kept = counters.get((self._kind.name, name))
        if kept is None or kept[0] is not self._version:
            made = self._found(lane, name, kept)
            kept = counters[self._kind.name, name] = (self._version, *made)
        return kept[1]

    def _is_seeded(self) -> bool:
        """Whether the program has seeded what the running code draws from."""
        counters, name = place(lanes.current())
        kept = counters.get((self._kind.name, name))
        return kept is not None and kept[2] is not None

    def function(self, name: str, original: Any) -> Any:  # noqa: ANN401  (a method of `base`)
        """Make what stands in a module for the method `name` of the shared generator."""
        if name in self._kind.seeders:
            return self._seeder(name, original)

        @unbinding(original, self._kind.name)
        def call(_: object, /, *args: Any, **options: Any) -> Any:  # noqa: ANN401  (the library's)
            result = getattr(self.generator(), name)(*args, **options)
            return result if self._is_seeded() else drawn(result)

        return call

    def begin_block(self) -> None:
        """Stand in a block of a process that may have seeded it before: it goes on as it was.

        A recording keeps the state in which the block first uses it, and a replay begins with that.
        """
        self._begin_era()
        self._is_fresh, self._unsettled, self._before = False, True, None
        self._version = object()
        self._seedings.clear()
        self._seedings[self._home] = _Seeding(self._home, self._base, b"block")

    def end_block(self) -> None:
        """Put the state back that a replayed block took the place of."""
        if self._before is not None:
            self._kind.unpack(self._base, self._before)

    def _settle(self) -> None:
        self._unsettled = False
        handler = state.handler
        if handler is None:
            return
        if handler.replaying:
            found = handler.recorded_world(self._kind.name)
            if found:
                self._before = self._kind.pack(self._base)
                self._kind.unpack(self._base, found[0][1])
        handler.world(self._kind.name, "", self._kind.pack(self._base))

    # --- which generator -----------------------------------------------------------------------

    def _begin_era(self) -> None:
        """Begin anew, as a process that starts or is forked does."""
        self._era = era[0]
        self._home = lanes.process().name
        self._inner = None
        if self._kind.anew_in_forks:
            self._is_fresh = True
            self._seedings.clear()

    def _inner_one(self) -> Any:  # noqa: ANN401  (a generator)
        """Give the generator of all code whose chance is real."""
        if self._era is not era[0]:
            self._begin_era()
        if self._inner is None:
            self._inner = self._kind.make(int.from_bytes(real(32), "big"))
        return self._inner

    def _found(self, lane: Lane, name: str, kept: Any) -> tuple[Any, _Seeding | None]:  # noqa: ANN401
        """Find a lane's generator, and what it comes of."""
        if self._era is not era[0]:
            self._begin_era()
        seeding = None if lane.covered else self._seeding_of(lane.name)
        if kept is not None and kept[2] is seeding:
            return kept[1], seeding
        if seeding is None:
            return self._own_of(lane), None
        if seeding.root == self._root_of(lane.name):
            if self._unsettled and seeding.generator is self._base:
                self._settle()
            return seeding.generator, seeding
        number = int.from_bytes(hashed(seeding.base, name, 32), "big")
        return self._kind.make(number), seeding

    def _own_of(self, lane: Lane) -> Any:  # noqa: ANN401  (a generator)
        is_home = lane.name == self._home and not lane.covered
        if is_home and not self._is_fresh:
            return self._base
        number = int.from_bytes(self._stream.draw(lane, 32), "big")
        if not is_home:
            return self._kind.make(number)
        self._is_fresh = False
        self._kind.reseed(self._base, number)
        return self._base

    def _seeding_of(self, lane: str) -> _Seeding | None:
        """Find the nearest one, from a lane upward."""
        for name in _lineage(lane) if self._seedings else ():
            found = self._seedings.get(name)
            if found is not None:
                return found if found.base else None
        return None

    def _root_of(self, lane: str) -> str:
        """Name the thread, work item or process that a lane is in."""
        for name in _lineage(lane):
            if name == self._home or name.rpartition("/")[2].rstrip("0123456789") in _ROOTS:
                return name
        return name

    # --- seeding -------------------------------------------------------------------------------

    def _seeder(self, method: str, original: Any) -> Any:  # noqa: ANN401  (a method of `base`)
        @unbinding(original, self._kind.name)
        def seed(_: object, /, *args: Any, **options: Any) -> Any:  # noqa: ANN401  (as above)
            lane = lanes.current()
            if lane.shadow or lane.covered:
                return getattr(self.generator(), method)(*args, **options)
            if self._era is not era[0]:
                self._begin_era()
            root = self._root_of(lane.name)
            known = self._seedings.get(root)
            if root == self._home:
                generator = self._base
            else:
                generator = known.generator if known is not None else self._kind.make(0)
            result = getattr(generator, method)(*args, **options)
            if generator is self._base:
                self._is_fresh = self._unsettled = False
            given = next(iter((*args, *options.values())), None)
            base = b"" if given is None else hashed(b"", self._kind.pack(generator).hex(), 64)
            self._seedings[root] = _Seeding(root, generator, base)
            self._version = object()
            return result

        return seed


def _lineage(lane: str) -> Iterator[str]:
    """Give a lane's name, and those that it comes of, up to the first."""
    while lane:
        yield lane
        lane = lane.rpartition("/")[0]
