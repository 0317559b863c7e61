"""Read a sealed cassette: one exchange without the rest.

Owns the way from the trailer to a frame, and how many frames are kept in memory. Each frame is
checked when it is first read. Does not write one (`pack`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import BinaryIO, Self

from agentvcr.cassette import format as fmt
from agentvcr.cassette.assembly import NS_PER_US, ending_of
from agentvcr.cassette.bodies import written
from agentvcr.cassette.chunks import MOST_OF_ANSWER
from agentvcr.cassette.frame_file import FrameFile, Group
from agentvcr.cassette.frames import (
    BrokenError,
    decode_place,
    decode_row,
)
from agentvcr.cassette.opening import open_cassette, told_of
from agentvcr.model.exchange import Chunk, Exchange, Exchanges, Key, Request, Response

_KEPT = 12
"""Groups of each kind that are kept decompressed."""


class SealedFile(Exchanges):
    """A sealed cassette, open for reading. Its exchanges are read when they are asked for."""

    def __init__(
        self, path: Path, file: BinaryIO | None = None, directory: fmt.Directory | None = None
    ) -> None:
        """Open the file, read its trailer and directory.

        Args:
            path: The cassette.
            file: It, open; taken over and closed.
            directory: What is known of its frames, where the file's own directory is broken.

        Raises:
            CassetteMissingError, CassetteForeignError, CassetteVersionError, CassetteDamagedError:
                As their names say; also where it is a journal.
        """
        self._path = path
        if file is None:
            file, state = open_cassette(path)
            if state != "sealed":
                file.close()
                with told_of(path, 0):
                    raise BrokenError("it is a journal, and no sealed file")
        self._frames = FrameFile(file)
        with told_of(path, lambda: self._frames.size):
            self._directory = directory or self._frames.directory()
        self._count = sum(one.count for one in self._directory.keys)
        self._blob_starts = [one.first for one in self._directory.blobs]
        self._row_starts = [(one.lane, one.number) for one in self._directory.rows]
        self._key_starts = [one.first for one in self._directory.keys]
        self._lock = Lock()
        self._groups: OrderedDict[tuple[int, type], Group] = OrderedDict()
        self._keys: dict[int, tuple[fmt.Keys, list[int]]] = {}
        self._last_hashes: dict[tuple[int, type], bytes] = {}

    def close(self) -> None:
        """Close the file."""
        self._frames.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return self._count

    @property
    def directory(self) -> fmt.Directory:
        """Where everything lies."""
        return self._directory

    @property
    def frames(self) -> FrameFile:
        """The frames of the file."""
        return self._frames

    @property
    def last_began_ns(self) -> int:
        """When the last exchange began."""
        return self._directory.last_began_us * NS_PER_US

    def story(self) -> Iterator[fmt.Record | fmt.SealedRecord]:
        """Read what is told of the run besides its exchanges."""
        for offset in self._directory.story:
            with told_of(self._path, offset):
                yield from self._frames.story(offset)

    def matching(self, fingerprint: bytes) -> list[int]:
        """Give the numbers of the exchanges that have that fingerprint."""
        found: list[int] = []
        if len(fingerprint) != fmt.HASH:
            return found
        for block, place in enumerate(self._directory.keys):
            hashes = self._fingerprints(place)
            at = hashes.find(fingerprint)
            while at >= 0:
                if at % fmt.HASH == 0:
                    found.append(self._block(block)[1][at // fmt.HASH])
                at = hashes.find(fingerprint, at + 1)
        return found

    def numbered(self, number: int) -> Exchange:
        """Read one exchange.

        Raises:
            KeyError: There is none of that number.
            CassetteDamagedError: What is to be read of it is broken.
        """
        block = bisect_right(self._key_starts, number) - 1
        if block < 0:
            raise KeyError(number)
        numbers = self._block(block)[1]
        index = bisect_right(numbers, number) - 1
        if index < 0 or numbers[index] != number:
            raise KeyError(number)
        return self._exchange(block, index)

    def list_keys(self) -> Sequence[Key]:
        """Read what each exchange is found by."""
        found: list[Key] = []
        for block, place in enumerate(self._directory.keys):
            keys, numbers = self._block(block)
            fingerprints, raw_hashes = self._fingerprints(place), self._raw_hashes(place)
            internal = set(keys.internal)
            found.extend(
                Key(
                    number=number,
                    lane=keys.lanes[keys.lane[index]],
                    fingerprint=_hash(fingerprints, index),
                    raw_hash=_given(_hash(raw_hashes, index)),
                    internal=number in internal,
                    kind=keys.kinds[keys.kind[index]],
                    place=keys.places[keys.place[index]] if keys.place else "",
                )
                for index, number in enumerate(numbers)
            )
        return found

    def _at(self, index: int) -> Exchange:
        for block, place in enumerate(self._directory.keys):
            if index < place.count:
                return self._exchange(block, index)
            index -= place.count
        raise IndexError(index)

    def _exchange(self, block: int, index: int) -> Exchange:
        place = self._directory.keys[block]
        keys, numbers = self._block(block)
        lane, number = keys.lanes[keys.lane[index]], numbers[index]
        group = bisect_right(self._row_starts, (lane, number)) - 1
        if group < 0:
            with told_of(self._path, place.keys_offset):
                raise BrokenError(f"exchange {number} has no place")
        row = self._row(group, lane, number)
        fingerprint = _hash(self._fingerprints(place), index)
        return self.built(row, fingerprint, _given(_hash(self._raw_hashes(place), index)))

    def _row(self, group: int, lane: str, number: int) -> fmt.Row:
        """Find a row in its group by halving: rows are in the order of (lane, number)."""
        place = self._directory.rows[group]
        rows = self._group(place.offset, fmt.Rows)
        with told_of(self._path, place.offset):
            low, high = 0, place.count
            while low < high:
                middle = (low + high) // 2
                found = decode_place(rows.parts(middle, 1))
                if found == (lane, number):
                    return decode_row(rows.parts(middle, 1))
                if found < (lane, number):
                    low = middle + 1
                else:
                    high = middle
            raise BrokenError(f"exchange {number} is not where the index says")

    def rows(self, group: fmt.RowGroup) -> Iterator[fmt.Row]:
        """Read the rows of a group one by one.

        Raises:
            CassetteDamagedError: One is broken.
        """
        rows = self._group(group.offset, fmt.Rows)
        with told_of(self._path, group.offset):
            for index in range(group.count):
                yield decode_row(rows.parts(index, 1))

    def built(self, row: fmt.Row, fingerprint: bytes, raw_hash: bytes) -> Exchange:
        """Put an exchange together.

        Raises:
            CassetteDamagedError: A piece of it is broken.
        """
        closing = row.closing
        return Exchange(
            number=row.number,
            process=row.process,
            lane=row.lane,
            client=row.client,
            began_ns=row.at_us * NS_PER_US,
            request=Request(
                method=row.method,
                url=row.url,
                headers=row.headers,
                body=self._body(row.request_body),
            ),
            fingerprint=fingerprint,
            raw_hash=raw_hash,
            internal=row.internal,
            served_from=row.served_from,
            place=row.place,
            response=self._response(row, row.answer) if row.answer else None,
            ending=ending_of(row.at_us + closing.after_us, closing) if closing else None,
        )

    def _response(self, row: fmt.Row, answer: fmt.Answer) -> Response:
        body = self._body(row.response_body)
        sizes, waits = answer.sizes, answer.chunks_after_us
        is_sound = len(sizes) == len(waits) <= MOST_OF_ANSWER
        if not is_sound or sum(sizes) != len(body):
            with told_of(self._path, 0):
                raise BrokenError(f"chunks of exchange {row.number} have other sizes than they say")
        head_us = row.at_us + answer.after_us
        chunks: list[Chunk] = []
        start, at_us = 0, head_us
        for size, wait_us in zip(sizes, waits, strict=True):
            at_us += wait_us
            chunks.append(Chunk(at_ns=at_us * NS_PER_US, data=body[start : start + size]))
            start += size
        return Response(
            at_ns=head_us * NS_PER_US,
            status=answer.status,
            reason=answer.reason,
            http_version=answer.http_version,
            headers=answer.headers,
            chunks=tuple(chunks),
        )

    def _body(self, recipe: fmt.Recipe) -> bytes:
        if isinstance(recipe, bytes):
            return recipe
        parts: list[bytes | memoryview] = []
        size, most = 0, fmt.most_of_body(self._frames.size)
        with told_of(self._path, 0):
            if len(recipe) % 2:
                raise BrokenError("a body's pieces come in pairs")
            for first, code in zip(recipe[::2], recipe[1::2], strict=True):
                count, way = divmod(code, fmt.WAYS)
                for part in self._blobs(first, count, by_one=way != fmt.Way.PLAIN):
                    said = written(part, way)
                    size += len(said) + fmt.COST_OF_PART
                    if size > most:
                        raise BrokenError("a body claims an impossible size")
                    parts.append(said)
        return b"".join(parts)

    def _blobs(self, first: int, count: int, *, by_one: bool) -> Iterator[memoryview]:
        """Give blobs, those of one group joined unless they are wanted one by one."""
        while count > 0:
            index = bisect_right(self._blob_starts, first) - 1
            if index < 0:
                raise BrokenError(f"there is no piece {first}")
            place = self._directory.blobs[index]
            inside = first - place.first
            taken = min(1 if by_one else count, place.count - inside)
            if taken <= 0:
                raise BrokenError(f"there is no piece {first}")
            yield self._group(place.offset, fmt.Blobs).parts(inside, taken)
            first, count = first + taken, count - taken

    def _group(self, offset: int, kind: type[fmt.Blobs | fmt.Rows]) -> Group:
        key = offset, kind
        with self._lock:
            group = self._groups.pop(key, None)
        if group is None:
            with told_of(self._path, offset):
                group = Group(self._frames.only(offset, kind))
        with self._lock:
            self._groups[key] = group  # last: used most lately
            if len(self._groups) > 2 * _KEPT:
                self._groups.popitem(last=False)
        return group

    def _block(self, index: int) -> tuple[fmt.Keys, list[int]]:
        found = self._keys.get(index)
        if found is None:
            place = self._directory.keys[index]
            with told_of(self._path, place.keys_offset):
                keys = self._frames.only(place.keys_offset, fmt.Keys)
                lengths = {len(keys.gaps), len(keys.lane), len(keys.kind), place.count}
                bounds = max(keys.lane, default=-1) < len(keys.lanes)
                placed = len(keys.place) in (0, place.count)
                bounds = bounds and max(keys.place, default=-1) < len(keys.places)
                bounds = bounds and max(keys.kind, default=-1) < len(keys.kinds)
                if len(lengths) > 1 or not bounds or not placed:
                    raise BrokenError("the columns of the index do not fit each other")
                numbers = list(accumulate(keys.gaps, initial=keys.first))[1:]
                if numbers[:1] != [place.first]:
                    raise BrokenError("a block of keys begins with another number")
            found = self._keys[index] = keys, numbers
        return found

    def _fingerprints(self, place: fmt.KeyBlock) -> bytes:
        return self._hashes(place.fingerprints_offset, place.count, fmt.Fingerprints)

    def _raw_hashes(self, place: fmt.KeyBlock) -> bytes:
        return self._hashes(place.raw_hashes_offset, place.count, fmt.RawHashes)

    def _hashes(
        self, offset: int, count: int, kind: type[fmt.Fingerprints | fmt.RawHashes]
    ) -> bytes:
        key = offset, kind
        data = self._last_hashes.get(key)
        if data is None:
            with told_of(self._path, offset):
                data = self._frames.only(offset, kind).data
                if len(data) != fmt.HASH * count:
                    raise BrokenError("a block of hashes has another size than the index says")
            if len(self._last_hashes) > _KEPT:
                self._last_hashes.clear()
            self._last_hashes[key] = data
        return data


def _hash(hashes: bytes, index: int) -> bytes:
    return hashes[index * fmt.HASH : (index + 1) * fmt.HASH]


def _given(raw_hash: bytes) -> bytes:
    return raw_hash if any(raw_hash) else b""
