"""Verify a cassette, and repair it.

Owns where a repaired file goes and that the original stays. What is whole and what can be saved,
`cassette` knows.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import BinaryIO

import msgspec

from agentvcr.cassette.checking import verify
from agentvcr.cassette.holding import held
from agentvcr.cassette.opening import open_cassette
from agentvcr.cassette.pack import Progress
from agentvcr.cassette.recovery import Identify, Repairer, Saved
from agentvcr.cassette.seal import replacing
from agentvcr.errors import AgentVCRError, BadOptionError, TargetUnwritableError
from agentvcr.matching.rules import BUILT_IN
from agentvcr.model.exchange import Exchange
from agentvcr.model.text import storable
from agentvcr.model.verification import RefusedFile, Repair, Verification, VerifiedFiles
from agentvcr.session.declared import fingerprinter_by
from agentvcr.session.in_place import check_target
from agentvcr.session.sealing import kind_of_step

ORIGINAL = ".orig"
"""Ending of the file as it was, where it is repaired in its place."""


def verify_cassette(path: Path, *, progress: Progress) -> Verification:
    """Check every checksum, reference and count of a cassette.

    Raises:
        AgentVCRError: There is no cassette to check.
    """
    return verify(path, progress)


def verify_several(paths: Sequence[Path], *, progress: Progress) -> VerifiedFiles:
    """Check several cassettes; what is none is told with the others."""
    files: list[Verification] = []
    refused: list[RefusedFile] = []
    for path in paths:
        try:
            files.append(verify(path, progress))
        except AgentVCRError as error:
            told = RefusedFile(path=storable(path), error=storable(error), slug=error.slug)
            refused.append(told)
    return VerifiedFiles(files=tuple(files), refused=tuple(refused))


def repair_cassette(
    path: Path, target: Path | None = None, *, force: bool = False, progress: Progress
) -> Verification:
    """Check a cassette, and write what can be saved of it as a sealed file.

    A sealed file that is whole is left alone, or copied to `target`.

    Args:
        path: The cassette.
        target: Where to write; in its own place by default, and the file as it was stays beside.
        force: Write over what lies there.
        progress: Told how much of how much is done.

    Raises:
        TargetExistsError: A file is in the way, and `force` was not given.
        BadOptionError: `target` is the cassette itself.
        AgentVCRError: There is nothing to save.
    """
    open_cassette(path)[0].close()  # says so where it is none
    with held(path):
        return _repaired(path, target, force=force, progress=progress)


def _repaired(path: Path, target: Path | None, *, force: bool, progress: Progress) -> Verification:
    if target is not None and target.exists() and target.samefile(path):
        raise BadOptionError(
            "the repaired file would take the place of the file that it is made from",
            where=f"-o {target}",
            cure="leave out -o: the file as it was then stays beside, as FILE.orig",
        )
    found = verify(path, progress)
    is_sound = found.is_whole and found.state == "sealed"
    if is_sound and target is None:
        return found
    original = path.with_name(path.name + ORIGINAL) if target is None else None
    if place_of_new := target or original:
        check_target(place_of_new, force=force)
    place = Path(os.path.realpath(target or path))  # a link goes on pointing to it
    if is_sound:
        saved = Saved(found.exchanges, (), 0)
        _copy(path, place)
    else:
        saved = _save(path, place, original, progress)
    repair = Repair(
        path=str(target or path),
        original=str(original) if original else None,
        exchanges=saved.exchanges,
        lost=saved.lost,
        lost_bytes=saved.lost_bytes,
    )
    return msgspec.structs.replace(found, repair=repair)


def _copy(path: Path, place: Path) -> None:
    """There is nothing to repair, and who asked for a second file gets it."""
    with _replacing(place) as out, path.open("rb") as whole:
        shutil.copyfileobj(whole, out)


def _save(path: Path, place: Path, original: Path | None, progress: Progress) -> Saved:
    repairer = Repairer(
        path,
        kind_of=kind_of_step,
        identify_by=lambda declared: _identify_by(declared, str(path)),
        rules=BUILT_IN,
        progress=progress,
    )
    is_other = place.exists() and not place.samefile(path)
    with _replacing(place, hold=is_other) as out:
        saved = repairer.write(out, place.parent)
        if original is not None:
            shutil.copy2(path, original)
    return saved


@contextmanager
def _replacing(place: Path, *, hold: bool = False) -> Iterator[BinaryIO]:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with held(place) if hold else nullcontext(), replacing(place) as out:
            yield out
    except OSError as error:
        raise TargetUnwritableError(
            f"cannot write {place}: {error.strerror or error}",
            where=str(place.parent),
            cure="choose a place that you may write to, with -o",
        ) from None


def _identify_by(declared: bytes, path: str) -> Identify:
    fingerprinter = fingerprinter_by(declared, path)

    def identify(exchange: Exchange) -> tuple[bytes, bytes]:
        made = fingerprinter.identify_again(exchange.request)
        return made.fingerprint, made.raw_hash

    return identify
