"""Calls that the network, the peer or the program ends early. Not a program by itself."""

from tests.programs.battery.asking import REFUSED, URL, from_pieces, needs, streamed, told
from tests.programs.battery.client import Ask, Options

SHORT_S = 0.4
"""How long a case waits for what never comes."""
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
