"""Write a journal: the cassette while it is being recorded.

Owns the one file that grows. Appends whole frames with one write each, so that a crash at any
moment tears at most the last one. Does not decide what is recorded.
"""

from __future__ import annotations

import contextlib
import os
import stat
import zlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import zstandard

from agentvcr.cassette.format import FRAME, JOURNAL, MAX_FRAME, NUMBERS, RECORD, WINDOW_LOG, Record
from agentvcr.cassette.frames import RecordTooLargeError
from agentvcr.cassette.holding import hold, let_go
from agentvcr.errors import TargetExistsError, TargetUnwritableError

_LEVEL = 3
_FRAME_FULL = MAX_FRAME // 4
"""A frame is closed when it holds this much; a record is at most `PIECE` and a little."""


_idle: list[zstandard.ZstdCompressor] = []
"""One that nobody uses, for the next journal: its tables are a megabyte, to be asked for anew."""


def _new_compressor() -> zstandard.ZstdCompressor:
    parameters = zstandard.ZstdCompressionParameters.from_level(_LEVEL, window_log=WINDOW_LOG)
    return zstandard.ZstdCompressor(compression_params=parameters)


class JournalBrokenError(OSError):
    """The journal could not be written further; what it holds is whole."""


class Journal:
    """An append-only cassette file, open for writing."""

    def __init__(self, path: Path, *, force: bool = False) -> None:
        """Create the file with its magic.

        Raises:
            TargetExistsError: It exists, and `force` was not given.
            TargetUnwritableError: It cannot be created there.
        """
        self.path = path
        self._file = _create(path, force=force)
        self._encoder = msgspec.msgpack.Encoder()
        self._compressor = _idle.pop() if _idle else _new_compressor()
        self._stream = self._compressor.compressobj()
        self._pending = bytearray()
        self._first: Callable[[], Record] | None = None
        self._size = 0
        self._broken: JournalBrokenError | None = None
        try:
            self._write(JOURNAL)
        except JournalBrokenError as error:
            os.close(self._file)
            discard(path)
            raise _unwritable(path, str(error.strerror)) from None

    def begin_with(self, make: Callable[[], Record]) -> None:
        """Have the first record made once there is anything to write."""
        self._first = make

    def _begin(self) -> None:
        make, self._first = self._first, None
        if make is not None:
            self.add(make())

    def add(self, record: Record) -> None:
        """Put a record into the frame that is being filled; on disk after `flush`.

        Raises:
            JournalBrokenError: As `flush` does.
            RecordTooLargeError: Bodies and chunks come in pieces; something else did not.
        """
        if self._first is not None:
            self._begin()
        data = self._encoder.encode(record)
        if len(data) > MAX_FRAME // 2:
            kind = type(record).__name__
            raise RecordTooLargeError(f"a record ({kind}) of {len(data)} bytes")
        self._pending += RECORD.pack(NUMBERS[type(record)], len(data))
        self._pending += data
        if len(self._pending) > _FRAME_FULL:
            self.flush()

    def flush(self) -> None:
        """Hand the pending records to the operating system as one frame.

        Raises:
            JournalBrokenError: The disk is full, or the like. The file ends with its last whole
                frame, and nothing more will be written.
        """
        if self._first is not None:
            self._begin()
        if not self._pending:
            return
        if self._broken is not None:
            self._pending.clear()
            raise self._broken
        raw = bytes(self._pending)
        self._pending.clear()
        payload = self._stream.compress(raw)
        payload += self._stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        self._write(FRAME.pack(len(payload), len(raw), zlib.crc32(payload)) + payload)

    def sync(self) -> None:
        """Flush, and wait until the disk has it."""
        self.flush()
        os.fsync(self._file)

    def close(self) -> None:
        """Flush and close."""
        try:
            self.flush()
        finally:
            let_go(self._file)  # a fork that has just begun has it open too
            os.close(self._file)
            if not _idle:
                _idle.append(self._compressor)

    def drop(self) -> None:
        """Close without what is pending."""
        self._pending.clear()
        self._first = None
        self.close()

    def abandon(self) -> None:
        """Let go of the file in the child of a fork, which would keep it locked."""
        self._pending.clear()
        self._first = None
        self._broken = JournalBrokenError(0, "it belongs to another process", str(self.path))
        os.close(self._file)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._file, view) :]
        except OSError as error:
            with contextlib.suppress(OSError):  # the torn tail is cut by every reader anyway
                os.ftruncate(self._file, self._size)
            self._broken = JournalBrokenError(error.errno, error.strerror, str(self.path))
            raise self._broken from error
        self._size += len(data)


def discard(path: Path) -> None:
    """Remove a journal that nothing was recorded in; never a device, a link or a folder."""
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISREG(path.lstat().st_mode):
            path.unlink()


def check_new(path: Path, *, force: bool) -> None:
    """Say beforehand that a journal cannot be made there, where that can be seen.

    Raises:
        TargetExistsError: It exists, and `force` was not given.
        TargetUnwritableError: It cannot be created there.
    """
    folder = next((one for one in path.parents if one.exists()), path.parent)
    if path.is_dir():
        raise _unwritable(path, "it is a folder")
    if path.exists() and not force:
        raise _existing(path)
    if not folder.is_dir():
        raise _unwritable(path, "a part of its path is a file")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise _unwritable(path, "permission denied")


def _create(path: Path, *, force: bool) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | (0 if force else os.O_EXCL)
    try:
        return _emptied(_opened(path, flags | getattr(os, "O_BINARY", 0)), path)
    except (FileExistsError, NotADirectoryError):
        if path.is_dir():
            raise _unwritable(path, "it is a folder") from None
        if path.exists():
            raise _existing(path) from None
        raise _unwritable(path, "a part of its path is a file") from None
    except OSError as error:
        raise _unwritable(path, error.strerror or str(error)) from None


def _opened(path: Path, flags: int) -> int:
    try:
        return os.open(path, flags, 0o666)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, flags, 0o666)


def _emptied(descriptor: int, path: Path) -> int:
    """Hold the file before anything of it is lost: another recording may be under way in it."""
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            hold(descriptor, path)
            os.ftruncate(descriptor, 0)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _existing(path: Path) -> TargetExistsError:
    return TargetExistsError(
        f"{path} exists already",
        where=str(path),
        cure="choose another name with -o, or add --force to write over it",
    )


def _unwritable(path: Path, reason: str) -> TargetUnwritableError:
    return TargetUnwritableError(
        f"cannot write {path}: {reason}",
        where=str(path.parent),
        cure="choose a place that you may write to, with -o",
    )
