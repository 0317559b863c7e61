"""Frames and the records in them: from bytes to typed records.

Owns the checks that every reader needs: bounds before anything is allocated, checksums before
anything is decompressed. Does not open files and does not know what records mean.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from threading import local
from typing import TypeVar

import msgspec
import zstandard

from agentvcr.cassette import format as fmt
from agentvcr.cassette.vocabulary import dictionary

T = TypeVar("T")


class BrokenError(Exception):
    """Bytes that nobody wrote like this; says what is wrong with them."""


class RecordTooLargeError(Exception):
    """Something is larger than a reader takes; nothing of it was written."""


class UnknownRecordError(Exception):
    """A record of a type that a later version has; says which."""


def read_frame(read: Callable[[int, int], bytes], offset: int) -> tuple[bytes, int]:
    """Read a frame that stands alone; gives its records and where the next one begins.

    Args:
        read: Gives so many bytes from an offset on; fewer at the end of the file.
        offset: Where it begins.

    Raises:
        BrokenError: It is not as it was written.
    """
    header = read(offset, fmt.FRAME.size)
    if len(header) < fmt.FRAME.size:
        raise BrokenError("the file ends where a frame should be")
    length, raw_length, crc = fmt.FRAME.unpack(header)
    check_sizes(length, raw_length)
    start = offset + fmt.FRAME.size
    payload = read(start, length)
    if len(payload) < length:
        raise BrokenError("the file ends inside a frame")
    check_sum(payload, crc)
    return decompress(payload, raw_length), start + length


def check_sizes(length: int, raw_length: int) -> None:
    """Refuse a frame whose header claims too much.

    Raises:
        BrokenError: It does.
    """
    if length > fmt.MAX_FRAME or raw_length > fmt.MAX_FRAME:
        raise BrokenError("a frame claims an impossible size")


def check_sum(payload: bytes, crc: int) -> None:
    """Compare a payload with its checksum.

    Raises:
        BrokenError: It is another.
    """
    if zlib.crc32(payload) != crc:
        raise BrokenError("a frame's checksum is wrong")


_OWN = local()
"""A thread's own decompressors: one serves one caller at a time, and to make one takes a while."""


def _decompressor(*, is_short: bool) -> zstandard.ZstdDecompressor:
    name = "short" if is_short else "long"
    found = _OWN.__dict__.get(name)
    if found is None:
        words = dictionary() if is_short else None
        found = _OWN.__dict__[name] = zstandard.ZstdDecompressor(dict_data=words)
    return found


def decompress(payload: bytes, raw_length: int) -> bytes:
    """Decompress a frame that stands alone, which must be of the size that its header says.

    Raises:
        BrokenError: It is not, or does not decompress.
    """
    try:
        parameters = zstandard.get_frame_parameters(payload)
        claimed = parameters.content_size
        if claimed != raw_length or parameters.window_size > fmt.MAX_FRAME:
            raise BrokenError("a frame has another size than it says")
        if not raw_length:
            return b""
        decompressor = _decompressor(is_short=raw_length < fmt.LONG_FRAME)
        raw = decompressor.decompress(payload, allow_extra_data=False)
    except zstandard.ZstdError:
        raise BrokenError("a frame does not decompress") from None
    if len(raw) != raw_length:
        raise BrokenError("a frame has another size than it says")
    return raw


_DECODERS = {
    number: msgspec.msgpack.Decoder(struct_type)
    for types in (fmt.TYPES, fmt.SEALED_TYPES)
    for number, struct_type in types.items()
}


def records(raw: bytes) -> Iterator[fmt.Record | fmt.SealedRecord]:
    """Read the records of a decompressed frame.

    Raises:
        BrokenError: They do not fill it, or make no sense.
        UnknownRecordError: One is of a later version.
    """
    offset, size = 0, len(raw)
    view = memoryview(raw)
    header, width, decoders = fmt.RECORD.unpack_from, fmt.RECORD.size, _DECODERS
    while offset < size:
        start = offset + width
        if start > size:
            raise BrokenError("a record is cut short inside its frame")
        number, length = header(raw, offset)
        offset = start + length
        if offset > size:
            raise BrokenError("a record is longer than its frame")
        decoder = decoders.get(number)
        if decoder is not None:
            yield _decoded(decoder, view[start:offset])
        elif number < fmt.EXTENSION:
            raise UnknownRecordError(number)


def decode_row(data: memoryview) -> fmt.Row:
    """Read one row of `Rows`.

    Raises:
        BrokenError: It makes no sense.
    """
    return _decoded(_ROW, data)


def decode_place(data: memoryview) -> tuple[str, int]:
    """Read lane and number of a row, and no more of it.

    Raises:
        BrokenError: It makes no sense.
    """
    place = _decoded(_PLACE, data)
    return place.lane, place.number


class _Place(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What a row begins with."""

    lane: str
    number: fmt.Index


_ROW = msgspec.msgpack.Decoder(fmt.Row)
_PLACE = msgspec.msgpack.Decoder(_Place)


def _decoded(decoder: msgspec.msgpack.Decoder[T], data: memoryview) -> T:
    try:
        return decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BrokenError(f"a record makes no sense: {error}") from None
