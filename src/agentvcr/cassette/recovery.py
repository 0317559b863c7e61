"""Save what can be saved of a cassette, as a sealed file.

Owns what is saved: of a journal all that stands before the first broken byte, of a sealed file each
exchange of which every piece is whole. What is lost is said, and never made up.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from agentvcr.cassette import format as fmt
from agentvcr.cassette.assembly import Assembler
from agentvcr.cassette.checking import named
from agentvcr.cassette.frame_file import FrameFile
from agentvcr.cassette.frames import BrokenError, UnknownRecordError, read_frame, records
from agentvcr.cassette.journal_reader import JournalReader
from agentvcr.cassette.opening import empty, known_to, open_cassette, told_of
from agentvcr.cassette.pack import KindOf, Packer, Progress
from agentvcr.cassette.sealed import SealedFile
from agentvcr.cassette.world import WorldRecord
from agentvcr.errors import CassetteDamagedError
from agentvcr.model.exchange import Exchange
from agentvcr.model.rules import KIND as RULES_KIND

_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_PIECE: Final = 1 << 20
_DAMAGE: Final = "damage"

Identify = Callable[[Exchange], tuple[bytes, bytes]]
"""Makes fingerprint and raw hash of an exchange anew."""
IdentifyBy = Callable[[bytes], Identify]
"""Gives that by the declared rules that the file holds; nothing where there are none."""


class Saved(msgspec.Struct, frozen=True):
    """What a repair saved."""

    exchanges: int
    lost: tuple[int, ...]
    """Numbers of exchanges that could not be saved, as far as the file tells them."""
    lost_bytes: int
    """Bytes that cannot be read, where exchanges may have stood in them."""


class Repairer:
    """Writes what can be saved of one file."""

    def __init__(
        self,
        path: Path,
        *,
        kind_of: KindOf,
        identify_by: IdentifyBy,
        rules: str,
        progress: Progress,
    ) -> None:
        """Repair the cassette at `path`.

        Args:
            path: The cassette.
            kind_of: Says what kind of step an exchange is.
            identify_by: Makes hashes anew, where the index is broken.
            rules: Id of the built-in rules by which it does so.
            progress: Told how much of how much is done.
        """
        self._path = path
        self._kind_of = kind_of
        self._identify_by = identify_by
        self._identify = identify_by(b"")
        self._declared = b""
        self._rules = rules
        self._progress = progress
        self._saved: list[int] = []
        self._lost: list[int] = []
        self._lost_bytes = 0

    def write(self, out: BinaryIO, folder: Path) -> Saved:
        """Write a sealed file of what is whole; a spool lies in `folder` meanwhile.

        Raises:
            CassetteEmptyError, CassetteDamagedError: Nothing of a run is.
            AgentVCRError: It is no cassette, or one of a later version.
        """
        file, state = open_cassette(self._path)
        with file, tempfile.TemporaryFile(dir=folder) as spool:
            packer = Packer(out, spool, self._kind_of)
            if state == "journal":
                self._save_journal(JournalReader(file), packer)
            else:
                self._save_sealed(file, packer)
            packer.finish(self._progress)
        return Saved(len(self._saved), tuple(sorted(self._lost)), self._lost_bytes)

    def _keep(self, packer: Packer, exchange: Exchange) -> None:
        packer.add(exchange)
        self._saved.append(exchange.number)

    def _note(self, packer: Packer, text: str) -> None:
        packer.tell(fmt.NoteRecord(_DAMAGE, 0, 0, text, 1))

    def _save_journal(self, reader: JournalReader, packer: Packer) -> None:
        assembler = Assembler()
        has_begin = False
        why = "the rest is no whole frame"
        try:
            with known_to(self._path, lambda: reader.offset):
                for record in reader:
                    if isinstance(record, fmt.OF_EXCHANGE):
                        ended = assembler.add(record)
                        if ended is not None:
                            self._keep(packer, ended)
                    else:
                        packer.tell(record)
                        has_begin = has_begin or isinstance(record, fmt.RunBegin)
        except BrokenError as error:
            why = str(error)
            self._lost_bytes = reader.torn_bytes
        if not has_begin:
            raise empty(self._path)
        for exchange in assembler.rest():
            self._keep(packer, exchange)
        if reader.torn_bytes:
            self._note(packer, f"lost: bytes {reader.offset} to {reader.size} of a journal: {why}")

    def _save_sealed(self, file: BinaryIO, packer: Packer) -> None:
        found = _Found(file, self._path)
        known = self._known_keys()
        with SealedFile(self._path, open_cassette(self._path)[0], found.directory()) as sealed:
            self._save_story(sealed, packer, keep_rules=known is not None)
            self._identify = self._identify_by(self._declared)
            for group in found.rows:
                self._save_rows(sealed, group, known, packer)
        self._lost = sorted(set(known or found.numbers) - set(self._saved))
        if known is None and found.claimed != len(self._saved):
            self._lost_bytes = found.lost
        if found.lost and not self._saved and found.claimed != 0:
            with told_of(self._path, len(fmt.SEALED)):
                raise BrokenError("nothing of it can be saved")
        if self._lost or self._lost_bytes:
            lost = f"; exchanges lost: {self._lost}" if self._lost else ""
            self._note(packer, f"lost: {found.lost} bytes of a sealed file{lost}"[:4000])

    def _known_keys(self) -> dict[int, tuple[bytes, bytes]] | None:
        try:
            with SealedFile(self._path) as sealed:
                keys = sealed.list_keys()
        except CassetteDamagedError:
            return None
        return {one.number: (one.fingerprint, one.raw_hash) for one in keys}

    def _save_story(self, sealed: SealedFile, packer: Packer, *, keep_rules: bool) -> None:
        """Tell the story again; where its beginning is lost, with a beginning that says nothing."""
        begun = False
        for record in sealed.story():
            if not isinstance(record, fmt.OF_STORY):
                continue  # a run that is one frame
            told = record
            if isinstance(record, WorldRecord) and record.kind == RULES_KIND:
                self._declared = record.data
            if isinstance(record, fmt.RunBegin):
                begun = True
                if not keep_rules:
                    told = msgspec.structs.replace(record, rules=self._rules)
            elif not begun:
                begun = True
                packer.tell(fmt.RunBegin("", 0, (), ".", "", "", self._rules, {}))
            packer.tell(told)
        if not begun:
            packer.tell(fmt.RunBegin("", 0, (), ".", "", "", self._rules, {}))

    def _save_rows(
        self,
        sealed: SealedFile,
        group: fmt.RowGroup,
        known: dict[int, tuple[bytes, bytes]] | None,
        packer: Packer,
    ) -> None:
        for row in sealed.rows(group):
            hashes = known.get(row.number) if known else None
            try:
                exchange = sealed.built(row, *(hashes or (b"", b"")))
            except CassetteDamagedError:
                self._lost.append(row.number)
                continue
            if hashes is None:
                fingerprint, raw_hash = self._identify(exchange)
                exchange = msgspec.structs.replace(
                    exchange, fingerprint=fingerprint, raw_hash=raw_hash
                )
            self._keep(packer, exchange)


class _Found:
    """The whole frames of a sealed file, whatever its directory says."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file = file
        self._path = path
        self.size = file.seek(0, 2)
        self.lost = 0
        self._starts, self._last = self._outline()
        self.story: list[int] = []
        self.blobs: list[fmt.BlobGroup] = []
        self.rows: list[fmt.RowGroup] = []
        self.numbers: set[int] = set()
        self.claimed: int | None = None
        """How many exchanges there were, if the directory is there."""
        for offset, found in self._frames():
            self._take(offset, found)

    def directory(self) -> fmt.Directory:
        """Give a directory of what is there; it knows no keys."""
        self.blobs.sort(key=lambda one: one.first)
        return fmt.Directory(tuple(self.story), tuple(self.blobs), tuple(self.rows), (), 0)

    def _take(self, offset: int, found: list[fmt.Record | fmt.SealedRecord]) -> None:
        for record in found:
            if isinstance(record, fmt.Blobs):
                self.blobs.append(fmt.BlobGroup(offset, record.first, len(record.sizes)))
            elif isinstance(record, fmt.Rows):
                self.rows.append(fmt.RowGroup(offset, "", 0, len(record.sizes)))
            elif isinstance(record, fmt.Keys):
                self.numbers |= set(accumulate(record.gaps, initial=record.first))
            elif isinstance(record, fmt.Directory):
                self.claimed = sum(one.count for one in record.keys)
            elif isinstance(record, fmt.OF_STORY) and offset not in self.story:
                self.story.append(offset)

    def _frames(self) -> Iterator[tuple[int, list[fmt.Record | fmt.SealedRecord]]]:
        offset, end = len(fmt.SEALED), self.size - fmt.TRAILER.size
        while offset < end:
            try:
                raw, after = read_frame(self._bytes_at, offset)
                with known_to(self._path, offset):
                    found = list(records(raw))
            except BrokenError:
                after = self._behind(offset, end)
                self.lost += after - offset
            else:
                yield offset, found
            offset = after

    def _outline(self) -> tuple[list[int], int]:
        """Say where frames begin, if the directory tells it, and where the last one does."""
        frames = FrameFile(self._path.open("rb"))
        try:
            with known_to(self._path, lambda: frames.last_offset):
                starts = sorted(named(frames.directory(), frames.last_offset))
        except BrokenError:
            starts = []
        finally:
            frames.close()
        return starts, frames.last_offset

    def _behind(self, offset: int, end: int) -> int:
        """Say where the frame behind a broken one begins.

        It is searched for only where nothing tells it: what looks like a frame may be inside one,
        as where a cassette was uploaded.
        """
        if self._starts:
            return next((one for one in self._starts if one > offset), end)
        header = self._bytes_at(offset, fmt.FRAME.size)
        if offset == self._last or len(header) < fmt.FRAME.size:
            return end
        after = offset + fmt.FRAME.size + int(fmt.FRAME.unpack(header)[0])
        if after == end or (after < end and self._is_frame(after)):
            return after
        return self._next_frame(offset + 1, end)

    def _next_frame(self, start: int, end: int) -> int:
        """Look for the next payload whose header before it says what it is."""
        while start < end:
            data = self._bytes_at(start, _PIECE + len(_ZSTD))
            at = data.find(_ZSTD)
            if at < 0:
                start += _PIECE
                continue
            offset = start + at - fmt.FRAME.size
            if offset >= len(fmt.SEALED) and self._is_frame(offset):
                return offset
            start += at + 1
        return end

    def _is_frame(self, offset: int) -> bool:
        try:
            read_frame(self._bytes_at, offset)
        except (BrokenError, UnknownRecordError):
            return False
        return True

    def _bytes_at(self, offset: int, size: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(size)
