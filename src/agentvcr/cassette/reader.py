"""Read a cassette in either state: the run it tells.

Owns which file is meant when none is named. Trusts nothing in the file: sizes are bounded before
anything is allocated, checksums are compared before anything is decompressed, and no code is
executed (`frames`).
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from agentvcr.cassette import format as fmt
from agentvcr.cassette.assembly import Assembler, Story
from agentvcr.cassette.journal_reader import JournalReader
from agentvcr.cassette.opening import empty, open_cassette, told_of
from agentvcr.cassette.sealed import SealedFile
from agentvcr.errors import CassetteMissingError
from agentvcr.model.exchange import Exchange, Exchanges, Kept
from agentvcr.model.run import Run
from agentvcr.model.text import storable

EXTENSION = ".avcr"
FORK = ".fork.avcr"
"""A fork lies beside its cassette under this ending, where it is given no name of its own."""
LAST = ".last.avcr"
"""A replay's own recording lies beside its cassette under this ending."""


def last_of(path: Path) -> Path:
    """Name the file that keeps the latest replay of `path`."""
    name = path.name.removesuffix(EXTENSION)
    return path.with_name(name + LAST)


def fork_of(path: Path) -> Path:
    """Name the file that keeps the latest fork of `path`."""
    return path.with_name(path.name.removesuffix(EXTENSION) + FORK)


def cassettes_in(folder: Path, *, deep: bool = False) -> list[Path]:
    """List the cassettes in `folder`, or also below it, leaving out those of replays and forks."""
    found = folder.rglob("*" + EXTENSION) if deep else folder.glob("*" + EXTENSION)
    return [path for path in found if not path.name.endswith((LAST, FORK))]


def newest_cassette(folder: Path) -> Path:
    """Find the newest cassette in `folder`, leaving out those of replays and forks.

    Raises:
        CassetteMissingError: There is none.
    """
    found = cassettes_in(folder)
    if not found:
        raise CassetteMissingError(
            f"there is no cassette in {folder}",
            where=str(folder),
            cure="name one, or record one: agentvcr record -- CMD",
        )
    return max(found, key=lambda path: (path.stat().st_mtime_ns, path.name))


def load_run(path: Path) -> Run:
    """Read a run: of a sealed file only the story, its exchanges when they are asked for.

    Raises:
        CassetteMissingError, CassetteEmptyError, CassetteForeignError, CassetteVersionError,
        CassetteDamagedError: As their names say.
    """
    file, state = open_cassette(path)
    if state == "sealed":
        return _load_sealed(SealedFile(path, file), path)
    with file:
        return _load_journal(file, path)


def _load_sealed(sealed: SealedFile, path: Path) -> Run:
    story = Story()
    with told_of(path, 0):
        for record in sealed.story():
            story.add(record)
    return _whole(story, path, sealed)


def _load_journal(file: BinaryIO, path: Path) -> Run:
    story, assembler = Story(), Assembler()
    exchanges: list[Exchange] = []
    reader = JournalReader(file)
    with told_of(path, lambda: reader.offset):
        for record in reader:
            if isinstance(record, fmt.OF_EXCHANGE):
                ended = assembler.add(record)
                if ended is not None:
                    exchanges.append(ended)
            else:
                story.add(record)
    exchanges.extend(assembler.rest())
    return _whole(story, path, Kept(exchanges), reader.torn_bytes)


def _whole(story: Story, path: Path, exchanges: Exchanges, torn_bytes: int = 0) -> Run:
    run = story.run(storable(path), exchanges, torn_bytes)
    if run is None:
        raise empty(path)
    return run
