"""Calls that the network, the peer or the program ends early. Not a program by itself."""

import asyncio
import gc
import time

from tests.programs.battery.asking import (
    FULL,
    REFUSED,
    URL,
    from_pieces,
    named,
    needs,
    streamed,
    told,
)
from tests.programs.battery.client import Ask, Options

SHORT_S = 1
"""How long a case waits for what never comes; and an answer that does come has as long, on a busy
machine too."""
MOMENT_S = 0.05
LONG_S = 2
"""The same, where a client may wait that has no reason to: tornado's after a reset."""


async def refused(kind):
    async with kind(Options()) as client:
        return [await told(client, f"{REFUSED}/json"), await told(client, f"{URL}/json")]


async def reset_before_the_head(kind):
    async with kind(Options()) as client:
        return [
            await told(client, f"{URL}/reset", method="POST", body=b"{}"),
            await told(client, f"{URL}/json"),
        ]


async def reset_in_mid_stream(kind):
    async with kind(Options(timeout_s=LONG_S)) as client:
        return [
            await from_pieces(client, f"{URL}/sse?then=reset"),
            await told(client, f"{URL}/json"),
        ]


async def cut_in_mid_stream(kind):
    async with kind(Options()) as client:
        return [
            await from_pieces(client, f"{URL}/sse?then=close"),
            await told(client, f"{URL}/truncated"),
            await told(client, f"{URL}/json"),
        ]


async def timeout_before_the_head(kind):
    async with kind(Options(timeout_s=SHORT_S)) as client:
        return [await told(client, f"{URL}/hang"), await told(client, f"{URL}/json")]


async def timeout_in_mid_stream(kind):
    async with kind(Options(timeout_s=SHORT_S)) as client:
        return [
            await from_pieces(client, f"{URL}/sse?then=hang"),
            await told(client, f"{URL}/json"),
        ]


@needs("streams", "abandons")
async def abandoned(kind):
    """Leave an answer after two pieces, and one before the first."""
    async with kind(Options()) as client:
        some = await streamed(client, f"{URL}/sse?then=hang", most=2)
        async with client.stream(Ask(url=f"{URL}/sse?then=hang")) as answer:
            head = [answer.status, answer.headers]
        return [some, head, await told(client, f"{URL}/json")]


async def no_http(kind):
    async with kind(Options()) as client:
        return [await told(client, f"{URL}/garbage"), await told(client, f"{URL}/json")]


async def left_by_the_peer(kind):
    """The peer closes a kept connection without a word; the next request finds that out."""
    async with kind(Options()) as client:
        seen = [await told(client, f"{URL}/last")]
        await _moment(client)
        return [*seen, *[await told(client, f"{URL}/json") for _ in range(3)]]


async def connect_timeout(kind):
    async with kind(Options(timeout_s=SHORT_S)) as client:
        late = await told(client, f"{FULL}/json")
    async with kind(Options()) as client:
        return [late, await told(client, f"{URL}/json")]


@needs("streams", "abandons")
async def dropped(kind):
    """Let an answer go without closing it."""
    async with kind(Options()) as client:
        entered = client.stream(Ask(url=f"{URL}/sse?then=hang"))
        answer = await anext(entered.gen)
        seen = [answer.status, answer.headers]
        del answer, entered
        gc.collect()
        await _moment(client)
        return [*seen, await told(client, f"{URL}/json")]


@needs("tasks")
async def cancelled(kind):
    """Before the head, and in mid-stream."""
    async with kind(Options()) as client:
        seen = []
        for call in (told(client, f"{URL}/hang"), from_pieces(client, f"{URL}/sse?then=hang")):
            try:
                seen.append(await asyncio.wait_for(call, SHORT_S))
            except TimeoutError as error:
                seen.append(named(error))
        return [*seen, await told(client, f"{URL}/json")]


async def _moment(client):
    """Let the network, and finalizers, do what they have to do."""
    if client.waits:
        await asyncio.sleep(MOMENT_S)
    else:
        time.sleep(MOMENT_S)  # noqa: ASYNC251 - no loop runs
