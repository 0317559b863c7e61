"""Measure what each client costs: bare, under vcrpy, recorded and replayed by AgentVCR.

One run, whose rounds take turns, as in `record_replay.py`. What a way has not recorded is told and
has no figure. `--quick` is a smoke run whose figures mean little; CLIENT … measures these alone.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import starts
from clients_rounds import Measured, measured
from clients_worker import CLIENTS
from exchanges import Place
from figures import Pick, compared, cpu, table, typical, wall
from programs import AGENTVCR, Program, Server
from worker import Sample
from workload import ANSWERS, LOADS

_HEADS = (
    "",
    "bare µs",
    "bare again",
    "vcrpy",
    "its saving",
    "in-process",
    "channel",
    "its engine",
    "replay",
    "over channel",
)
_FIRST_HEADS = (
    "",
    "bare ms",
    "chunks",
    "vcrpy",
    "chunks",
    "in-process",
    "chunks",
    "channel",
    "chunks",
    "CPU a chunk",
    "channel",
)
_FIVE = ("httpx", "requests", "aiohttp", "urllib3", "httplib2")
_PROGRAMS = {
    "none": "pass",
    "httpx": "import httpx",
    ", ".join(_FIVE): "import " + ", ".join(_FIVE),
    "tornado": "import tornado.httpclient, tornado.simple_httpclient",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="one short round of everything")
    parser.add_argument("client", nargs="*", help=f"of {', '.join(CLIENTS)}; by default all")
    asked = parser.parse_args()
    strangers = sorted({*asked.client} - {*CLIENTS})
    if strangers:
        parser.error(f"no client of these: {', '.join(strangers)}")
    began = time.perf_counter()
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {busy()}")
    server = Server()
    with tempfile.TemporaryDirectory(prefix="agentvcr-bench-") as folder:
        rounds, part = (1, 0.2) if asked.quick else (7, 1)
        place = Place(server.port, Path(folder), rounds, part)
        try:
            _starts(place)
            _clients(place, asked.client or list(CLIENTS))
        finally:
            server.close()
    print(f"\nTook {time.perf_counter() - began:.0f} s; {busy()}.")


def busy() -> str:
    """Say how busy the machine is."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def _starts(place: Place) -> None:
    """Measure starts under a recorder that has nothing else to do."""
    target = str(place.folder / "starts.avcr")
    program = Program(place.port, [AGENTVCR, "record", "-o", target, "--"], "clients_worker.py")
    starts.importing(place.rounds, program.environment, _PROGRAMS)
    program.close()


def _clients(place: Place, clients: Sequence[str]) -> None:
    found = []
    for client in clients:
        print(f"{client} …", file=sys.stderr, flush=True)
        found.append(measured(place, client))
    rows = [row for one in found for row in _rows(one, "small", 1)]
    print(table("Small JSON: per exchange, ratio to bare and added µs", _HEADS, rows))
    parts = len(ANSWERS[LOADS["stream"].path].chunks)
    rows = [row for one in found for row in _rows(one, "stream", parts)]
    title = f"Stream of {parts} chunks that are sent at once: per chunk, ratio to bare and added µs"
    print(table(title, _HEADS, rows))
    rows = [_first_row(one) for one in found]
    title = f"First chunk of {LOADS['slow'].title}: ms, and chunks; then CPU in µs, and added CPU"
    print(table(title, _FIRST_HEADS, rows))
    for failure in (failure for one in found for failure in one.failures()):
        print(f"fails: {failure[:300]}")


def _rows(one: Measured, load: str, parts: int) -> list[tuple[str, ...]]:
    """Lay out a client's two rows of a load: wall and CPU, per part of an exchange."""
    digits = 0 if parts == 1 else 2
    rows = []
    for name, pick in (("wall", _per(parts, wall)), ("CPU", _per(parts, cpu))):

        def cell(way: str, pick: Pick = pick) -> str:
            told = one.replayed.get(load, {}) if way == "replayed" else one.rounds[load]
            return one.missing(load, way) or compared(told, way, pick, to="bare", digits=digits)

        saving, engine = "", ""
        if name == "CPU" and not one.missing(load, "vcrpy"):
            saved = typical(one.rounds[load], "vcrpy", _per(parts, _closing))
            saving = f"{saved:+.{digits}f}"
        if name == "CPU" and not one.missing(load, "channel"):
            engine = f"{one.engine[load] / parts:+.{digits}f}"
        bare = typical(one.rounds[load], "bare", pick)
        ours = (cell("here"), cell("channel"), engine, cell("replay"), cell("replayed"))
        title = f"{one.client}, {name}"
        rows.append((title, f"{bare:.{digits}f}", cell("again"), cell("vcrpy"), saving, *ours))
    return rows


def _per(parts: int, pick: Pick) -> Pick:
    return lambda sample: pick(sample) / parts


def _closing(sample: Sample) -> float:
    return sample["closing_us"]


def _first_row(one: Measured) -> tuple[str, ...]:
    rounds = one.rounds["slow"]
    cells: list[str] = []
    for way in ("bare", "vcrpy", "here", "channel"):
        missing = one.missing("slow", way)
        if missing:
            cells += [missing, ""]
        else:
            first = typical(rounds, way, lambda sample: sample["first_ms"])
            chunks = typical(rounds, way, lambda sample: sample["chunks"])
            cells += [f"{first:.1f}", f"{chunks:.0f}"]
    parts = len(ANSWERS[LOADS["slow"].path].chunks)
    pick = _per(parts, cpu)
    more = one.missing("slow", "channel") or compared(rounds, "channel", pick, to="bare")
    return (one.client, *cells, f"{typical(rounds, 'bare', pick):.0f}", more)


if __name__ == "__main__":
    main()
