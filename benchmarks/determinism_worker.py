"""The measured program of `determinism.py`: many callers at once, then how much all of it cost.

Owns the callers: a thread, several, or tasks of one event loop, each asking one thing after the
other. Its arguments are the same in a recording and in its replays, so that one is the other's.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from statistics import median
from time import process_time_ns
from typing import Any, NamedTuple

import httpx
from worker import Sample
from workload import LOADS

from agentvcr.inside import real

_HEADERS = {"authorization": "Bearer bench-0123456789"}
_PATIENT: dict[str, Any] = {"verify": False, "timeout": 120}
"""A replay lets callers wait for each other, and certificates would take the client longest."""


class Shape(NamedTuple):
    """What a program is made of."""

    callers: str
    """sync, threads or tasks."""
    many: int
    each: int
    """Exchanges of a caller."""
    load: str

    @property
    def count(self) -> int:
        """Exchanges of them all."""
        return self.many * self.each


def shape_of(words: str) -> Shape:
    """Read a shape as it is written: callers, how many by how many exchanges each, the load."""
    callers, size, load = words.split()
    many, each = (int(number) for number in size.split("x"))
    return Shape(callers, many, each, load)


class Taken:
    """What came, and how long each first chunk took."""

    def __init__(self) -> None:
        """Have nothing."""
        self.firsts: list[float] = []
        self.chunks = 0

    def follow(self) -> Callable[[], None]:
        """Follow an exchange that begins now; to be called at each of its chunks."""
        began = real.perf_counter_ns()
        is_first = [True]

        def came() -> None:
            self.chunks += 1
            if is_first:
                is_first.clear()
                self.firsts.append((real.perf_counter_ns() - began) / 1e6)

        return came


def _ask(client: httpx.Client, base: str, shape: Shape, caller: int, taken: Taken) -> None:
    load = LOADS[shape.load]
    for turn in range(shape.each):
        body, came = load.body(caller, turn), taken.follow()
        if not load.streamed:
            client.post(base + load.path, json=body, headers=_HEADERS).raise_for_status()
            came()
            continue
        with client.stream("POST", base + load.path, json=body, headers=_HEADERS) as response:
            for _ in response.iter_raw():
                came()


async def _async_ask(
    client: httpx.AsyncClient, base: str, shape: Shape, caller: int, taken: Taken
) -> None:
    load = LOADS[shape.load]
    for turn in range(shape.each):
        body, came = load.body(caller, turn), taken.follow()
        if not load.streamed:
            answer = await client.post(base + load.path, json=body, headers=_HEADERS)
            answer.raise_for_status()
            came()
            continue
        url = base + load.path
        async with client.stream("POST", url, json=body, headers=_HEADERS) as response:
            async for _ in response.aiter_raw():
                came()


def _in_threads(base: str, shape: Shape, taken: Taken) -> None:
    with httpx.Client(**_PATIENT, limits=httpx.Limits(max_connections=None)) as client:
        if shape.callers == "sync":
            _ask(client, base, shape, 0, taken)
            return
        threads = [
            threading.Thread(target=_ask, args=(client, base, shape, caller, taken))
            for caller in range(shape.many)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


async def _in_tasks(base: str, shape: Shape, taken: Taken) -> None:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(**_PATIENT, limits=limits) as client:
        asking = (_async_ask(client, base, shape, one, taken) for one in range(shape.many))
        await asyncio.gather(*asking)


@contextmanager
def _vcrpy(cassette: Path) -> Iterator[None]:
    import vcr  # noqa: PLC0415  (not in the other ways)

    cassette.unlink(missing_ok=True)
    with vcr.use_cassette(str(cassette)):
        yield


def _measured(base: str, shape: Shape, under: AbstractContextManager[None]) -> Sample:
    taken = Taken()
    gc.collect()
    cpu, wall = process_time_ns(), real.perf_counter_ns()
    with under:
        if shape.callers == "tasks":
            asyncio.run(_in_tasks(base, shape, taken))
        else:
            _in_threads(base, shape, taken)
    cpu, wall = process_time_ns() - cpu, real.perf_counter_ns() - wall
    if len(taken.firsts) != shape.count:
        raise ValueError(f"{len(taken.firsts)} exchanges of {shape.count}")
    return Sample(
        cpu_us=cpu / 1000 / shape.count,
        wall_us=wall / 1000 / shape.count,
        waits=0,
        chunks=taken.chunks // shape.count,
        first_ms=median(taken.firsts),
        closing_us=process_time_ns() / 1000,
        failed="",
    )


def main() -> None:
    port, told, words, *cassette = sys.argv[1:]
    under = _vcrpy(Path(cassette[0])) if cassette else nullcontext()
    sample = _measured(f"http://127.0.0.1:{port}", shape_of(words), under)
    Path(told).write_text(json.dumps(sample), encoding="utf-8")


if __name__ == "__main__":
    main()
