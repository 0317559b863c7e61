"""Check a cassette as a whole: every checksum, every reference, every count.

Owns what it means that a file is whole. Does not mend it (`recovery`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, TypeVar

from agentvcr.cassette import format as fmt
from agentvcr.cassette.assembly import Assembler, Story
from agentvcr.cassette.frames import BrokenError, read_frame, records
from agentvcr.cassette.journal_reader import JournalReader
from agentvcr.cassette.opening import known_to, open_cassette
from agentvcr.cassette.pack import Progress
from agentvcr.cassette.sealed import SealedFile
from agentvcr.errors import CassetteDamagedError
from agentvcr.model.text import storable
from agentvcr.model.verification import FileState, Problem, Verification

R = TypeVar("R", fmt.Blobs, fmt.Rows)
MOST_PROBLEMS = 1000
"""Problems that are told; a file of frames that are all broken has millions."""


def verify(path: Path, progress: Progress) -> Verification:
    """Read all of a cassette.

    Raises:
        CassetteMissingError, CassetteEmptyError, CassetteForeignError, CassetteVersionError: It is
            no file that could be checked.
    """
    file, state = open_cassette(path)
    with file:
        check = _SealedCheck(file, path) if state == "sealed" else _JournalCheck(file, path)
        check.run(progress)
        return check.found()


class _Check:
    """What has been seen so far."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self.file = file
        self.path = path
        self.size = file.seek(0, 2)
        file.seek(len(fmt.JOURNAL))
        self.state: FileState = "sealed"
        self.frames = 0
        self.exchanges = 0
        self.in_flight = 0
        self.pieces = 0
        self.has_begin = False
        self.has_end = False
        self.problems: list[Problem] = []
        self._places: set[str] = set()

    def found(self) -> Verification:
        return Verification(
            path=storable(self.path),
            size=self.size,
            state=self.state,
            has_end=self.has_end,
            frames=self.frames,
            exchanges=self.exchanges,
            in_flight=self.in_flight,
            pieces=self.pieces,
            problems=tuple(self.problems),
        )

    def broken(self, where: int | str, what: object, state: FileState = "damaged") -> None:
        self.state = state
        named = f"byte {where}" if isinstance(where, int) else where
        if named not in self._places and len(self._places) < MOST_PROBLEMS:  # the first says most
            self._places.add(named)
            self.problems.append(Problem(where=named, what=str(what)))

    def told(self, record: fmt.Record | fmt.SealedRecord) -> None:
        self.has_begin = self.has_begin or isinstance(record, fmt.RunBegin)
        self.has_end = self.has_end or isinstance(record, fmt.RunEnd)


class _JournalCheck(_Check):
    """Reads a journal to its end, or to where it breaks."""

    def run(self, progress: Progress) -> None:
        reader = JournalReader(self.file)
        try:
            self._read(reader, progress)
        except BrokenError as error:
            self.broken(reader.offset, error)
            return
        self.frames = reader.frames
        self.state = "journal"
        if reader.torn_bytes:
            what = f"the last {reader.torn_bytes} bytes are no whole frame"
            self.broken(reader.offset, what, "torn journal")
        if not self.has_begin:
            self.broken(reader.offset, "it holds no run")

    def _read(self, reader: JournalReader, progress: Progress) -> None:
        assembler, story = Assembler(), Story()
        with known_to(self.path, lambda: reader.offset):
            for record in reader:
                self.frames = reader.frames
                if not isinstance(record, fmt.OF_EXCHANGE):
                    story.add(record)
                    self.told(record)
                elif assembler.add(record) is not None:
                    self.exchanges += 1
                    progress(reader.offset, reader.size)
            self.in_flight = sum(1 for _ in assembler.rest())
            self.exchanges += self.in_flight


class _SealedCheck(_Check):
    """Reads a sealed file twice: frame by frame, and by its index."""

    def run(self, progress: Progress) -> None:
        offsets = set(self._physical())
        try:
            sealed = SealedFile(self.path)
        except CassetteDamagedError as error:
            self.damaged(error)
            return
        with sealed:
            for at in sorted(named(sealed.directory, sealed.frames.last_offset) ^ offsets):
                self.broken(at, "there is no whole frame, or the directory does not know of it")
            self._groups(sealed)
            self._logical(sealed, progress)
        if not self.has_begin:
            self.broken(0, "it holds no run")

    def damaged(self, error: CassetteDamagedError) -> None:
        self.broken(error.where, error.what.removeprefix(f"{self.path} is damaged: "))

    def _physical(self) -> Iterator[int]:
        """Read frame after frame; gives the offsets of those that are whole."""
        offset, end = len(fmt.SEALED), self.size - fmt.TRAILER.size
        while offset < end:
            try:
                raw, after = read_frame(self._bytes_at, offset)
                with known_to(self.path, offset):
                    for record in records(raw):
                        self.told(record)
                        self.pieces += len(record.sizes) if isinstance(record, fmt.Blobs) else 0
            except BrokenError as error:
                self.broken(offset, error)
                after = self._after(offset, end)
            else:
                self.frames += 1
                yield offset
            offset = after

    def _bytes_at(self, offset: int, size: int) -> bytes:
        self.file.seek(offset)
        return self.file.read(size)

    def _after(self, offset: int, end: int) -> int:
        """Say where the frame behind a broken one begins, if its length can be believed."""
        header = self._bytes_at(offset, fmt.FRAME.size)
        length = int(fmt.FRAME.unpack(header)[0]) if len(header) == fmt.FRAME.size else end
        return min(end, offset + fmt.FRAME.size + length)

    def _groups(self, sealed: SealedFile) -> None:
        """Compare what the directory says of each group with the group."""
        directory = sealed.directory
        following = 0
        for blobs in directory.blobs:
            held = self._held(sealed, blobs.offset, fmt.Blobs)
            is_here = (blobs.first, blobs.count) == (following, len(held.sizes) if held else 0)
            if held and not (is_here and held.first == blobs.first):
                self.broken(blobs.offset, "pieces have other numbers than the directory says")
            following = blobs.first + blobs.count
        last = ("", -1)
        for rows in directory.rows:
            found = self._held(sealed, rows.offset, fmt.Rows)
            if found and (len(found.sizes) != rows.count or (rows.lane, rows.number) <= last):
                self.broken(rows.offset, "rows are other ones than the directory says")
            last = (rows.lane, rows.number)
        if sum(one.count for one in directory.rows) != len(sealed):
            self.broken(sealed.frames.last_offset, "there are more rows than keys, or fewer")

    def _held(self, sealed: SealedFile, offset: int, kind: type[R]) -> R | None:
        try:
            return sealed.frames.only(offset, kind)
        except BrokenError as error:
            self.broken(offset, error)
            return None

    def _logical(self, sealed: SealedFile, progress: Progress) -> None:
        count, last = len(sealed), 0
        try:
            keys = sealed.list_keys()
        except CassetteDamagedError as error:
            self.damaged(error)
            return
        unread: list[int] = []
        for done, key in enumerate(keys):
            progress(done, count)
            if key.number <= last:
                self.broken(sealed.frames.last_offset, f"exchange {key.number} is out of order")
            last = key.number
            try:
                exchange = sealed.numbered(key.number)
            except (CassetteDamagedError, KeyError) as error:
                unread.append(key.number)
                if isinstance(error, CassetteDamagedError):
                    self.damaged(error)
                continue
            self.exchanges += 1
            self.in_flight += exchange.ending is None
        if unread:
            self.broken(
                f"exchange {unread[0]}", f"{len(unread)} of {count} exchanges cannot be read"
            )


def named(directory: fmt.Directory, last_offset: int) -> set[int]:
    """Give the offsets that a directory names, and its own."""
    keys = directory.keys
    offsets = {
        *directory.story,
        *(one.offset for one in directory.blobs),
        *(one.offset for one in directory.rows),
        *(one.keys_offset for one in keys),
        *(one.fingerprints_offset for one in keys),
        *(one.raw_hashes_offset for one in keys),
        last_offset,
    }
    return offsets - {fmt.HERE}
