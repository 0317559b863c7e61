"""The measured program of `determinism.py` for single calls: of chance, clocks, locks and loops.

Owns what is called. Nothing of it asks anybody, so that what it costs is what stands in the place
of the calls. Its locks are a program's own, whose order is kept; those of libraries stay real.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import queue
import random
import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from time import process_time_ns

from worker import Sample

from agentvcr.inside import real

Work = Callable[[int], object]
"""Does something so many times."""


def _repeated(call: Callable[[], object]) -> Work:
    def work(count: int) -> None:
        for _ in range(count):
            call()

    return work


def _all(targets: list[Callable[[], object]]) -> None:
    threads = [threading.Thread(target=target) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _lock(count: int) -> None:
    lock = threading.Lock()
    for _ in range(count):
        with lock:
            pass


def _contended(count: int) -> None:
    lock = threading.Lock()

    def take() -> None:
        for _ in range(count // 4):
            with lock:
                pass

    _all([take] * 4)


def _ping_pong(count: int) -> None:
    condition, turn = threading.Condition(), [0]

    def play(mine: int) -> None:
        for _ in range(count // 2):
            with condition:
                while turn[0] != mine:
                    condition.wait()
                turn[0] = 1 - mine
                condition.notify()

    _all([lambda: play(0), lambda: play(1)])


def _queue(count: int) -> None:
    there: queue.Queue[int] = queue.Queue()
    back: queue.Queue[int] = queue.Queue()

    def echo() -> None:
        for _ in range(count):
            back.put(there.get())

    def ask() -> None:
        for number in range(count):
            there.put(number)
            back.get()

    _all([echo, ask])


def _turns(count: int) -> None:
    async def turn() -> None:
        for _ in range(count):
            await asyncio.sleep(0)

    asyncio.run(turn())


def _timers(count: int) -> None:
    async def wait() -> None:
        for _ in range(count):
            await asyncio.sleep(1e-6)

    asyncio.run(wait())


def _events(count: int) -> None:
    async def play() -> None:
        first, second = asyncio.Event(), asyncio.Event()

        async def echo() -> None:
            for _ in range(count):
                await first.wait()
                first.clear()
                second.set()

        task = asyncio.create_task(echo())
        for _ in range(count):
            first.set()
            await second.wait()
            second.clear()
        await task

    asyncio.run(play())


def _sleepers(count: int) -> None:
    _all([lambda: time.sleep(1e-4) for _ in range(count)])


def _hand_over(count: int) -> None:
    async def play() -> None:
        await asyncio.gather(*(asyncio.to_thread(int) for _ in range(count)))

    asyncio.run(play())


CALLS: dict[str, tuple[int, Work]] = {
    "random.random()": (10000, _repeated(random.random)),
    "random.Random()": (1000, _repeated(random.Random)),
    "uuid.uuid4()": (5000, _repeated(uuid.uuid4)),
    "os.urandom(16)": (5000, _repeated(lambda: os.urandom(16))),
    "time.time()": (10000, _repeated(time.time)),
    "time.monotonic()": (5000, _repeated(time.monotonic)),
    "datetime.now()": (5000, _repeated(dt.datetime.now)),
    "threading.Lock, one thread": (10000, _lock),
    "threading.Lock, four threads": (8000, _contended),
    "Condition, there or back": (1000, _ping_pong),
    "Queue, there and back": (500, _queue),
    "asyncio.sleep(0)": (10000, _turns),
    "asyncio.Event, there and back": (5000, _events),
    "asyncio.sleep of a microsecond": (1000, _timers),
    "thread that sleeps, 64 at once": (64, _sleepers),
    "asyncio.to_thread, all at once": (200, _hand_over),
}
"""By title: how often it is done, and what."""


def _measured(count: int, work: Work) -> Sample:
    work(min(count, 16))
    cpu, wall = process_time_ns(), real.perf_counter_ns()
    work(count)
    cpu, wall = process_time_ns() - cpu, real.perf_counter_ns() - wall
    return Sample(
        cpu_us=cpu / 1000 / count,
        wall_us=wall / 1000 / count,
        waits=0,
        chunks=0,
        first_ms=0,
        closing_us=0,
        failed="",
    )


def main() -> None:
    told, part = sys.argv[1:]
    print("begins", flush=True)  # a recorded program opens its way to the engine when it speaks
    samples = {
        title: _measured(max(4, int(count * float(part))), work)
        for title, (count, work) in CALLS.items()
    }
    Path(told).write_text(json.dumps(samples), encoding="utf-8")


if __name__ == "__main__":
    main()
