"""Read a cassette: whole frames, typed records, and the run they tell.

Owns the way from bytes to `model`. Trusts nothing in the file: sizes are bounded before anything is
allocated, checksums are compared before anything is decompressed, and no code is executed.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec
import zstandard

from agentvcr.cassette import format as fmt
from agentvcr.cassette.assembly import RunBuilder
from agentvcr.errors import (
    CassetteDamagedError,
    CassetteEmptyError,
    CassetteForeignError,
    CassetteMissingError,
    CassetteVersionError,
)
from agentvcr.model.run import Run

EXTENSION = ".avcr"
LAST = ".last.avcr"
"""A replay's own recording lies beside its cassette under this ending."""
_SLICE = 512
"""Compressed bytes taken at a time: they expand to 16 MiB at most, so a bomb is seen early."""


def last_of(path: Path) -> Path:
    """Name the file that keeps the latest replay of `path`."""
    name = path.name.removesuffix(EXTENSION)
    return path.with_name(name + LAST)


def newest_cassette(folder: Path) -> Path:
    """Find the newest cassette in `folder`, leaving out those of replays.

    Raises:
        CassetteMissingError: There is none.
    """
    found = [path for path in folder.glob("*" + EXTENSION) if not path.name.endswith(LAST)]
    if not found:
        raise CassetteMissingError(
            f"there is no cassette in {folder}",
            where=str(folder),
            cure="name one, or record one: agentvcr record -- CMD",
        )
    return max(found, key=lambda path: (path.stat().st_mtime_ns, path.name))


def load_run(path: Path) -> Run:
    """Read a whole run into memory.

    Raises:
        CassetteMissingError, CassetteEmptyError, CassetteForeignError, CassetteVersionError,
        CassetteDamagedError: As their names say.
    """
    builder = RunBuilder(str(path))
    with _open(path) as file:
        _check_magic(file, path)
        for payload in _Payloads(file, path, builder):
            for record in _records(payload, path):
                builder.add(record)
    return builder.build()


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise CassetteMissingError(
            f"there is no cassette {path}", where=str(path), cure="agentvcr ls shows those there"
        ) from None
    except OSError as error:
        cure = "name a file in it" if path.is_dir() else "check its permissions"
        raise CassetteMissingError(
            f"cannot read {path}: {error.strerror}", where=str(path), cure=cure
        ) from None


def _check_magic(file: BinaryIO, path: Path) -> None:
    magic = file.read(len(fmt.MAGIC))
    if not magic:
        raise CassetteEmptyError(
            f"{path} is empty", where=str(path), cure="record it again with --force"
        )
    if magic[:-1] != fmt.MAGIC[: len(magic)][:-1] or len(magic) < len(fmt.MAGIC):
        raise CassetteForeignError(
            f"{path} is not a cassette", where="its first bytes", cure="name an .avcr file"
        )
    if magic[-1] != fmt.VERSION:
        raise CassetteVersionError(
            f"{path} has format version {magic[-1]}, this AgentVCR reads {fmt.VERSION}",
            where="byte 12",
            cure="install the AgentVCR that wrote it, or a newer one",
        )


class _Payloads:
    """The decompressed frames of a journal, one after the other."""

    def __init__(self, file: BinaryIO, path: Path, builder: RunBuilder) -> None:
        self._file = file
        self._path = path
        self._builder = builder
        self._size = os.fstat(file.fileno()).st_size
        decompressor = zstandard.ZstdDecompressor(max_window_size=1 << fmt.WINDOW_LOG)
        self._stream = decompressor.decompressobj()

    def __iter__(self) -> Iterator[bytes]:
        offset = self._file.tell()
        while offset < self._size:
            header = self._file.read(fmt.FRAME.size)
            if len(header) < fmt.FRAME.size:
                break
            length, raw_length, crc = fmt.FRAME.unpack(header)
            if not any(header):  # a tail of zeros, which some file systems leave after a crash
                break
            if length > fmt.MAX_FRAME or raw_length > fmt.MAX_FRAME:
                raise _damaged(self._path, offset, "a frame claims an impossible size")
            payload = self._file.read(length)
            if len(payload) < length:
                break
            if zlib.crc32(payload) != crc:
                raise _damaged(self._path, offset, "a frame's checksum is wrong")
            yield self._decompress(payload, raw_length, offset)
            offset += len(header) + length
        self._builder.torn_bytes = self._size - offset

    def _decompress(self, payload: bytes, raw_length: int, offset: int) -> bytes:
        out: list[bytes] = []
        size = 0
        try:
            for start in range(0, len(payload), _SLICE):
                out.append(self._stream.decompress(payload[start : start + _SLICE]))
                size += len(out[-1])
                if size > raw_length:
                    break
        except zstandard.ZstdError:
            raise _damaged(self._path, offset, "a frame does not decompress") from None
        if size != raw_length:
            raise _damaged(self._path, offset, "a frame has another size than it says")
        return b"".join(out)


_DECODERS = {
    number: msgspec.msgpack.Decoder(struct_type) for number, struct_type in fmt.TYPES.items()
}


def _records(raw: bytes, path: Path) -> Iterator[fmt.Record]:
    offset = 0
    while offset < len(raw):
        if offset + fmt.RECORD.size > len(raw):
            raise _damaged(path, offset, "a record is cut short inside its frame")
        number, length = fmt.RECORD.unpack_from(raw, offset)
        start = offset + fmt.RECORD.size
        offset = start + length
        if offset > len(raw):
            raise _damaged(path, start, "a record is longer than its frame")
        decoder = _DECODERS.get(number)
        if decoder is None:
            if number >= fmt.EXTENSION:
                continue
            raise CassetteVersionError(
                f"{path} holds a record of type {number}, which this AgentVCR does not know",
                where=f"record type {number}",
                cure="install a newer AgentVCR",
            )
        try:
            yield decoder.decode(memoryview(raw)[start:offset])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise _damaged(path, start, f"a record makes no sense: {error}") from None


def _damaged(path: Path, offset: int, what: str) -> CassetteDamagedError:
    return CassetteDamagedError(
        f"{path} is damaged: {what}",
        where=f"byte {offset}",
        cure="fetch the file again from where it came, or record the run anew",
    )
