"""One request and all of its answer, as it was.

Owns the shape of an exchange in memory. Does not know how it is stored (`cassette`), nor what the
bodies mean (`providers`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, overload

import msgspec

Headers = tuple[tuple[bytes, bytes], ...]
"""Raw header pairs: order, case and duplicates kept."""

EndKind = Literal["eof", "closed", "abandoned", "cancelled", "failed", "cut"]
"""How an exchange ended: read to its end; closed early by the program; dropped without a close;
cancelled; failed with an error; or cut, when its process was gone before it ended."""


class Request(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the program asked. `body` is byte-exact but for credentials."""

    method: str
    url: str
    headers: Headers
    body: bytes


class Chunk(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One piece of an answer's body, undecoded, as the client's transport handed it over."""

    at_ns: int
    """Arrival, in nanoseconds since the run began."""
    data: bytes


class Response(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The answer's head and the chunks that the program received."""

    at_ns: int
    """When the head arrived, in nanoseconds since the run began."""
    status: int
    reason: bytes
    http_version: bytes
    headers: Headers
    chunks: tuple[Chunk, ...]

    @property
    def body(self) -> bytes:
        """All chunks joined: wire bytes, still content-encoded."""
        return b"".join(chunk.data for chunk in self.chunks)


class Failure(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An exception that ended an exchange, by name."""

    type: str
    """The class's module and qualified name, for example `httpx.ReadTimeout`."""
    message: str


class Ending(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How and when an exchange was over."""

    at_ns: int
    kind: EndKind
    failure: Failure | None = None


class Exchange(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One request and all of its answer. `response` and `ending` are None while it is in flight."""

    number: int
    """1, 2, 3 … in the order in which requests began."""
    process: int
    """Index of the process that asked, in `Run.processes`."""
    lane: str
    client: str
    """The client library, for example `httpx2`."""
    began_ns: int
    request: Request
    fingerprint: bytes
    raw_hash: bytes
    """Hash of the request with its body as it was sent, so that an unchanged one need not be parsed
    to be found again. Empty where a credential was taken out of the body."""
    internal: bool = False
    """Kept for viewing, never served: the peer is a process of this run, or the request was made in
    a recorded function, whose call is answered as a whole."""
    served_from: int | None = None
    """In a replay: the number of the recorded exchange whose answer this is."""
    place: str = ""
    """Where in the tree of steps: the path of the step around it, and the lanes between the two.
    Of a recorded function's call its own path. Empty outside of every named step."""
    response: Response | None = None
    ending: Ending | None = None


GATEWAY_CLIENT = "gateway"
"""The client of an exchange of a program that is not Python: nobody saw how far it read."""
CALL_CLIENT = "agentvcr.tool"
"""The client of an exchange that is the call of a recorded function."""


def is_call(exchange: Exchange) -> bool:
    """Whether an exchange is the call of a recorded function."""
    return exchange.client == CALL_CLIENT


class Key(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What an exchange is found by: no body has to be read for it."""

    number: int
    lane: str
    fingerprint: bytes
    raw_hash: bytes
    internal: bool = False
    kind: str = ""
    """The kind of step that it is on its own, `call` for that of a recorded function; empty where
    nobody has said."""
    place: str = ""


class Exchanges(Sequence[Exchange]):
    """The exchanges of a run in the order of their numbers; read one by one where they can be."""

    @property
    @abstractmethod
    def last_began_ns(self) -> int:
        """When the last of them began; 0 where there is none."""

    @abstractmethod
    def list_keys(self) -> Sequence[Key]:
        """Give what each is found by, in the same order."""

    @abstractmethod
    def numbered(self, number: int) -> Exchange:
        """Give the exchange of that number.

        Raises:
            KeyError: There is none.
        """

    @abstractmethod
    def _at(self, index: int) -> Exchange:
        """Give the exchange at an index from 0 on."""

    @overload
    def __getitem__(self, index: int) -> Exchange: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Exchange, ...]: ...

    def __getitem__(self, index: int | slice) -> Exchange | tuple[Exchange, ...]:
        places = range(len(self))[index]
        return self._at(places) if isinstance(places, int) else tuple(map(self._at, places))

    def __iter__(self) -> Iterator[Exchange]:
        return map(self._at, range(len(self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Exchanges) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]  # as of a list: what is read may be large


class Kept(Exchanges):
    """Exchanges held in memory."""

    def __init__(self, exchanges: Iterable[Exchange] = ()) -> None:
        """Hold them, by number."""
        self._all = sorted(exchanges, key=lambda one: one.number)
        self._by_number = {one.number: one for one in self._all}

    @property
    def last_began_ns(self) -> int:
        """When the last of them began."""
        return max((one.began_ns for one in self._all), default=0)

    def list_keys(self) -> Sequence[Key]:
        """Give what each is found by."""
        return [
            Key(
                number=one.number,
                lane=one.lane,
                fingerprint=one.fingerprint,
                raw_hash=one.raw_hash,
                internal=one.internal,
                kind="call" if is_call(one) else "",
                place=one.place,
            )
            for one in self._all
        ]

    def numbered(self, number: int) -> Exchange:
        """Give the exchange of that number."""
        return self._by_number[number]

    def __len__(self) -> int:
        return len(self._all)

    def _at(self, index: int) -> Exchange:
        return self._all[index]
