"""Seal a cassette: put the packed file in the journal's place, whole or not at all.

Owns the files that this takes, and what is left of them after a crash: the journal or the sealed
file, never neither. Does not lay out bytes (`pack`).
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from agentvcr.cassette import format as fmt
from agentvcr.cassette.assembly import Assembler
from agentvcr.cassette.frames import RecordTooLargeError
from agentvcr.cassette.holding import held
from agentvcr.cassette.journal_reader import JournalReader
from agentvcr.cassette.opening import open_cassette, told_of
from agentvcr.cassette.pack import KindOf, Packer, Progress
from agentvcr.errors import TargetUnwritableError

_SMALL = 1 << 20
BESIDE = ".sealing"
"""Ending of the file that is written beside the journal; one that a crash left is written over."""


def seal(path: Path, *, kind_of: KindOf | None = None, progress: Progress | None = None) -> None:
    """Replace the journal at `path` by a sealed file that tells the same; a sealed file is left.

    Args:
        path: The cassette.
        kind_of: Says what kind of step an exchange is; the index keeps it.
        progress: Told how much of how much is done, often.

    Raises:
        AgentVCRError: The journal cannot be read, or not be packed.
        OSError: The sealed file could not be written. The journal is as it was.
    """
    path = Path(os.path.realpath(path))  # a link goes on pointing to it
    open_cassette(path)[0].close()  # says so where it is none
    with held(path):
        file, state = open_cassette(path)
        if state == "sealed":
            file.close()
            return
        with replacing(path) as out, file:  # closed before it is replaced, as Windows asks for
            _pack(JournalReader(file), path, out, kind_of, progress)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Write a file that takes the place of `path` when the block has ended without an exception."""
    beside = path.with_name(path.name + BESIDE)
    try:
        with beside.open("wb") as out:
            yield out
            out.flush()
            if path.exists():
                beside.chmod(path.stat().st_mode & 0o7777)
            os.fsync(out.fileno())
        beside.replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):  # the error that is on its way says more
            beside.unlink()
        if isinstance(error, RecordTooLargeError):
            raise _unpackable(path, error) from None
        raise
    _sync_folder(path.parent)


def _unpackable(path: Path, error: RecordTooLargeError) -> TargetUnwritableError:
    return TargetUnwritableError(
        f"{path} cannot be packed: {error} is more than a reader takes",
        where=str(path),
        cure="keep the journal, which every command reads",
    )


def _sync_folder(folder: Path) -> None:
    """Have the new name on the disk too, where folders can be synced."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _pack(
    reader: JournalReader,
    path: Path,
    out: BinaryIO,
    kind_of: KindOf | None,
    progress: Progress | None,
) -> None:
    told = progress or _untold
    with _spool(reader.size, path.parent) as spool:
        packer = Packer(out, spool, kind_of or _unknown)
        assembler = Assembler()
        with told_of(path, lambda: reader.offset):
            for record in reader:
                if not isinstance(record, fmt.OF_EXCHANGE):
                    packer.tell(record)
                elif (ended := assembler.add(record)) is not None:
                    packer.add(ended)
                    told(reader.offset // 2, reader.size)
        for exchange in assembler.rest():
            packer.add(exchange)
        packer.finish(lambda done, count: told(count + done, 2 * count))


def _spool(journal_size: int, folder: Path) -> BinaryIO:
    """Open what holds the rows and pieces that are to be sorted: memory, if they are few."""
    if journal_size < _SMALL:
        return io.BytesIO()
    import tempfile  # noqa: PLC0415  (a short recording need not wait for it)

    return tempfile.TemporaryFile(dir=folder)


def _untold(done: int, total: int) -> None:
    """Nobody wants to know."""


def _unknown(_: object) -> str:
    """Nobody knows."""
    return ""
