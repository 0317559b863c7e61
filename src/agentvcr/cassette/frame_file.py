"""The frames of a sealed file by their offsets.

Owns the open file, and what the last frame holds for others. Does not know how exchanges are found
(`sealed`).
"""

from __future__ import annotations

import os
import weakref
import zlib
from array import array
from collections.abc import Iterable
from itertools import accumulate, pairwise, takewhile
from threading import Lock
from typing import BinaryIO, TypeVar

from agentvcr.cassette import format as fmt
from agentvcr.cassette.frames import BrokenError, read_frame, records

R = TypeVar("R", bound=fmt.SealedRecord)


class Group:
    """A frame's data, and where its parts begin."""

    def __init__(self, record: fmt.Blobs | fmt.Rows) -> None:
        """Find the parts of a record.

        Raises:
            BrokenError: They do not fill it.
        """
        if sum(record.sizes) != len(record.data) or 0 in record.sizes:
            raise BrokenError("the parts of a group do not fill it")
        self.starts = array("I", accumulate(record.sizes, initial=0))
        self.data = memoryview(record.data)

    def parts(self, first: int, count: int) -> memoryview:
        """Give some parts, joined.

        Raises:
            BrokenError: There are not so many.
        """
        if not 0 <= first <= first + count < len(self.starts):
            raise BrokenError("a group does not hold what is looked for in it")
        return self.data[self.starts[first] : self.starts[first + count]]


class FrameFile:
    """The frames of a file by their offsets; the file is closed with the last who reads it."""

    def __init__(self, file: BinaryIO) -> None:
        """Take over an open file."""
        with file:
            self._descriptor = os.dup(file.fileno())
        self.size = os.fstat(self._descriptor).st_size
        self.close = weakref.finalize(self, os.close, self._descriptor)
        self._lock = Lock()
        self.last_offset = 0
        """Where the last frame lies."""
        self._last: list[fmt.Record | fmt.SealedRecord] = []

    def bytes_at(self, offset: int, size: int) -> bytes:
        """Read some bytes; fewer at the end of the file."""
        if hasattr(os, "pread"):
            return os.pread(self._descriptor, size, offset)
        with self._lock:
            os.lseek(self._descriptor, offset, os.SEEK_SET)
            return os.read(self._descriptor, size)

    def raw(self, offset: int) -> bytes:
        """Read and check a frame.

        Raises:
            BrokenError: It is not as it was written.
        """
        return read_frame(self.bytes_at, offset)[0]

    def only(self, offset: int, kind: type[R]) -> R:
        """Read a frame that holds one record, or find that record in the last frame.

        Raises:
            BrokenError: There is none, or more than one.
        """
        if offset == fmt.HERE:
            found = [one for one in self._last if isinstance(one, kind)]
        else:
            found = [one for one in records(self.raw(offset)) if isinstance(one, kind)]
        if len(found) != 1:
            raise BrokenError(f"there should be one {kind.__name__}")
        return found[0]

    def story(self, offset: int) -> Iterable[fmt.Record | fmt.SealedRecord]:
        """Read a part of the story."""
        if offset == fmt.HERE:
            return takewhile(lambda one: isinstance(one, fmt.OF_STORY), self._last)
        return records(self.raw(offset))

    def directory(self) -> fmt.Directory:
        """Read the last frame.

        Raises:
            BrokenError: It is not there, or not as it was written.
        """
        end = self.bytes_at(max(0, self.size - fmt.TRAILER.size), fmt.TRAILER.size)
        if len(end) < fmt.TRAILER.size or not end.endswith(fmt.END):
            raise BrokenError("its end is missing")
        offset, crc, _ = fmt.TRAILER.unpack(end)
        if zlib.crc32(end[:8]) != crc:
            raise BrokenError("the checksum of its end is wrong")
        if offset >= self.size:
            raise BrokenError("its end lies")
        self.last_offset = offset
        self._last = list(records(self.raw(offset)))
        directory = self._last.pop() if self._last else None
        if not isinstance(directory, fmt.Directory):
            raise BrokenError("it has no directory")
        if sum(one.count for one in directory.keys) > self.size:
            raise BrokenError("it claims more exchanges than it has bytes")
        _check_order(directory)
        return directory


def _check_order(directory: fmt.Directory) -> None:
    """Refuse a directory that has a reader read one frame again and again."""
    keys = directory.keys
    for offsets in (
        directory.story,
        [one.offset for one in directory.blobs],
        [one.offset for one in directory.rows],
        [one.keys_offset for one in keys],
        [one.fingerprints_offset for one in keys],
        [one.raw_hashes_offset for one in keys],
    ):
        if any(after <= before for before, after in pairwise(offsets)):
            raise BrokenError("its directory names a frame twice, or one before another")
