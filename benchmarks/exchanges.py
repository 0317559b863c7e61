"""Measure exchanges: recorded, timed to their first byte, and replayed.

Owns the rounds and their tables. Starts nothing itself but through `programs`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from figures import (
    Reach,
    Rounds,
    added,
    compared,
    cpu,
    ratio,
    table,
    typical,
    waits,
    wall,
)
from programs import AGENTVCR, Program
from worker import Order, Sample
from workload import LOADS, TURNS

RECORDED = (("small", 60), ("stream", TURNS), ("growing", TURNS))
REPLAYED = (
    ("httpx", "small", 60),
    ("httpx2", "small", 60),
    ("httpx", "growing", TURNS),
    ("httpx2", "growing", TURNS),
    ("httpx2", "growing-stream", TURNS),
    ("openai", "stream", 5),
)
OVER_CHANNEL = (("httpx2", "small", 60), ("httpx2", "growing", TURNS), ("openai", "stream", 5))
"""What is replayed over the channel too; its recording is made beside the other measurements."""
_TOLD = {"channel": "bare", "again": "bare", "replayed": "bare", "mock again": "mock"}
"""What a program is told to do in each way that is not its own."""


class Place(NamedTuple):
    """Where and how much is measured."""

    port: int
    folder: Path
    rounds: int
    part: float
    """Of a full run's exchanges in a round."""

    def order(self, way: str, client: str, load: str, count: int, number: int) -> Order:
        """Write the order for one round."""
        suffix = "yaml" if way == "vcrpy" else "avcr"
        return Order(
            way=way,
            client=client,
            load=load,
            count=max(1, round(count * self.part)),
            conversation=number,
            cassette=str(self.folder / f"{client}-{load}.{suffix}"),
        )


def interleaved(
    place: Place, ways: Sequence[tuple[str, Program]], client: str, load: str, count: int
) -> tuple[Rounds, float]:
    """Do one round after the other in every way; the first warms up and is not kept.

    Gives the samples, and the CPU per exchange of the recorder over the channel. A way that failed
    once has no more rounds, and what it said is its last sample.
    """
    rounds: Rounds = {}
    engine: list[float] = []
    for number in range(place.rounds + 1):
        for way, program in ways:
            if way in rounds and rounds[way][-1]["failed"]:
                continue
            before = program.engine_cpu_us()
            order = place.order(_TOLD.get(way, way), client, load, count, number)
            sample = program.do(order)
            if number or sample["failed"]:
                rounds.setdefault(way, []).append(sample)
                if way == "channel":
                    engine.append((program.engine_cpu_us() - before) / order["count"])
    return rounds, sum(engine) / len(engine) if engine else float("nan")


def recording(place: Place, plain: Program, channel: Program) -> list[Reach]:
    """Measure what recording adds to an exchange."""
    reaches: list[Reach] = []
    rows: list[tuple[str, ...]] = []
    for load, count in RECORDED:
        for client in ("httpx", "httpx2"):
            ways = [("bare", plain), ("here", plain), ("channel", channel), ("again", plain)]
            if client == "httpx":
                ways.insert(3, ("vcrpy", plain))
            rounds, engine = interleaved(place, ways, client, load, count)
            rows += _recording_rows(f"{LOADS[load].title}, {client}", rounds, engine)
            reaches += _recording_reaches(load, client, rounds)
    ways = [("bare", plain), ("here", plain), ("channel", channel), ("again", plain)]
    rounds, engine = interleaved(place, ways, "httpx2", "waiting", 5)
    rows += _recording_rows(f"{LOADS['waiting'].title}, httpx2", rounds, engine)
    share = added(rounds, "channel", wall, to="bare") / 300_000 * 100
    title = "recording over the channel, 60 KB answered in 20 ms: wall added, of a 300 ms call"
    reaches.append(Reach(title, share, 0.3, " %"))
    heads = ("", "bare µs", "bare again", "in-process", "channel", "its engine", "vcrpy", "saving")
    print(table("Recording: per exchange, ratio to bare and added µs", heads, rows), flush=True)
    return reaches


def _recording_rows(title: str, rounds: Rounds, engine: float) -> list[tuple[str, ...]]:
    saving = typical(rounds, "vcrpy", lambda one: one["closing_us"]) if "vcrpy" in rounds else 0
    rows = []
    for name, pick in (("CPU", cpu), ("wall", wall)):
        others = [compared(rounds, way, pick, to="bare") for way in ("again", "here", "channel")]
        rows.append(
            (
                f"{title}, {name}",
                f"{typical(rounds, 'bare', pick):.0f}",
                *others,
                f"+{engine:.0f}" if pick is cpu else "",
                compared(rounds, "vcrpy", pick, to="bare"),
                f"+{saving:.0f}" if saving and pick is cpu else "",
            )
        )
    return rows


def _recording_reaches(load: str, client: str, rounds: Rounds) -> list[Reach]:
    if load == "small":
        here = ratio(rounds, "here", cpu, to="bare")
        waited = typical(rounds, "channel", waits)
        return [
            Reach(f"recording in-process, small, {client}: CPU to bare", here, 1.05),
            Reach(f"recording over the channel, {client}: waits an exchange", waited, 1, ""),
        ]
    if load == "growing":
        channel = ratio(rounds, "channel", cpu, to="bare")
        return [Reach(f"recording over the channel, 60 KB, {client}: CPU to bare", channel, 1.35)]
    return []


def first_byte(place: Place, plain: Program, channel: Program) -> list[Reach]:
    """Measure when the first chunk of a slow stream arrives, and how many there are."""
    ways = [("bare", plain), ("here", plain), ("channel", channel), ("vcrpy", plain)]
    fewer = place._replace(part=1)
    rounds, _ = interleaved(fewer, ways, "httpx", "slow", 1)

    def first(sample: Sample) -> float:
        return sample["first_ms"]

    rows = [
        (
            {"here": "in-process"}.get(way, way),
            f"{typical(rounds, way, lambda one: one['chunks']):.0f}",
            f"{typical(rounds, way, first):.1f}",
            f"{ratio(rounds, way, first, to='bare'):.3f}x",
            f"{typical(rounds, way, wall) / 1000:.1f}",
        )
        for way, _ in ways
    ]
    heads = ("", "chunks", "first ms", "to bare", "whole ms")
    title = f"First byte while recording, httpx, {LOADS['slow'].title}"
    print(table(title, heads, rows), flush=True)
    return [
        Reach("first byte, recording in-process", ratio(rounds, "here", first, to="bare"), 1.05),
        Reach("first byte, over the channel", ratio(rounds, "channel", first, to="bare"), 1.05),
    ]


def record_for_replay(place: Place, plain: Program, channel: Program) -> None:
    """Record what will be replayed: here once, over the channel as many rounds as will be asked."""
    for client, load, count in REPLAYED:
        plain.do(place.order("here", client, load, count, 0))
    for client, load, count in OVER_CHANNEL:
        for number in range(place.rounds + 1):
            channel.do(place.order("bare", client, load, count, 1000 + number))


def replaying(place: Place, plain: Program) -> list[Reach]:
    """Measure replays in-process beside a mocked transport."""
    reaches: list[Reach] = []
    rows: list[tuple[str, ...]] = []
    ways = [("mock", plain), ("replay", plain), ("mock again", plain)]
    for client, load, count in REPLAYED:
        rounds = _replay_rounds(place, ways, client, load, count)
        title = _title(client, load)
        rows.append(_replay_row(title, rounds))
        at_most = 1.1 if client == "openai" else 1.15 if load == "small" else 1.5
        measured = ratio(rounds, "replay", cpu, to="mock")
        reaches.append(
            Reach(f"replay in-process, {title}: time to MockTransport", measured, at_most)
        )
    print(table("Replay in-process beside MockTransport", _REPLAY_HEADS, rows), flush=True)
    return reaches


def replaying_over_channel(place: Place) -> list[Reach]:
    """Measure replays over the channel beside a mocked transport in the same process."""
    cassette = str(place.folder / "channel.avcr")
    out = str(place.folder / "channel.last.avcr")
    program = Program(place.port, [AGENTVCR, "replay", cassette, "-o", out, "--"])
    ways = [("mock", program), ("replay", program), ("mock again", program)]
    reaches: list[Reach] = []
    rows: list[tuple[str, ...]] = []
    for client, load, count in OVER_CHANNEL:
        rounds = _replay_rounds(place, ways, client, load, count, first=1000)
        rows.append(_replay_row(_title(client, load), rounds))
        waited = typical(rounds, "replay", waits)
        title = f"replay over the channel, {_title(client, load)}: waits an exchange"
        reaches.append(Reach(title, waited, 1, ""))
    took = program.close()
    print(table("Replay over the channel beside MockTransport", _REPLAY_HEADS, rows))
    print(
        f"After the program's end the replay was closed and compared in {took:.1f} s.", flush=True
    )
    return reaches


_REPLAY_HEADS = ("", "mock/s", "replay/s", "mock again", "CPU, µs", "wall, µs", "waits")


def _title(client: str, load: str) -> str:
    return "57 chunks, openai" if client == "openai" else f"{LOADS[load].title}, {client}"


def _replay_rounds(  # noqa: PLR0913  (what one row consists of)
    place: Place,
    ways: Sequence[tuple[str, Program]],
    client: str,
    load: str,
    count: int,
    first: int | None = None,
) -> Rounds:
    """Ask what was recorded; in-process the same conversation each round, else the next one."""
    rounds: Rounds = {}
    for number in range(place.rounds + 1):
        for way, program in ways:
            conversation = 0 if first is None else first + number
            told = "mock" if way == "mock again" else way
            sample = program.do(place.order(told, client, load, count, conversation))
            if number:
                rounds.setdefault(way, []).append(sample)
    return rounds


def _replay_row(title: str, rounds: Rounds) -> tuple[str, ...]:
    return (
        title,
        f"{1e6 / typical(rounds, 'mock', wall):.0f}",
        f"{1e6 / typical(rounds, 'replay', wall):.0f}",
        f"{ratio(rounds, 'mock again', cpu, to='mock'):.2f}x",
        compared(rounds, "replay", cpu, to="mock"),
        compared(rounds, "replay", wall, to="mock"),
        f"{typical(rounds, 'replay', waits):.1f}",
    )
