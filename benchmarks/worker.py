"""The measured program: does rounds of exchanges as it is told, and says what they cost.

Orders come as lines of JSON on one descriptor and samples go back on another, so that the standard
streams, which a recording keeps, stay silent. Time is the real one, not what a replay gives the
program. Run plainly it measures bare clients, recording and replaying in this very process, and
vcrpy; run under `agentvcr` it measures the channel.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from time import process_time_ns
from typing import Any, TypedDict

from workload import ANSWERS, LOADS, Load

import agentvcr
from agentvcr.inside import real

WARM_UP = 3
"""Exchanges at the start of a round that are not measured: the start of a session, its compressor
and its first imports are no cost of an exchange."""

Exchange = Callable[[], int]
"""One exchange from its request to its last byte; gives the number of chunks received."""


class Order(TypedDict):
    """One round to do."""

    way: str
    """bare, here, vcrpy, mock or replay."""
    client: str
    """httpx, httpx2 or openai."""
    load: str
    count: int
    """Exchanges that are measured, after a few that are not."""
    conversation: int
    cassette: str


class Sample(TypedDict):
    """What one round cost, per exchange."""

    cpu_us: float
    wall_us: float
    """The median exchange's."""
    waits: float
    """Answers of the recorder that the program waited for."""
    chunks: int
    first_ms: float
    """Time to the first chunk of the last exchange."""
    closing_us: float
    """CPU of ending the recording."""
    failed: str
    """What went wrong; empty where nothing did."""


class Waited:
    """Counts the answers that come over the channel."""

    def __init__(self) -> None:
        """Start at none."""
        self.count = 0

    def watch(self) -> None:
        """Stand before the one function through which a recorded program waits for its recorder."""
        from agentvcr.inside.channel import Wire  # noqa: PLC0415  (loaded in a recorded program)

        original = Wire.get

        def get(wire: Wire) -> Any:  # noqa: ANN401  (a frame)
            self.count += 1
            return original(wire)

        Wire.get = get  # type: ignore[method-assign, assignment]


waited = Waited()


class Worker:
    """Holds one client for each library, as a program would."""

    def __init__(self, port: int) -> None:
        """Ask the server on that port."""
        self.base = f"http://127.0.0.1:{port}"
        self.first_ms = 0.0
        self._clients: dict[tuple[str, bool], Any] = {}

    def do(self, order: Order) -> Sample:
        """Do one round."""
        exchanges = self._exchanges(order)
        closing = process_time_ns()
        with in_way(order):
            sample = _measured(exchanges)
            closing = process_time_ns()
        sample["closing_us"] = (process_time_ns() - closing) / 1000 / order["count"]
        sample["first_ms"] = self.first_ms
        return sample

    def _exchanges(self, order: Order) -> list[Exchange]:
        mocked = order["way"] == "mock"
        ask = self._ask_openai if order["client"] == "openai" else self._ask
        key = order["client"], mocked
        if key not in self._clients:
            self._clients[key] = _client(order["client"], self.base, mocked=mocked)
        client, load = self._clients[key], LOADS[order["load"]]
        return [
            ask(client, load, order["conversation"], turn)
            for turn in range(order["count"] + WARM_UP)
        ]

    def _ask(self, client: Any, load: Load, conversation: int, turn: int) -> Exchange:  # noqa: ANN401
        url, body = self.base + load.path, load.body(conversation, turn)
        headers = {"authorization": "Bearer bench-0123456789"}

        def whole() -> int:
            return 1 if client.post(url, json=body, headers=headers).content else 0

        def streamed() -> int:
            began = real.perf_counter_ns()
            chunks = 0
            with client.stream("POST", url, json=body, headers=headers) as response:
                for _ in response.iter_raw():
                    chunks += 1
                    if chunks == 1:
                        self.first_ms = (real.perf_counter_ns() - began) / 1e6
            return chunks

        return streamed if load.streamed else whole

    @staticmethod
    def _ask_openai(client: Any, _load: Load, conversation: int, turn: int) -> Exchange:  # noqa: ANN401
        messages = [{"role": "user", "content": f"conversation {conversation}, turn {turn}"}]

        def ask() -> int:
            stream = client.chat.completions.create(model="bench", messages=messages, stream=True)
            return sum(1 for _ in stream)

        return ask


def _client(name: str, base: str, *, mocked: bool) -> Any:  # noqa: ANN401  (three libraries)
    library = importlib.import_module("httpx2" if name == "openai" else name)
    client = library.Client(transport=library.MockTransport(_answer(library)) if mocked else None)
    if name != "openai":
        return client
    openai = importlib.import_module("openai")
    return openai.OpenAI(
        api_key="bench-0123456789", base_url=f"{base}/v1", http_client=client, max_retries=0
    )


def _answer(library: Any) -> Callable[[Any], Any]:  # noqa: ANN401  (httpx or httpx2)
    def answer(request: Any) -> Any:  # noqa: ANN401  (the library's)
        told = ANSWERS[request.url.path]
        content = told.chunks[0] if len(told.chunks) == 1 else iter(told.chunks)
        return library.Response(200, headers={"content-type": told.content_type}, content=content)

    return answer


def _measured(exchanges: list[Exchange]) -> Sample:
    for exchange in exchanges[:WARM_UP]:
        exchange()
    gc.collect()
    walls: list[int] = []
    chunks = 0
    waits = waited.count
    cpu = process_time_ns()
    for exchange in exchanges[WARM_UP:]:
        began = real.perf_counter_ns()
        chunks = exchange()
        walls.append(real.perf_counter_ns() - began)
    cpu = process_time_ns() - cpu
    waits = waited.count - waits
    return Sample(
        cpu_us=cpu / 1000 / len(walls),
        wall_us=sorted(walls)[len(walls) // 2] / 1000,
        waits=waits / len(walls),
        chunks=chunks,
        first_ms=0,
        closing_us=0,
        failed="",
    )


def in_way(order: Order) -> AbstractContextManager[object]:
    """Give what stands around a round in the order's way."""
    way, cassette = order["way"], Path(order["cassette"])
    if way == "here":
        return agentvcr.record(cassette, force=True)
    if way == "replay" and "AGENTVCR_CHANNEL" not in os.environ:
        return agentvcr.replay(cassette)
    if way == "vcrpy":
        return _vcrpy(cassette)
    return nullcontext()


@contextmanager
def _vcrpy(cassette: Path) -> Iterator[None]:
    import vcr  # noqa: PLC0415  (not in a recorded program)

    cassette.unlink(missing_ok=True)
    with vcr.use_cassette(str(cassette)):
        yield


def serve(made_for: Callable[[int], Callable[[Order], Sample]]) -> None:
    """Do rounds until there are no more orders, with what is made for the server's port."""
    port, orders, samples = (int(word) for word in sys.argv[1:])
    do = made_for(port)
    if "AGENTVCR_CHANNEL" in os.environ:
        waited.watch()
    with os.fdopen(orders) as read, os.fdopen(samples, "w") as written:
        written.write(json.dumps(dict(os.environ)) + "\n")
        written.flush()
        for line in read:
            written.write(json.dumps(do(json.loads(line))) + "\n")
            written.flush()


if __name__ == "__main__":
    serve(lambda port: Worker(port).do)
