"""The measured program of `clients.py`: as `worker.py`, for one client of many.

Owns the clients' names and a round of each. A client is made anew for each round, in whatever
records it: what a recorder does to connections that were open before is not measured here.
"""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from time import process_time_ns
from typing import Any

from clients_async import Aiohttp, AsyncHttpx, AsyncHttpx2, Tornado
from clients_sync import (
    Botocore,
    Gateway,
    HttpClient,
    Httplib2,
    Httpx,
    Httpx2,
    Requests,
    Urllib,
    Urllib3,
)
from worker import WARM_UP, Order, Sample, in_way, serve, waited
from workload import ANSWERS, LOADS

from agentvcr.inside import real

CLIENTS = {
    "httpx": Httpx,
    "httpx async": AsyncHttpx,
    "httpx2": Httpx2,
    "httpx2 async": AsyncHttpx2,
    "aiohttp": Aiohttp,
    "urllib.request": Urllib,
    "http.client": HttpClient,
    "urllib3": Urllib3,
    "requests": Requests,
    "httplib2": Httplib2,
    "botocore": Botocore,
    "tornado": Tornado,
    "gateway": Gateway,
}

FAILED = Sample(
    cpu_us=0, wall_us=0, waits=0, chunks=0, first_ms=0, closing_us=0, failed="for a reason unknown"
)


def warm_up_of(load: str) -> int:
    """Exchanges at the start of a round that are not measured: of the slow ones fewer."""
    return 1 if ANSWERS[LOADS[load].path].gap_s else WARM_UP


class _Taken:
    """What a program got of one exchange, and when the first of it."""

    def __init__(self) -> None:
        self.began = real.perf_counter_ns()
        self.first_ns = 0
        self.chunks = 0
        self.size = 0

    def __call__(self, chunk: bytes) -> None:
        if not self.chunks:
            self.first_ns = real.perf_counter_ns() - self.began
        self.chunks += 1
        self.size += len(chunk)


class Round:
    """The exchanges of one order, through one client."""

    def __init__(self, base: str, order: Order) -> None:
        """Make the client, and the requests' bodies."""
        load = LOADS[order["load"]]
        self._client: Any = CLIENTS[order["client"]]()  # sync or async
        self._url = base + load.path
        self._is_streamed = load.streamed
        self._expected = sum(map(len, ANSWERS[load.path].chunks))
        self._warm_up = warm_up_of(order["load"])
        turns = range(order["count"] + self._warm_up)
        self._bodies = [load.body(order["conversation"], turn) for turn in turns]

    async def do(self) -> Sample:
        """Ask one after the other; a synchronous client never waits here."""
        try:
            for body in self._bodies[: self._warm_up]:
                await self._exchange(body)
            gc.collect()
            return await self._measured(self._bodies[self._warm_up :])
        finally:
            await _done(self._client.close())

    async def _measured(self, bodies: list[dict[str, object]]) -> Sample:
        walls: list[int] = []
        waits, cpu = waited.count, process_time_ns()
        for body in bodies:
            began = real.perf_counter_ns()
            taken = await self._exchange(body)
            walls.append(real.perf_counter_ns() - began)
        cpu = process_time_ns() - cpu
        return Sample(
            cpu_us=cpu / 1000 / len(walls),
            wall_us=sorted(walls)[len(walls) // 2] / 1000,
            waits=(waited.count - waits) / len(walls),
            chunks=taken.chunks,
            first_ms=taken.first_ns / 1e6,
            closing_us=0,
            failed="",
        )

    async def _exchange(self, body: dict[str, object]) -> _Taken:
        data = json.dumps(body).encode()
        taken = _Taken()
        if self._is_streamed:
            await _done(self._client.streamed(self._url, data, taken))
        else:
            taken(await _done(self._client.whole(self._url, data)))
        if taken.size != self._expected:
            raise ValueError(f"{taken.size} bytes came of {self._expected}")
        return taken


async def _done(given: Any) -> Any:  # noqa: ANN401  (what a client gives, or will give)
    return await given if isawaitable(given) else given


class Worker:
    """Does rounds of any client."""

    def __init__(self, port: int) -> None:
        """Ask the server on that port."""
        self._base = f"http://127.0.0.1:{port}"
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)

    def do(self, order: Order) -> Sample:
        """Do one round; a client that cannot be recorded that way says why."""
        closing = process_time_ns()
        try:
            with in_way(order):
                sample = self._run(order)
                closing = process_time_ns()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  (a halted replay's too: it is told)
            return {**FAILED, "failed": f"{type(error).__name__}: {error}"}
        sample["closing_us"] = (process_time_ns() - closing) / 1000 / order["count"]
        return sample

    def _run(self, order: Order) -> Sample:
        async def do() -> Sample:
            return await Round(self._base, order).do()

        if CLIENTS[order["client"]].__module__ == "clients_async":
            return self._loop.run_until_complete(do())
        return _driven(do)


def _driven(do: Callable[[], Awaitable[Sample]]) -> Sample:
    """Run to its end what never waits, with no event loop: sync clients look for one."""
    try:
        do().__await__().__next__()
    except StopIteration as done:
        sample: Sample = done.value
        return sample
    raise AssertionError("a synchronous client has waited")


if __name__ == "__main__":
    serve(lambda port: Worker(port).do)
