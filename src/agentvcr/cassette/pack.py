"""Pack a run into groups with an index: the bytes of a sealed file.

Owns the layout of a sealed file. Does not cut bodies (`bodies`), does not name or replace files
(`seal`) and does not read a sealed file (`sealed`).

The order of exchanges is that of (lane, number), so that a conversation lies together. What is to
be sorted waits in a spool.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import BinaryIO, Final

import msgspec

from agentvcr.cassette import format as fmt
from agentvcr.cassette.bodies import SHORT, BodyStore, Piece, recipe_of
from agentvcr.cassette.frame_writer import FrameWriter
from agentvcr.cassette.frames import BrokenError, RecordTooLargeError
from agentvcr.model.exchange import Exchange, Response

GROUP: Final = 1 << 20
"""A group is closed when it holds this much."""
ONE_FRAME: Final = 1 << 20
"""A run that is smaller goes into one frame as a whole."""
BLOCK: Final = 8192
"""Keys of one block."""
_STREAM = b"text/event-stream"
_NO_BODIES = 2
"""Bytes of a row's two empty bodies, for which bodies are put in; behind them stands the place."""

KindOf = Callable[[Exchange], str]
"""Says what kind of step an exchange is on its own."""
Progress = Callable[[int, int], None]
"""Told how much of how much is done."""


class _Waiting(msgspec.Struct, gc=False):
    """An exchange whose row waits in the spool.

    A body is so many bytes of the spool behind the row, or pieces.
    """

    lane: str
    number: int
    offset: int
    size: int
    request: int | list[Piece]
    response: int | list[Piece]
    kind: str
    internal: bool
    fingerprint: bytes
    raw_hash: bytes
    place: str


class Packer:
    """Takes a run's story and its exchanges, in any order, and writes them as a sealed file."""

    def __init__(self, out: BinaryIO, spool: BinaryIO, kind_of: KindOf) -> None:
        """Write to `out`; keep in `spool` what is to be sorted."""
        self._output = FrameWriter(out)
        self._spool = spool
        self._kind_of = kind_of
        self._told: list[int] = []
        self._story: list[fmt.Record] = []
        self._story_bytes = 0
        self._at = 0
        self._encoder = msgspec.msgpack.Encoder()
        self._waiting: list[_Waiting] = []
        self._blobs = array("Q")  # offset and size of each in turn
        self._bodies = BodyStore(self._keep_blob)
        self._last_began_us = 0
        self._longest_body = 0

    def _keep_blob(self, data: bytes) -> None:
        self._blobs.extend((self._put(data), len(data)))

    def _put(self, data: bytes) -> int:
        at = self._at
        self._spool.write(data)
        self._at += len(data)
        return at

    def tell(self, record: fmt.Record | fmt.SealedRecord) -> None:
        """Take what is told of the run besides its exchanges, in its order.

        Raises:
            BrokenError: It is none of that.
        """
        if not isinstance(record, fmt.OF_STORY):
            raise BrokenError(f"a {type(record).__name__} stands where none belongs")
        self._story.append(record)
        self._story_bytes += len(self._encoder.encode(record))
        if self._story_bytes >= GROUP:
            self._close_story()

    def _close_story(self) -> None:
        if self._story:
            self._told.append(self._output.put(*self._story))
            self._story, self._story_bytes = [], 0

    def add(self, exchange: Exchange) -> None:
        """Take an exchange."""
        self._last_began_us = max(self._last_began_us, exchange.began_ns // 1000)
        # Bodies first: their pieces go into the spool too.
        request = self._request(exchange)
        response = self._response(exchange.response)
        behind = _NO_BODIES + len(self._encoder.encode(exchange.place))
        row = self._encoder.encode(_row(exchange))[:-behind]
        offset = self._put(row)
        for body in (request, response):
            if isinstance(body, bytes):
                self._put(body)
        self._waiting.append(
            _Waiting(
                lane=exchange.lane,
                number=exchange.number,
                offset=offset,
                size=len(row),
                request=request if isinstance(request, list) else len(request),
                response=response if isinstance(response, list) else len(response),
                kind=self._kind_of(exchange),
                internal=exchange.internal,
                fingerprint=exchange.fingerprint,
                raw_hash=exchange.raw_hash,
                place=exchange.place,
            )
        )

    def _cut(self, pieces: list[Piece], body: bytes) -> list[Piece]:
        self._longest_body = max(self._longest_body, len(body) + fmt.COST_OF_PART * len(pieces))
        return pieces

    def _request(self, exchange: Exchange) -> bytes | list[Piece]:
        body = exchange.request.body
        if len(body) < SHORT:
            return self._encoder.encode(body)
        return self._cut(self._bodies.add_request(body, exchange.lane), body)

    def _response(self, response: Response | None) -> bytes | list[Piece]:
        body = response.body if response else b""
        if response is None or len(body) < SHORT:
            return self._encoder.encode(body)
        is_stream = _content_type(response).startswith(_STREAM)
        pieces = self._bodies.add_response(body, is_stream=is_stream)
        return self._encoder.encode(body) if pieces is None else self._cut(pieces, body)

    def finish(self, progress: Progress) -> None:
        """Write what waits, the index and the trailer.

        Raises:
            RecordTooLargeError: Something is larger than a reader takes.
        """
        output = self._output
        groups = _Groups(output, self._spool, self._blobs)
        waiting = sorted(self._waiting, key=lambda one: (one.lane, one.number))
        for done, one in enumerate(waiting):
            progress(done, len(waiting))
            groups.add(one)
        waits = self._story_bytes + groups.bytes_waiting
        is_short = waits < ONE_FRAME and len(waiting) <= BLOCK  # so that its keys are one block
        output.is_one_frame = is_short and output.offset == len(fmt.SEALED)
        self._close_story()
        groups.close()
        waiting.sort(key=lambda one: one.number)
        output.finish(
            fmt.Directory(
                story=tuple(self._told),
                blobs=tuple(groups.blob_groups),
                rows=tuple(groups.row_groups),
                keys=tuple(_write_keys(output, waiting)),
                last_began_us=self._last_began_us,
            )
        )
        if self._longest_body > fmt.most_of_body(output.offset):
            raise RecordTooLargeError(f"a body of {self._longest_body} bytes that repeats itself")


def _content_type(response: Response) -> bytes:
    named = (value for name, value in response.headers if name.lower() == b"content-type")
    return next(named, b"")


def _row(exchange: Exchange) -> fmt.Row:
    """Give an exchange's row, with nothing for its bodies."""
    began_us = exchange.began_ns // 1000
    asked = exchange.request
    ending = exchange.ending
    closing = None
    if ending is not None:
        failure = ending.failure
        after_us = max(0, ending.at_ns // 1000 - began_us)
        named = (failure.type, failure.message) if failure else (None, None)
        closing = fmt.Closing(after_us, ending.kind, *named)
    return fmt.Row(
        lane=exchange.lane,
        number=exchange.number,
        process=exchange.process,
        client=exchange.client,
        at_us=began_us,
        method=asked.method,
        url=asked.url,
        headers=asked.headers,
        internal=exchange.internal,
        served_from=exchange.served_from,
        answer=_answer(exchange.response, began_us),
        closing=closing,
        request_body=(),
        response_body=(),
        place=exchange.place,
    )


def _answer(response: Response | None, began_us: int) -> fmt.Answer | None:
    if response is None:
        return None
    head_us = response.at_ns // 1000
    times = [head_us, *(chunk.at_ns // 1000 for chunk in response.chunks)]
    return fmt.Answer(
        after_us=max(0, head_us - began_us),
        status=response.status,
        reason=response.reason,
        http_version=response.http_version,
        headers=response.headers,
        chunks_after_us=tuple(max(0, after - before) for before, after in pairwise(times)),
        sizes=tuple(len(chunk.data) for chunk in response.chunks),
    )


class _Groups:
    """Blobs and rows on their way into frames, in the order in which rows need them."""

    def __init__(self, output: FrameWriter, spool: BinaryIO, places: Sequence[int]) -> None:
        self._output = output
        self._spool = spool
        self._places = places
        self._numbers: dict[int, int] = {}
        self._encoder = msgspec.msgpack.Encoder()
        self._blobs: list[bytes] = []
        self._blob_bytes = 0
        self._rows: list[bytes] = []
        self._row_bytes = 0
        self._first: tuple[str, int] = ("", 0)
        self.blob_groups: list[fmt.BlobGroup] = []
        self.row_groups: list[fmt.RowGroup] = []

    def add(self, one: _Waiting) -> None:
        self._spool.seek(one.offset)
        row = self._spool.read(one.size)
        place = self._encoder.encode(one.place)
        data = row + self._body(one.request) + self._body(one.response) + place
        if self._rows and self._row_bytes + len(data) > GROUP:
            self._close_rows()
        if not self._rows:
            self._first = (one.lane, one.number)
        self._rows.append(data)
        self._row_bytes += len(data)

    def _body(self, body: int | list[Piece]) -> bytes:
        if isinstance(body, int):
            return self._spool.read(body)
        place = self._spool.tell()
        blob, ways = self._blob, fmt.WAYS
        pieces = [blob(one // ways) * ways + one % ways for one in body]
        self._spool.seek(place)
        return self._encoder.encode(recipe_of(pieces))

    def _blob(self, old: int) -> int:
        """Give a piece its number in the file, and write it where it is first needed."""
        number = self._numbers.get(old)
        if number is None:
            number = self._numbers[old] = len(self._numbers)
            offset, size = self._places[2 * old], self._places[2 * old + 1]
            if self._blobs and self._blob_bytes + size > GROUP:
                self._close_blobs(number)
            self._spool.seek(offset)
            self._blobs.append(self._spool.read(size))
            self._blob_bytes += size
        return number

    def _close_blobs(self, following: int) -> None:
        if self._blobs:
            first = following - len(self._blobs)
            sizes = tuple(len(one) for one in self._blobs)
            offset = self._output.put(fmt.Blobs(first, sizes, b"".join(self._blobs)))
            self.blob_groups.append(fmt.BlobGroup(offset, first, len(sizes)))
            self._blobs, self._blob_bytes = [], 0

    def _close_rows(self) -> None:
        if self._rows:
            sizes = tuple(len(one) for one in self._rows)
            offset = self._output.put(fmt.Rows(sizes, b"".join(self._rows)))
            self.row_groups.append(fmt.RowGroup(offset, *self._first, len(sizes)))
            self._rows, self._row_bytes = [], 0

    @property
    def bytes_waiting(self) -> int:
        return self._blob_bytes + self._row_bytes

    def close(self) -> None:
        self._close_blobs(len(self._numbers))
        self._close_rows()


def _write_keys(output: FrameWriter, waiting: list[_Waiting]) -> list[fmt.KeyBlock]:
    blocks: list[fmt.KeyBlock] = []
    for block in _blocks(waiting):
        fingerprints = b"".join(one.fingerprint.ljust(fmt.HASH, b"\0") for one in block)
        raw_hashes = b"".join(one.raw_hash.ljust(fmt.HASH, b"\0") for one in block)
        blocks.append(
            fmt.KeyBlock(
                keys_offset=output.put(_keys(block)),
                fingerprints_offset=output.put(fmt.Fingerprints(fingerprints)),
                raw_hashes_offset=output.put(fmt.RawHashes(raw_hashes)),
                first=block[0].number,
                count=len(block),
            )
        )
    return blocks


def _blocks(waiting: list[_Waiting]) -> Iterator[list[_Waiting]]:
    """Divide exchanges so that neither their number nor their lanes and places are too much."""
    block: list[_Waiting] = []
    names: set[str] = set()
    size = 0
    for one in waiting:
        own = {one.lane, one.place}
        size += sum(map(len, own - names))
        if block and (len(block) == BLOCK or size > GROUP):
            yield block
            block, names, size = [], set(), sum(map(len, own))
        names |= own
        block.append(one)
    if block:
        yield block


def _keys(block: list[_Waiting]) -> fmt.Keys:
    lanes: dict[str, int] = {}
    kinds: dict[str, int] = {}
    places: dict[str, int] = {}
    place = tuple(places.setdefault(one.place, len(places)) for one in block)
    is_placed = any(places)
    numbers = [one.number for one in block]
    return fmt.Keys(
        first=numbers[0],
        gaps=tuple(after - before for before, after in pairwise([*numbers[:1], *numbers])),
        lane=tuple(lanes.setdefault(one.lane, len(lanes)) for one in block),
        lanes=tuple(lanes),
        kind=tuple(kinds.setdefault(one.kind, len(kinds)) for one in block),
        kinds=tuple(kinds),
        internal=tuple(one.number for one in block if one.internal),
        places=tuple(places) if is_placed else (),
        place=place if is_placed else (),
    )
