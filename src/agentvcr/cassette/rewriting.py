"""Write a cassette again with other hashes and other rules, and not a byte else changed.

Owns which records that touches. Of a sealed file the frames that hold none of them are copied as
they are; a journal keeps its frames, which are compressed as one stream, and loses a torn tail.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import msgspec

from agentvcr.cassette import format as fmt
from agentvcr.cassette.frame_file import FrameFile
from agentvcr.cassette.frame_writer import FrameWriter
from agentvcr.cassette.frames import records
from agentvcr.cassette.journal import Journal
from agentvcr.cassette.journal_reader import JournalReader
from agentvcr.cassette.opening import open_cassette, told_of
from agentvcr.cassette.sealed import SealedFile
from agentvcr.cassette.world import WorldRecord
from agentvcr.model.rules import KIND as RULES_KIND

Hashes = Mapping[int, tuple[bytes, bytes]]
"""Fingerprint and raw hash of each exchange, by its number."""
AnyRecord = fmt.Record | fmt.SealedRecord


class NewKeys(msgspec.Struct, frozen=True, kw_only=True):
    """What is to stand in the cassette."""

    rules: str
    """Id of the built-in rules."""
    declared: bytes
    """The declared ones, in the encoding of their record; nothing where there are none."""
    hashes: Hashes


def rewrite(path: Path, target: Path, keys: NewKeys) -> None:
    """Write the cassette at `path` again, at `target`, which nobody else writes.

    Raises:
        AgentVCRError: It cannot be read.
        RecordTooLargeError, OSError: It could not be written.
    """
    file, state = open_cassette(path)
    with file:
        if state == "journal":
            _rewrite_journal(JournalReader(file), path, target, keys)
        else:
            with SealedFile(path) as sealed, target.open("wb") as out:
                _SealedAgain(sealed, path, keys).write(out)
                out.flush()
                os.fsync(out.fileno())


def _retold(record: AnyRecord, keys: NewKeys) -> Iterator[AnyRecord]:
    """Give what stands in the place of a record."""
    if isinstance(record, fmt.RunBegin):
        yield msgspec.structs.replace(record, rules=keys.rules)
        if keys.declared:
            yield WorldRecord(RULES_KIND, 0, "", keys.declared)
    elif isinstance(record, fmt.ExchangeBegin):
        # One whose request was cut off with the end of a journal has none.
        known = record.fingerprint, record.raw_hash
        fingerprint, raw_hash = keys.hashes.get(record.number, known)
        yield msgspec.structs.replace(record, fingerprint=fingerprint, raw_hash=raw_hash)
    elif not (isinstance(record, WorldRecord) and record.kind == RULES_KIND):
        yield record


def _rewrite_journal(reader: JournalReader, path: Path, target: Path, keys: NewKeys) -> None:
    journal = Journal(target, force=True)
    frames = 0
    try:
        with told_of(path, lambda: reader.offset):
            for record in reader:
                if reader.frames != frames:
                    frames = reader.frames
                    journal.flush()
                for told in _retold(record, keys):
                    journal.add(told)  # type: ignore[arg-type]  # of a journal
        journal.sync()
    finally:
        journal.close()


class _SealedAgain:
    """A sealed file that is written again, frame by frame."""

    def __init__(self, sealed: SealedFile, path: Path, keys: NewKeys) -> None:
        self._frames: FrameFile = sealed.frames
        self._directory = sealed.directory
        self._path = path
        self._keys = keys
        self._changed = {
            *self._directory.story,
            *(one.fingerprints_offset for one in self._directory.keys),
            *(one.raw_hashes_offset for one in self._directory.keys),
            self._frames.last_offset,
        }
        numbers = iter([one.number for one in sealed.list_keys()])
        self._numbers = {}
        for block in self._directory.keys:
            held = [next(numbers) for _ in range(block.count)]
            self._numbers[block.fingerprints_offset] = held
            self._numbers[block.raw_hashes_offset] = held
        self._moved = {fmt.HERE: fmt.HERE}

    def write(self, out: BinaryIO) -> None:
        """Write all of it."""
        writer = FrameWriter(out)
        offset, last = len(fmt.SEALED), self._frames.last_offset
        while offset <= last:
            header = self._frames.bytes_at(offset, fmt.FRAME.size)
            size = fmt.FRAME.size + int(fmt.FRAME.unpack(header)[0])
            self._moved[offset] = writer.offset
            if offset == last:
                self._write_last(writer)
            elif offset in self._changed:
                writer.frame(*self._retold(offset))
            else:
                writer.write(self._frames.bytes_at(offset, size))
            offset += size

    def _write_last(self, writer: FrameWriter) -> None:
        *told, _ = self._retold(self._frames.last_offset)
        writer.is_one_frame = True
        writer.put(*told)
        writer.finish(self._moved_directory())

    def _retold(self, offset: int) -> list[AnyRecord]:
        place = fmt.HERE if offset == self._frames.last_offset else offset
        found: list[AnyRecord] = []
        with told_of(self._path, offset):
            for record in records(self._frames.raw(offset)):
                if isinstance(record, fmt.Fingerprints):
                    found.append(fmt.Fingerprints(self._hashes(place, 0)))
                elif isinstance(record, fmt.RawHashes):
                    found.append(fmt.RawHashes(self._hashes(place, 1)))
                else:
                    found += _retold(record, self._keys)
        return found

    def _hashes(self, place: int, which: int) -> bytes:
        made = [self._keys.hashes[number][which] for number in self._numbers[place]]
        return b"".join(one.ljust(fmt.HASH, b"\0") for one in made)

    def _moved_directory(self) -> fmt.Directory:
        directory, moved = self._directory, self._moved
        replace = msgspec.structs.replace
        return fmt.Directory(
            story=tuple(moved[one] for one in directory.story),
            blobs=tuple(replace(one, offset=moved[one.offset]) for one in directory.blobs),
            rows=tuple(replace(one, offset=moved[one.offset]) for one in directory.rows),
            keys=tuple(
                replace(
                    one,
                    keys_offset=moved[one.keys_offset],
                    fingerprints_offset=moved[one.fingerprints_offset],
                    raw_hashes_offset=moved[one.raw_hashes_offset],
                )
                for one in directory.keys
            ),
            last_began_us=directory.last_began_us,
        )
