"""Run the programs of `determinism.py` in every way, one after the other, round by round.

Owns the ways and what each needs. Each run is a process of its own, since a process has everything
on or off from its start. Lays out no table (`determinism`).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import starts
from determinism_worker import shape_of
from exchanges import Place
from figures import Rounds
from programs import AGENTVCR, HERE, Program, started
from worker import Sample

PARTS = ("order", "clock", "chance")
NOTHING = ",".join(PARTS)
"""What switches everything off."""
OFF = {"all": "", **{f"no {part}": part for part in PARTS}, "none": NOTHING}
"""Ways of a replay or a recording, and what each switches off."""
BARE = ("bare", "again")


class Run(NamedTuple):
    """One program, and where it says what it cost."""

    place: Place
    name: str
    words: tuple[str, ...]
    """The script, and its arguments behind the file that it writes."""

    @property
    def told(self) -> Path:
        """The file that it writes, the same in every way."""
        return self.place.folder / f"{self.name}.json"

    @property
    def cassette(self) -> Path:
        """What is replayed."""
        return self.place.folder / f"{self.name}.avcr"

    def argv(self, *more: str) -> list[str]:
        """Say how it is run."""
        script, *arguments = self.words
        port = [] if script == "determinism_calls.py" else [str(self.place.port)]
        return [sys.executable, str(HERE / script), *port, str(self.told), *arguments, *more]

    def bare(self, *more: str) -> Any:  # noqa: ANN401  (what the program tells)
        """Run it without us."""
        return self._told_by(self.argv(*more), "")[0]

    def record(self, off: str = "", *, to: Path | None = None) -> Any:  # noqa: ANN401  (as above)
        """Record it; gives the milliseconds of CPU of all processes too."""
        under = [AGENTVCR, "record", "--force", "-o", str(to or self.cassette), "--"]
        return self._told_by([*under, *self.argv()], off)

    def replay(self, off: str = "", *options: str) -> Any:  # noqa: ANN401  (as above)
        """Replay it, which must find it the same; gives CPU as `record` does."""
        out = str(self.place.folder / f"{self.name}.last.avcr")
        argv = [AGENTVCR, "replay", str(self.cassette), "--trust", "--force", "-o", out, *options]
        return self._told_by(argv, off)

    def _told_by(self, argv: list[str], off: str) -> tuple[Any, float]:
        self.told.unlink(missing_ok=True)
        env = {**os.environ, "PYTHONHASHSEED": "0", "AGENTVCR_OFF": off}
        _, cpu_ms = started(argv, env)
        return json.loads(self.told.read_text(encoding="utf-8")), cpu_ms


def asking(place: Place, words: str) -> Run:
    """Make the run of a shape of callers, smaller in a smoke run."""
    shape = shape_of(words)
    each = max(1, round(shape.each * place.part))
    fitted = f"{shape.callers} {shape.many}x{each} {shape.load}"
    return Run(place, words.replace(" ", "-"), ("determinism_worker.py", fitted))


def with_engine(run: Run, found: tuple[Sample, float]) -> Sample:
    """Put the engine's CPU of an exchange where that of the whole process was."""
    sample, cpu_ms = found
    engine_us = cpu_ms * 1000 - sample["closing_us"]
    sample["closing_us"] = engine_us / shape_of(run.words[-1]).count
    return sample


REPLAYS = (*OFF, "free", "all again")


def replays(place: Place, words: str, ways: Sequence[str] = REPLAYS) -> Rounds:
    """Replay a program with everything on, each part off, and nothing on; its rounds take turns."""
    run = asking(place, words)
    run.record()
    rounds: Rounds = {}
    for _ in range(place.rounds):
        for way in ways:
            options = ("--order", "free") if way == "free" else ()
            found = run.replay(OFF.get(way, ""), *options)
            rounds.setdefault(way, []).append(with_engine(run, found))
    return rounds


def recordings(place: Place, words: str) -> Rounds:
    """Record a program with everything on and off, beside it bare and under vcrpy."""
    run = asking(place, words)
    rounds: Rounds = {}
    for _ in range(place.rounds):
        for way in ("bare", "all", "none", "vcrpy", "again"):
            if way in OFF:
                sample = with_engine(run, run.record(OFF[way]))
            elif way in BARE:
                sample = run.bare()
            else:
                sample = run.bare(str(place.folder / "vcrpy.yaml"))
            rounds.setdefault(way, []).append(sample)
    return rounds


def calls(place: Place) -> dict[str, Rounds]:
    """Time single calls bare, recorded with everything on and off, and replayed."""
    run = Run(place, "calls", ("determinism_calls.py", str(place.part)))
    found: dict[str, Rounds] = {}
    for _ in range(place.rounds):
        ways: dict[str, dict[str, Sample]] = {"bare": run.bare()}
        ways["none"] = run.record(NOTHING, to=place.folder / "calls-none.avcr")[0]
        ways["recorded"] = run.record()[0]
        ways["replayed"] = run.replay()[0]
        ways["again"] = run.bare()
        for way, by_title in ways.items():
            for title, sample in by_title.items():
                found.setdefault(title, {}).setdefault(way, []).append(sample)
    return found


class Waited(NamedTuple):
    """Seconds of a program that waits."""

    recorded_s: float
    replayed_s: float
    whole_replay_s: float
    """The command's, from its start to its end."""


def waits(place: Place) -> Waited:
    """Record a program that waits, once and really, and replay it."""
    run = Run(place, "waits", ("determinism_waits.py",))
    recorded_s, _ = run.record()
    replayed, whole = [], []
    for _ in range(place.rounds):
        began = time.perf_counter()
        replayed.append(run.replay()[0])
        whole.append(time.perf_counter() - began)
    return Waited(recorded_s, median(replayed), median(whole))


def starting(place: Place, programs: dict[str, str]) -> dict[str, Rounds]:
    """Start programs bare, and recorded with everything on and off."""
    target = str(place.folder / "starts.avcr")
    program = Program(place.port, [AGENTVCR, "record", "--force", "-o", target, "--"])
    recorded = starts.recorded(program.environment)
    subprocess.run(
        [
            sys.executable,
            "-m",
            "compileall",
            "-q",
            program.environment["AGENTVCR_ROOT"] + "/inside",
        ],
        check=False,
    )
    ways = {
        "bare": dict(os.environ),
        "all": recorded,
        "none": {**recorded, "AGENTVCR_OFF": NOTHING},
        "again": dict(os.environ),
    }
    found = {
        title: _starts_of([sys.executable, "-c", code], ways, place.rounds * 3)
        for title, code in programs.items()
    }
    program.close()
    return found


def _starts_of(argv: list[str], ways: dict[str, dict[str, str]], rounds: int) -> Rounds:
    taken: Rounds = {way: [] for way in ways}
    for number in range(rounds + 1):
        for way, env in ways.items():
            wall_ms, cpu_ms = started(argv, env)
            if number:
                taken[way].append(_started(wall_ms, cpu_ms))
    return taken


def _started(wall_ms: float, cpu_ms: float) -> Sample:
    return Sample(
        cpu_us=cpu_ms * 1000,
        wall_us=wall_ms * 1000,
        waits=0,
        chunks=0,
        first_ms=0,
        closing_us=0,
        failed="",
    )
