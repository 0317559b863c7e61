"""The log of a process: what happened to it from outside of its code, in the order it got it.

Owns the entries and how they are written. Does not decide when anything happens (`world`).

An entry's kind is one letter. Of an exchange: `S` it began, `D` something of it was delivered,
by a count of its own. Of a lane, with a count for each kind: `N` a thread or work item began, `T` a
timed wait ran out, `W` a call from another thread reached an event loop, `A` a lock went to this
lane, `X` an event loop was closed, or the session ended while it was open. Of an event loop: `R`
something real became ready in it.
"""

from __future__ import annotations

import struct

from agentvcr.inside.order.segments import waiter_of

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Container, Iterable, Union

    Who = Union[int, str]
    Key = tuple[str, Who, int]

OF_EXCHANGE = "SD"
OF_WAIT = "TA"
SOFT = "RAWX"
"""Kinds that may fail to come without anybody being told: what is real comes in other pieces."""
ENTRY = struct.Struct("<cBxxIIq")
"""Kind, whether others ran when it came, who (an exchange or a place among the names), which of its
kind, and the monotonic clock in nanoseconds: 20 bytes, little-endian."""


class Entry:
    """One thing that happened."""

    __slots__ = ("at_ns", "index", "kind", "overlap", "who")

    def __init__(
        self,
        kind: str,
        who: Who,
        index: int,
        at_ns: int,
        overlap: bool = False,  # noqa: FBT001, FBT002
    ) -> None:
        """Keep what happened, to whom, and when; `overlap` where others were still at work."""
        self.kind = kind
        self.who = who
        self.index = index
        self.at_ns = at_ns
        self.overlap = overlap

    @property
    def key(self) -> Key:
        """What it is known by."""
        return self.kind, self.who, self.index


def pack(entries: Iterable[Entry]) -> bytes:
    """Write entries, with the names that they use."""
    names: dict[str, int] = {}
    rows = []
    for one in entries:
        who = one.who if isinstance(one.who, int) else names.setdefault(one.who, len(names))
        rows.append(ENTRY.pack(one.kind.encode(), one.overlap, who, one.index, one.at_ns))
    told = [name.encode("utf-8", "surrogatepass") for name in names]
    head = struct.pack("<I", len(told))
    return b"".join((head, *(struct.pack("<I", len(one)) + one for one in told), *rows))


def unpack(data: bytes) -> list[Entry]:
    """Read what `pack` wrote.

    Raises:
        ValueError: It is something else.
    """
    try:
        return _unpacked(data)
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise ValueError("no log of events: %s" % error) from None


def _unpacked(data: bytes) -> list[Entry]:
    (count,) = struct.unpack_from("<I", data)
    offset, names = 4, []
    for _ in range(count):
        (size,) = struct.unpack_from("<I", data, offset)
        offset += 4 + size
        names.append(data[offset - size : offset].decode("utf-8", "surrogatepass"))
    found = []
    for kind_byte, overlap, who, index, at_ns in ENTRY.iter_unpack(data[offset:]):
        kind = kind_byte.decode("ascii")
        named: Who = who if kind in OF_EXCHANGE else names[who]
        found.append(Entry(kind, named, index, at_ns, bool(overlap)))
    return found


class Log:
    """The recorded log of a replayed process: what comes next."""

    def __init__(self, entries: list[Entry]) -> None:
        """Begin before the first entry."""
        self.entries = entries
        self.cur = 0
        """Place of the first entry that has not happened."""
        self.at: dict[Key, int] = {}
        self._happened: set[int] = set()
        for place, one in enumerate(entries):
            if self.at.setdefault(one.key, place) != place:
                self.mark(place)  # told twice: after an interruption, it is waited for once
        self.of_exchange: dict[Who, list[int]] = {}
        self.of_waits: dict[str, list[int]] = {}
        for place, one in enumerate(entries):
            if one.kind in OF_EXCHANGE:
                self.of_exchange.setdefault(one.who, []).append(place)
            elif one.kind in OF_WAIT:
                self.of_waits.setdefault(waiter_of(str(one.who)), []).append(place)

    @property
    def next(self) -> Entry | None:
        """The first entry that has not happened; None when all have."""
        return self.entries[self.cur] if self.cur < len(self.entries) else None

    def place_of(self, key: Key) -> int | None:
        """Say where an entry stands that is still to come; None where there is none."""
        place = self.at.get(key)
        if place is None or place < self.cur or place in self._happened:
            return None
        return place

    def began_ns(self, place: int) -> int:
        """Say when the waits for a time that end before a place began, or what is there itself."""
        while place and self.entries[place - 1].kind == "T":
            place -= 1
        return self.entries[max(0, place - 1)].at_ns

    def mark(self, place: int) -> None:
        """Take down that an entry has happened, or never will."""
        if place >= self.cur:
            self._happened.add(place)
            while self.cur in self._happened:
                self._happened.discard(self.cur)
                self.cur += 1

    def finish(self, exchange: Who, *, but: Container[int] = ()) -> None:
        """Expect nothing more of an exchange, `but` at places for which somebody waits."""
        for place in self.of_exchange.get(exchange, ()):
            if place not in but:
                self.mark(place)

    def finish_waits(self, who: str, *, but: Container[int] = ()) -> None:
        """Expect no more waits of a lane in a segment, `but` where somebody waits for them."""
        for place in self.of_waits.pop(who, ()):
            if place not in but:
                self.mark(place)
