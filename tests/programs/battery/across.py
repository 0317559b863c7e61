"""Calls of which every client sees the same, status and body. Not a program by itself."""

from tests.programs.battery.asking import JSON, URL
from tests.programs.battery.client import Ask, Options


async def alike(kind):
    """What one client was answered, another one can be answered with."""
    async with kind(Options()) as client:
        asks = [
            Ask(url=f"{URL}/json?a=1"),
            *[Ask(url=f"{URL}/json")] * 2,
            Ask(url=f"{URL}/echo", method="POST", headers=JSON, body=b'{"a": [1, 2.5]}'),
            Ask(url=f"{URL}/sse"),
            Ask(url=f"{URL}/until-close"),
            Ask(url=f"{URL}/redirect?code=302&to=/json"),
            Ask(url=f"{URL}/empty?code=204"),
            Ask(url=f"{URL}/json", method="DELETE"),
        ]
        answers = [await client.ask(ask) for ask in asks]
    return [[answer.status, answer.body.decode("latin-1")] for answer in answers]
