"""Write workloads in every format, and have them read: the figures of the cassette's benchmark.

Owns the rounds and what is left out of them. Does not judge or print (`cassette`).
"""

from __future__ import annotations

import gc
import gzip
import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import NamedTuple

import cassette_ours as ours
import msgspec
from cassette_ours import Sealed
from cassette_reading import Reading, digest
from cassette_rivals import LEVEL, RIVALS, MsgpackZstd, VcrpyYaml, Wanted, file_name
from transcripts import Recorded

from agentvcr.model.exchange import Exchange

JOURNAL = "journal"
_WANTED = 20


class Took(NamedTuple):
    """Seconds that something took."""

    cpu: float
    wall: float


class Figures(NamedTuple):
    """What one format needs for one workload; None where it was not measured."""

    size: int | None = None
    writing: Took | None = None
    reading: Reading | None = None


class Measured(NamedTuple):
    """One workload in every format."""

    title: str
    count: int
    formats: dict[str, Figures]
    sealing: Took
    """How much longer sealing takes than msgpack+zstd-9's writing: the medians of the ratios."""


class Corpus(NamedTuple):
    """Real cassettes, each one stored on its own; sums of bytes."""

    files: int
    exchanges: int
    yaml: int
    gzipped: int
    published: int
    """The files as they were published, gzipped."""
    msgpack: int
    sealed: int
    larger: int
    """Sealed files that are larger than their gzipped YAML."""
    smallest: float
    """Of the ratios to gzipped YAML."""
    largest: float


def measured(
    title: str,
    exchanges: Iterable[Exchange],
    folder: Path,
    *,
    rounds: int,
    without: Sequence[str] = (),
) -> Measured:
    """Write exchanges in every format but those `without`, and have each file read."""
    stored = list(exchanges)
    gc.collect()
    gc.freeze()  # the collector is not to look through the workload in each figure
    folder.mkdir()
    looked_for = folder / "wanted"
    looked_for.write_bytes(msgspec.msgpack.encode(_wanted(stored)))
    formats: dict[str, Figures] = {}
    formats[JOURNAL], formats[Sealed.name], formats[MsgpackZstd.name], sealing = _sealed(
        stored, folder, rounds
    )
    for name, make in RIVALS.items():
        if name in without:
            formats[name] = Figures()
        elif name != MsgpackZstd.name:
            path = folder / file_name(name)
            form = make()
            took = _took(lambda form=form, path=path: form.write(path, stored))
            formats[name] = Figures(path.stat().st_size, took)
    for name in (Sealed.name, *(name for name in RIVALS if name not in without)):
        reading = _read(name, folder / file_name(name), looked_for)
        formats[name] = formats[name]._replace(reading=reading)
    gc.unfreeze()
    return Measured(title, len(stored), formats, sealing)


def _wanted(stored: Sequence[Exchange]) -> list[Wanted]:
    """Choose what is looked for: the largest request, and some at random."""
    largest = max(stored, key=lambda one: len(one.request.body))
    chosen = [largest, *random.Random(1).sample(stored, _WANTED - 1)]
    return [
        Wanted(
            one.number,
            one.fingerprint,
            one.request.method,
            one.request.url,
            one.request.body,
            digest((one.request.body, one.response.body if one.response else b"")),
        )
        for one in chosen
    ]


def _sealed(
    stored: Sequence[Exchange], folder: Path, rounds: int
) -> tuple[Figures, Figures, Figures, Took]:
    """Seal a journal and write msgpack+zstd-9 in turns; one round warms up."""
    journal, sealed, other = (
        folder / file_name(name) for name in (JOURNAL, Sealed.name, MsgpackZstd.name)
    )
    written = _took(lambda: ours.record(journal, stored))
    rival = MsgpackZstd()
    pairs: list[tuple[Took, Took]] = []
    for _ in range(rounds + 1):
        shutil.copyfile(journal, sealed)
        pairs.append((_took(lambda: ours.seal(sealed)), _took(lambda: rival.write(other, stored))))
    ours_took, theirs = zip(*pairs[1:], strict=True)
    ratios = [Took(one.cpu / two.cpu, one.wall / two.wall) for one, two in pairs[1:]]
    return (
        Figures(journal.stat().st_size, written),
        Figures(sealed.stat().st_size, _typical(ours_took)),
        Figures(other.stat().st_size, _typical(theirs)),
        _typical(ratios),
    )


def _typical(taken: Sequence[Took]) -> Took:
    return Took(median(one.cpu for one in taken), median(one.wall for one in taken))


def _took(do: Callable[[], None]) -> Took:
    gc.collect()
    wall, cpu = perf_counter(), process_time()
    do()
    return Took(process_time() - cpu, perf_counter() - wall)


def _read(name: str, path: Path, looked_for: Path) -> Reading:
    script = Path(__file__).with_name("cassette_reading.py")
    argv = [sys.executable, str(script), name, str(path), str(looked_for)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        message = f"reading {path} failed\n{done.stderr}"
        raise RuntimeError(message)
    reading: Reading = json.loads(done.stdout)
    return reading


def measured_corpus(cassettes: Iterable[Recorded], folder: Path) -> Corpus:
    """Store real cassettes, one file each, as sealed cassettes and as gzipped YAML."""
    folder.mkdir()
    yaml, packed, sealed = VcrpyYaml(), MsgpackZstd(), folder / "one.avcr"
    sums = Corpus(0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    ratios: list[float] = []
    for path, exchanges in cassettes:
        text = yaml.text(exchanges)
        gzipped = len(gzip.compress(text, LEVEL, mtime=0))
        packed.write(folder / "one.msgpack", exchanges)
        ours.record_import(sealed, exchanges)
        ours.seal(sealed)
        size = sealed.stat().st_size
        ratios.append(size / gzipped)
        one = Corpus(
            1,
            len(exchanges),
            len(text),
            gzipped,
            len(gzip.compress(path.read_bytes(), LEVEL, mtime=0)),
            (folder / "one.msgpack").stat().st_size,
            size,
            size > gzipped,
            0,
            0,
        )
        sums = Corpus(*map(sum, zip(sums, one, strict=True)))
    return sums._replace(smallest=min(ratios), largest=max(ratios))
