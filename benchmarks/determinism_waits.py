"""The measured program of `determinism.py` that waits: sleeps, timeouts and backing off.

Owns the waits, which come to `WHOLE_S` and nearly nothing else, in threads and in an event loop.
"""

from __future__ import annotations

import asyncio
import json
import queue
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import httpx
from workload import LOADS

from agentvcr.inside import real

WHOLE_S = 20
"""Seconds of the waits when they are real."""


def _ask(client: httpx.Client, base: str, turn: int) -> None:
    load = LOADS["small"]
    client.post(base + load.path, json=load.body(0, turn)).raise_for_status()


def _in_threads(base: str) -> None:
    """Wait for ten seconds: backing off, for an event, a queue, a condition and a thread."""
    with httpx.Client(verify=False) as client:
        for turn, delay_s in enumerate((0.5, 1, 1.5)):
            _ask(client, base, turn)
            time.sleep(delay_s)
        threading.Event().wait(2)
        with suppress(queue.Empty):
            queue.Queue[int]().get(timeout=2)
        slow = threading.Thread(target=time.sleep, args=(3,))
        slow.start()
        slow.join(1)
        slow.join()
        _ask(client, base, 9)


async def _in_a_loop(base: str) -> None:
    """Wait for ten seconds: for each other, for what never comes, and for time to pass."""
    load = LOADS["small"]
    async with httpx.AsyncClient(verify=False) as client:

        async def ask(turn: int, delay_s: float) -> None:
            await asyncio.sleep(delay_s)
            answer = await client.post(base + load.path, json=load.body(1, turn))
            answer.raise_for_status()

        await asyncio.gather(*(ask(turn, 0.25 * turn) for turn in range(13)))
        for _ in range(3):
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), 1)
        await asyncio.wait([asyncio.create_task(asyncio.sleep(60))], timeout=2)
        await asyncio.sleep(2)


def main() -> None:
    port, told = sys.argv[1:]
    base = f"http://127.0.0.1:{port}"
    began = real.perf_counter_ns()
    _in_threads(base)
    asyncio.run(_in_a_loop(base))
    seconds = (real.perf_counter_ns() - began) / 1e9
    Path(told).write_text(json.dumps(seconds), encoding="utf-8")


if __name__ == "__main__":
    main()
