"""What is real in an event loop: pipes, sockets and databases beside virtual time.

Owns which file descriptors are the program's own, and when a replay looks at them: when the log
says that something came of them, or when nothing else can go on. What clients use below an
interceptor is always looked at.
"""

from __future__ import annotations

from agentvcr.inside import lanes
from agentvcr.inside.order.watch import TICK_S
from agentvcr.inside.real import monotonic_ns

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any, Iterator

    from agentvcr.inside.order.log import Key
    from agentvcr.inside.order.world import World

_READ = 1  # `selectors.EVENT_READ`
_SHORTEST_NS = 250_000_000
_LONGEST_NS = 60_000_000_000
"""So long at most is something real waited for, which came in the recording."""
_MARK = "_agentvcr_is_of_client"


class Real:
    """A loop's own selector; in a replay the program's descriptors have one of their own."""

    def __init__(self, inner: Any, world: World, owner: Any) -> None:  # noqa: ANN401  (asyncio's)
        """Select with `inner`, for the stand-in `owner`."""
        self.inner = inner
        self._world = world
        self._owner = owner
        self._own: Any = None
        self._program: set[int] = set()
        self._count = 0
        self._looks_until_ns = 0
        self.is_open = False
        """Whether a replay looks at the program's descriptors, since nothing else goes on."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  (whatever a selector has)
        return getattr(self.inner, name)

    @property
    def has_program(self) -> bool:
        """Whether the program waits for something real in this loop."""
        return bool(self._program)

    # --- what asyncio asks ------------------------------------------------------------------------

    def register(self, fileobj: Any, events: int, data: Any = None) -> Any:  # noqa: ANN401
        """Watch a descriptor, and take down whose it is."""
        if _is_of_client(data) or self._world.is_off:
            return self.inner.register(fileobj, events, data)
        if self._world.replaying:
            self._own = self._own or type(self.inner)()
        if not hasattr(self._own or self.inner, "fileno"):  # one of Windows' or of old systems
            return self.inner.register(fileobj, events, data)
        key = (self._own or self.inner).register(fileobj, events, data)
        self._program.add(key.fd)
        return key

    def unregister(self, fileobj: Any) -> Any:  # noqa: ANN401  (a selector's key)
        """Watch it no more."""
        key = self._of(fileobj).unregister(fileobj)
        self._program.discard(key.fd)
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> Any:  # noqa: ANN401
        """Watch it for other events."""
        return self._of(fileobj).modify(fileobj, events, data)

    def get_key(self, fileobj: Any) -> Any:  # noqa: ANN401  (a selector's key)
        """Give what it is watched for."""
        return self._of(fileobj).get_key(fileobj)

    def get_map(self) -> Any:  # noqa: ANN401  (a mapping)
        """Give all that is watched."""
        if self._own is None:
            return self.inner.get_map()
        return _Both(self.inner.get_map(), self._own.get_map())

    def close(self) -> None:
        """Close."""
        if self._own is not None:
            self._own.close()
        self.inner.close()

    def _of(self, fileobj: Any) -> Any:  # noqa: ANN401  (a selector)
        if self._own is not None:
            try:
                self._own.get_key(fileobj)
            except (KeyError, ValueError):
                return self.inner
            return self._own
        return self.inner

    # --- what the stand-in asks -------------------------------------------------------------------

    def next_key(self) -> Key | None:
        """Name what is expected next in a replay; None where the program waits for nothing."""
        return ("R", self._owner.name, self._count) if self._program else None

    def expect(self, gap_ns: int) -> None:
        """Wait really, since something came now in the recording, `gap_ns` after what was before.

        The world stands still meanwhile.
        """
        self._looks_until_ns = monotonic_ns() + min(max(_SHORTEST_NS, 2 * gap_ns), _LONGEST_NS)

    @property
    def is_expecting(self) -> bool:
        """Whether something real has to come before anything else."""
        return bool(self._looks_until_ns)

    def select_expected(self) -> Any:  # noqa: ANN401  (a selector's list)
        """Wait for it, as long as may be."""
        while monotonic_ns() < self._looks_until_ns:
            events = self._select(TICK_S, with_own=True)
            if events:
                return events
        self._took()
        return []

    def select(self, timeout: float | None) -> Any:  # noqa: ANN401  (a selector's list)
        """Select what may be looked at now."""
        key = self.next_key() if self._world.replaying else None
        is_awaited = key is not None and self._world.log.place_of(key) is not None
        return self._select(timeout, with_own=self.is_open or not is_awaited)

    def pass_through(self, timeout: float | None) -> Any:  # noqa: ANN401  (a selector's list)
        """Select as without us."""
        return self._select(timeout, with_own=True)

    def _select(self, timeout: float | None, *, with_own: bool) -> Any:  # noqa: ANN401  (as above)
        if self._own is None or not (with_own and self._program):
            events = self.inner.select(timeout)
            if self._program and any(key.fd in self._program for key, _ in events):
                self._took()
            return events
        self.inner.register(self._own, _READ, None)
        try:
            events = self.inner.select(timeout)
        finally:
            self.inner.unregister(self._own)
        plain = [one for one in events if one[0].fileobj is not self._own]
        own = self._own.select(0)
        if own:
            self._took()
        return plain + own

    def _took(self) -> None:
        """Take down that something real came."""
        key = self.next_key()
        self._looks_until_ns, self.is_open = 0, False
        self._count += 1
        if key is not None:
            with self._world.lock:
                self._world.note(key)


def _is_of_client(data: Any) -> bool:  # noqa: ANN401  (asyncio's pair of handles)
    """Whether a descriptor is a client's, below an interceptor, and none of the program's.

    A client's transport stays its own: the program's code lets it read on, and so has it registered
    again for each piece of a stream.
    """
    lane = lanes.current()
    is_here = lane.hidden or lane.covered
    for handle in data if isinstance(data, tuple) else ():
        owner = getattr(getattr(handle, "_callback", None), "__self__", None)
        marks = getattr(owner, "__dict__", {})
        if "_sock_fd" in marks:  # one of asyncio's transports
            return bool(marks.setdefault(_MARK, is_here))
    return is_here


class _Both:
    """Two mappings as one, to be looked into."""

    def __init__(self, one: Any, other: Any) -> None:  # noqa: ANN401  (mappings)
        self._maps = (one, other)

    def get(self, fileobj: Any, default: Any = None) -> Any:  # noqa: ANN401  (a selector's key)
        for one in self._maps:
            found = one.get(fileobj)
            if found is not None:
                return found
        return default

    def __getitem__(self, fileobj: Any) -> Any:  # noqa: ANN401  (as above)
        found = self.get(fileobj)
        if found is None:
            raise KeyError(fileobj)
        return found

    def __contains__(self, fileobj: Any) -> bool:  # noqa: ANN401  (as above)
        return self.get(fileobj) is not None

    def __iter__(self) -> Iterator[Any]:
        for one in self._maps:
            yield from one

    def __len__(self) -> int:
        return sum(map(len, self._maps))
