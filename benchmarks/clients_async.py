"""The asynchronous clients, each used as a program uses it.

Owns how one asks, as `clients_sync` does. Does not measure, and knows no recorder.
"""

from __future__ import annotations

from importlib import import_module
from typing import Protocol

from clients_sync import HEADERS, Got


class AsyncClient(Protocol):
    """A client with its connections, as one round uses it; made where an event loop runs."""

    async def whole(self, url: str, body: bytes) -> bytes:
        """Ask, and give the whole answer."""

    async def streamed(self, url: str, body: bytes, got: Got) -> None:
        """Ask, and read the answer as it comes."""

    async def close(self) -> None:
        """Close the connections."""


class AsyncHttpx:
    """httpx or httpx2, which have the same shape."""

    name = "httpx"

    def __init__(self) -> None:
        """Make a client; certificates, which loopback does not need, would take it longest."""
        self._client = import_module(self.name).AsyncClient(verify=False)

    async def whole(self, url: str, body: bytes) -> bytes:
        """Ask, and give the whole answer."""
        content: bytes = (await self._client.post(url, content=body, headers=HEADERS)).content
        return content

    async def streamed(self, url: str, body: bytes, got: Got) -> None:
        """Ask, and read the answer as it comes."""
        async with self._client.stream("POST", url, content=body, headers=HEADERS) as response:
            async for chunk in response.aiter_raw():
                got(chunk)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


class AsyncHttpx2(AsyncHttpx):
    """httpx2, which the SDKs of OpenAI and Anthropic use."""

    name = "httpx2"


class Aiohttp:
    """aiohttp, with one session."""

    def __init__(self) -> None:
        """Open the session."""
        self._session = import_module("aiohttp").ClientSession()

    async def whole(self, url: str, body: bytes) -> bytes:
        """Ask, and give the whole answer."""
        async with self._session.post(url, data=body, headers=HEADERS) as response:
            content: bytes = await response.read()
        return content

    async def streamed(self, url: str, body: bytes, got: Got) -> None:
        """Ask, and read the answer as it comes: what came at once is one chunk."""
        async with self._session.post(url, data=body, headers=HEADERS) as response:
            async for chunk in response.content.iter_any():
                got(chunk)

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()


class Tornado:
    """tornado's own client, which connects anew for each request."""

    def __init__(self) -> None:
        """Make a client that nobody else has."""
        self._client = import_module("tornado.httpclient").AsyncHTTPClient(force_instance=True)

    async def whole(self, url: str, body: bytes) -> bytes:
        """Ask, and give the whole answer."""
        response = await self._client.fetch(url, method="POST", headers=HEADERS, body=body)
        content: bytes = response.body
        return content

    async def streamed(self, url: str, body: bytes, got: Got) -> None:
        """Ask, and be handed the answer as it comes."""
        asked = {"method": "POST", "headers": HEADERS, "body": body, "streaming_callback": got}
        await self._client.fetch(url, **asked)

    async def close(self) -> None:
        """Nothing is kept open."""
        self._client.close()
