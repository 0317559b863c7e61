"""Connections of the program's own beside those of a client. Not a program by itself."""

import socket
from urllib.parse import urlsplit

from tests.programs.battery.asking import OTHER, TLS, URL, told
from tests.programs.battery.client import Ask, Options


async def past_the_client(kind):
    """Connect by hand after an answer, and where it can be between two pieces of one."""
    async with kind(Options()) as client:
        seen = [await told(client, f"{URL}/json"), _connects(TLS)]
        if "streams" not in client.without:
            async with client.stream(Ask(url=f"{URL}/sse")) as answer:
                async for _ in answer.pieces:
                    seen.append(_connects(OTHER))  # noqa: PERF401 - it is about the moment
    return seen


def _connects(url):
    place = urlsplit(url)
    with socket.create_connection((place.hostname, place.port)) as own:
        return own.getpeername()[1] == place.port
