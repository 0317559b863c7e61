"""Measure the sealed cassette beside other formats: bytes, sealing, finding, memory.

One run writes the same exchanges in every format and reads them back. Prints every figure, and at
the end what is aimed at. `--quick` stores little; `--full` also writes YAML where it takes minutes.
Real cassettes are read from the folder that AGENTVCR_CORPORA names.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import transcripts
import zstandard
from cassette_measure import JOURNAL, Corpus, Figures, Measured, measured, measured_corpus
from cassette_ours import Sealed
from cassette_rivals import RIVALS, MsgpackZstd, VcrpyYaml, VcrpyYamlGzip
from figures import Reach

_SLOW = (VcrpyYaml.name, VcrpyYamlGzip.name)
_MOST_YAML = 1000
"""Exchanges that are written as YAML without `--full`."""
_QUICK_FILES = 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="little of everything")
    parser.add_argument("--full", action="store_true", help="YAML of the largest workloads too")
    options = parser.parse_args()
    began = time.perf_counter()
    python, zstd = platform.python_version(), ".".join(map(str, zstandard.ZSTD_VERSION))
    print(f"Python {python}, zstd {zstd}, {platform.system()} {platform.machine()}, {_load()}")
    with tempfile.TemporaryDirectory(prefix="agentvcr-bench-") as folder:
        workloads: list[Measured] = []
        for one in _workloads(Path(folder), quick=options.quick, full=options.full):
            print(_figures_of(one), flush=True)
            workloads.append(one)
        corpus = _corpus(Path(folder) / "corpus", quick=options.quick)
    print(_corpus_table(corpus) if corpus else "\nReal cassettes: not run")
    print(_judged([*_reaches(workloads), *_corpus_reaches(corpus)]))
    print(f"\nTook {time.perf_counter() - began:.0f} s, {_load()}.")


def _load() -> str:
    """Say how busy the machine is: with others on it, wall times say little."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def _workloads(folder: Path, *, quick: bool, full: bool) -> Iterator[Measured]:
    rounds = 3 if quick else 5
    for count in (200,) if quick else (200, 1000, 5000):
        yield measured(
            f"agents, {count}",
            transcripts.agents(count),
            folder / f"agents-{count}",
            rounds=rounds,
            without=() if full or count <= _MOST_YAML else _SLOW,
        )
    count = 5_000 if quick else 100_000
    yield measured(
        f"small, {count}",
        transcripts.small(count),
        folder / "small",
        rounds=3,
        without=() if full else _SLOW,
    )


def _corpus(folder: Path, *, quick: bool) -> Corpus | None:
    named = os.environ.get("AGENTVCR_CORPORA")
    if not named:
        return None
    return measured_corpus(transcripts.corpus(Path(named), _QUICK_FILES if quick else None), folder)


def _markdown(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join([f"\n{title}\n", *("| " + " | ".join(line) + " |" for line in lines)])


_HEADS = (
    "format",
    "bytes",
    "an exchange",
    "to YAML",
    "to msgpack+zstd-9",
    "write, CPU s",
    "write, wall s",
    "open+find by number, ms",
    "by request, ms",
    "slowest, ms",
    "by number, CPU ms",
    "read all, s",
    "peak of one, MB",
)


def _figures_of(one: Measured) -> str:
    rows = [_row(one, name) for name in (*RIVALS, JOURNAL, Sealed.name)]
    title = f"**{one.title} exchanges** (for the sealed cassette, to write is to seal the journal)"
    return _markdown(title, _HEADS, rows)


def _row(one: Measured, name: str) -> tuple[str, ...]:
    size, writing, reading = one.formats[name]
    if size is None or writing is None:
        return (name, "not run", *[""] * (len(_HEADS) - 2))
    yaml = one.formats[VcrpyYaml.name].size
    written = (
        name,
        f"{size}",
        f"{size / one.count:.0f}",
        f"1/{yaml / size:.1f}" if yaml else "",
        f"{size / _size(one, MsgpackZstd.name):.3f}x",
        f"{writing.cpu:.3f}",
        f"{writing.wall:.3f}",
    )
    if reading is None:
        return (*written, *[""] * 6)
    return (
        *written,
        f"{reading['number_ms']:.2f}",
        f"{reading['request_ms']:.2f}",
        f"{reading['worst_ms']:.2f}",
        f"{reading['cpu_ms']:.2f}",
        f"{reading['all_s']:.3f}",
        f"{reading['peak_mb']:.1f}",
    )


def _size(one: Measured, name: str) -> int:
    size = one.formats[name].size
    assert size is not None
    return size


def _corpus_table(corpus: Corpus) -> str:
    sizes = {
        "vcrpy YAML": corpus.yaml,
        "vcrpy YAML, gzip-9": corpus.gzipped,
        "the published files, gzip-9": corpus.published,
        MsgpackZstd.name: corpus.msgpack,
        Sealed.name: corpus.sealed,
    }
    rows = [(name, f"{size}", f"{size / corpus.gzipped:.3f}x") for name, size in sizes.items()]
    title = (
        f"**real cassettes** ({corpus.files} files, {corpus.exchanges} exchanges, each file for"
        f" itself; ours to gzipped YAML from {corpus.smallest:.2f}x to {corpus.largest:.2f}x)"
    )
    return _markdown(title, ("format", "bytes", "to gzipped YAML"), rows)


def _reaches(workloads: Sequence[Measured]) -> Iterator[Reach]:
    for one in workloads:
        size, title = _size(one, Sealed.name), one.title
        agents = title.startswith("agents")
        yaml = one.formats[VcrpyYaml.name].size
        if agents:
            share = size / yaml if yaml else float("nan")
            yield Reach(f"{title}: bytes to YAML", share, 1 / 25)
        rival = size / _size(one, MsgpackZstd.name)
        yield Reach(f"{title}: bytes to msgpack+zstd-9", rival, 0.95 if agents else 1.5)
        yield Reach(f"{title}: sealing to msgpack+zstd-9's writing, CPU", one.sealing.cpu, 2)
        yield Reach(f"{title}: the same, wall", one.sealing.wall, 2)
        reading = one.formats[Sealed.name].reading
        assert reading is not None
        yield Reach(f"{title}: open and find by number", reading["number_ms"], 5, " ms")
        yield Reach(f"{title}: open and find by fingerprint", reading["request_ms"], 5, " ms")
    yield from _memory_reaches(workloads)


def _memory_reaches(workloads: Sequence[Measured]) -> Iterator[Reach]:
    """Compare what reading one needs with a workload that fills a few groups."""
    least = next((one for one in workloads if one.count >= 1000), workloads[0])
    for one in workloads:
        if one.count > least.count:
            share = _peak(one.formats[Sealed.name]) / _peak(least.formats[Sealed.name])
            yield Reach(f"{one.title}: memory of reading one, to {least.title}", share, 1.25)


def _peak(figures: Figures) -> float:
    assert figures.reading is not None
    return figures.reading["peak_mb"]


def _corpus_reaches(corpus: Corpus | None) -> Iterator[Reach]:
    share, larger = float("nan"), float("nan")
    if corpus is not None:
        share, larger = corpus.sealed / corpus.gzipped, corpus.larger
    yield Reach("real cassettes: bytes to gzipped YAML", share, 0.85)
    yield Reach("real cassettes: files larger than their gzipped YAML", larger, 0, "")


def _judged(reaches: Iterable[Reach]) -> str:
    rows = []
    for title, found, at_most, unit in reaches:
        verdict = "met" if found <= at_most else "**missed**"
        shown = f"{found:.3f}{unit}" if found < 1 else f"{found:.2f}{unit}"
        if math.isnan(found):
            shown, verdict = "not run", ""
        rows.append((title, shown, f"{at_most:g}{unit}", verdict))
    return _markdown("**Reaches**", ("", "measured", "at most", ""), rows)


if __name__ == "__main__":
    main()
