"""Measure what recorded order, time and chance cost, each on and off.

One run, whose ways take turns in rounds, as in `record_replay.py`; each is a process of its own.
`--quick` is a smoke run whose figures mean little; PART … measures these alone.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import determinism_rounds as rounds_of
from determinism_waits import WHOLE_S
from exchanges import Place
from figures import Pick, Reach, Rounds, added, compared, cpu, judged, ratio, table, typical, wall
from programs import Server
from worker import Sample

_REPLAYED = {
    "50 tasks, 5,000 exchanges": "tasks 50x100 small",
    "8 threads, 5,000 exchanges": "threads 8x625 small",
    "200 tasks, 2,000 exchanges": "tasks 200x10 small",
    "64 threads, 1,984 exchanges": "threads 64x31 small",
}
_LIMITED = list(_REPLAYED)[:2]
"""The others show that more callers do not cost more each."""
_RECORDED = {
    "one caller, 1,000 exchanges": "sync 1x1000 small",
    "50 tasks, 1,000 exchanges": "tasks 50x20 small",
    "8 threads, 1,000 exchanges": "threads 8x125 small",
}
_STREAMED = {
    "one caller, 60 chunks at once": "sync 1x50 stream",
    "10 tasks, 60 chunks at once": "tasks 10x5 stream",
    "8 threads, 60 chunks at once": "threads 8x6 stream",
}
_SLOW = {
    "one caller": "sync 1x5 slow",
    "10 tasks": "tasks 10x3 slow",
    "8 threads": "threads 8x3 slow",
}
_CHUNKS = 60
_PROGRAMS = {
    "nothing": "pass",
    "asyncio, threading": "import asyncio, threading",
    "httpx": "import httpx",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="one short round of everything")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of a full run")
    parser.add_argument("part", nargs="*", help=f"of {', '.join(_PARTS)}; by default all")
    asked = parser.parse_args()
    strangers = sorted({*asked.part} - {*_PARTS})
    if strangers:
        parser.error(f"no part of these: {', '.join(strangers)}")
    began = time.perf_counter()
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {busy()}")
    server = Server()
    reaches: list[Reach] = []
    with tempfile.TemporaryDirectory(prefix="agentvcr-bench-") as folder:
        rounds, part = (1, 0.05) if asked.quick else (asked.rounds, 1)
        place = Place(server.port, Path(folder), rounds, part)
        try:
            for name in asked.part or _PARTS:
                reaches += _PARTS[name](place)
                print(f"({busy()})", flush=True)
        finally:
            server.close()
    print(judged(reaches))
    print(f"\nTook {time.perf_counter() - began:.0f} s; {busy()}.")


def busy() -> str:
    """Say how busy the machine is."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def engine(sample: Sample) -> float:
    """CPU of the other processes of a run, per exchange."""
    return sample["closing_us"]


def first(sample: Sample) -> float:
    """Milliseconds to the median first chunk."""
    return sample["first_ms"]


def _per_chunk(sample: Sample) -> float:
    return cpu(sample) / _CHUNKS


# --- replays --------------------------------------------------------------------------------------


def _replays(place: Place) -> list[Reach]:
    """Replay with everything on, beside each part off."""
    rows, reaches = [], []
    ways = ("no order", "no clock", "no chance", "free", "none", "all again")
    for title, words in _REPLAYED.items():
        measured = rounds_of.REPLAYS if title in _LIMITED else ("all", "none", "all again")
        few = place._replace(rounds=min(place.rounds, 3))
        rounds = rounds_of.replays(few, words, measured)
        for name, pick in (("CPU", cpu), ("wall", wall), ("engine", engine)):
            others = [
                f"{ratio(rounds, way, pick, to='all'):.2f}x" if way in rounds else ""
                for way in ways
            ]
            more = added(rounds, "all", pick, to="none")
            row = (f"{title}, {name}", f"{typical(rounds, 'all', pick):.0f}", *others)
            rows.append((*row, f"{more:+.0f}"))
        if title in _LIMITED:
            both = ratio(rounds, "all", cpu, to="none")
            reaches.append(Reach(f"replay, {title}: CPU, all on to all off", both, 1.3))
    heads = ("", "all on µs", *ways, "all adds")
    title = (
        "Replay: per exchange, everything on, and the others' ratio to that; order, clock, chance"
    )
    print(table(title, heads, rows), flush=True)
    return reaches


# --- recordings -----------------------------------------------------------------------------------


def _recording_row(title: str, rounds: Rounds, pick: Pick, digits: int = 0) -> tuple[str, ...]:
    cells = [
        compared(rounds, way, pick, to="bare", digits=digits)
        for way in ("again", "vcrpy", "none", "all")
    ]
    beside = compared(rounds, "all", pick, to="none", digits=digits)
    return (title, f"{typical(rounds, 'bare', pick):.{digits}f}", *cells, beside)


def _recordings(place: Place) -> list[Reach]:
    """Record with everything on, beside everything off, bare and vcrpy."""
    heads = ("", "bare", "bare again", "vcrpy", "all off", "all on", "on to off", "engine, on")
    rows, reaches = [], []
    for title, words in _RECORDED.items():
        rounds = rounds_of.recordings(place, words)
        more = f"{added(rounds, 'all', engine, to='none'):+.0f}"
        rows.append((*_recording_row(f"{title}, CPU", rounds, cpu), more))
        rows.append((*_recording_row(f"{title}, wall", rounds, wall), ""))
        both = ratio(rounds, "all", cpu, to="none")
        reaches.append(Reach(f"recording, {title}: CPU, all on to all off", both, 1.15))
        peer = ratio(rounds, "all", cpu, to="vcrpy")
        reaches.append(Reach(f"recording, {title}: CPU, all on to vcrpy", peer, 1))
    print(table("Recording: per exchange, in µs, ratio and what is added", heads, rows), flush=True)
    rows = []
    for title, words in _STREAMED.items():
        rounds = rounds_of.recordings(place, words)
        more = f"{added(rounds, 'all', engine, to='none') / _CHUNKS:+.2f}"
        rows.append((*_recording_row(title, rounds, _per_chunk, 2), more))
        chunk = added(rounds, "all", _per_chunk, to="none")
        reaches.append(Reach(f"recording, {title}: CPU a chunk, all on", chunk, 20, " µs"))
    print(table("Recording a stream: CPU in µs per chunk", heads, rows), flush=True)
    rows = []
    for title, words in _SLOW.items():
        rounds = rounds_of.recordings(place._replace(part=1), words)
        rows.append((*_recording_row(title, rounds, first, 1), ""))
        late = added(rounds, "all", first, to="none")
        reaches.append(Reach(f"first chunk, {title}: all on, later by", late, 5, " ms"))
    title = "First of 10 chunks that come 20 ms apart, recorded: ms"
    print(table(title, heads, rows), flush=True)
    return reaches


# --- what takes no exchange -----------------------------------------------------------------------


def _waits(place: Place) -> list[Reach]:
    """Replay a program that mostly waits."""
    found = rounds_of.waits(place._replace(rounds=min(place.rounds, 3)))
    share = found.replayed_s / found.recorded_s
    heads = ("", "recorded s", "replayed s", "its command s", "of the recorded")
    cells = [f"{one:.2f}" for one in found]
    row = (f"sleeps and timeouts of {WHOLE_S} s", *cells, f"{share:.3f}x")
    print(table("Replay of a program that waits: wall", heads, [row]), flush=True)
    return [Reach(f"replay of {WHOLE_S} s of waiting: wall to the recorded", share, 0.1)]


def _starts(place: Place) -> list[Reach]:
    """Start programs under a recorder."""
    rows, reaches = [], []
    for title, rounds in rounds_of.starting(place, _PROGRAMS).items():
        for name, pick in (("wall", wall), ("CPU", cpu)):
            to_ms = _in_ms(pick)
            rows.append(_recording_row(f"{title}, {name}", rounds, to_ms, 1))
        both = ratio(rounds, "all", cpu, to="none")
        reaches.append(Reach(f"start of a program of {title}: CPU, all on to all off", both, 1.25))
    heads = ("", "bare ms", "bare again", "vcrpy", "all off", "all on", "on to off")
    print(table("Start of a recorded program", heads, rows), flush=True)
    return reaches


def _in_ms(pick: Pick) -> Pick:
    return lambda sample: pick(sample) / 1000


def _calls(place: Place) -> list[Reach]:
    """Time single calls."""
    rows = []
    for title, rounds in rounds_of.calls(place).items():
        rows.append(
            (
                title,
                *(f"{1e6 / typical(rounds, 'bare', pick):.0f}" for pick in (wall,)),
                f"{typical(rounds, 'bare', cpu):.2f}",
                *(
                    compared(rounds, way, cpu, to="bare", digits=2)
                    for way in ("again", "none", "recorded", "replayed")
                ),
                f"{ratio(rounds, 'recorded', wall, to='bare'):.2f}x",
                f"{ratio(rounds, 'replayed', wall, to='bare'):.2f}x",
            )
        )
    heads = ("", "bare/s", "bare µs", "bare again", "all off", "recorded", "replayed", *_WALLS)
    print(table("Single calls: CPU in µs, ratio to bare and what is added", heads, rows))
    return []


_WALLS = ("recorded wall", "replayed wall")
_PARTS: dict[str, Callable[[Place], list[Reach]]] = {
    "replays": _replays,
    "recordings": _recordings,
    "waits": _waits,
    "starts": _starts,
    "calls": _calls,
}


if __name__ == "__main__":
    main()
