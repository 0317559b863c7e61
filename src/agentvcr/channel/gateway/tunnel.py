"""Pass an upgraded connection through the gateway: a WebSocket, which is not recorded.

Owns the two directions of the bytes. What is decided about it is the engine's.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from urllib.parse import urlsplit

from agentvcr.channel.gateway.caller import Asked, Caller
from agentvcr.channel.gateway.upstream import ssl_context
from agentvcr.model.address import DEFAULT_PORTS

_BLOCK = 1 << 16


async def pass_through(caller: Caller, asked: Asked, url: str) -> None:
    """Hand the request to where it would have gone, and then whatever both sides say."""
    parts = urlsplit(url)
    port = parts.port or DEFAULT_PORTS[parts.scheme]
    try:
        reader, writer = await asyncio.open_connection(
            parts.hostname, port, ssl=_secured(parts.scheme)
        )
    except OSError:
        caller.reset()
        return
    target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    writer.write(_head(asked, target, parts.netloc) + caller.said_behind())
    both = [
        asyncio.ensure_future(_pump(reader, caller.writer)),
        asyncio.ensure_future(_pump(caller.reader, writer)),
    ]
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    for one in both:
        one.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await one
    writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_BLOCK):
            writer.write(data)
            await writer.drain()


def _secured(scheme: str) -> ssl.SSLContext | None:
    return ssl_context() if scheme == "https" else None


def _head(asked: Asked, target: str, host: str) -> bytes:
    """Write the request again as it came, but for where it goes."""
    lines = [f"{asked.method} {target} HTTP/1.1".encode("latin-1")]
    for name, value in asked.headers:
        kept = host.encode("latin-1") if name.lower() == b"host" else value
        lines.append(name + b": " + kept)
    return b"\r\n".join([*lines, b"", asked.body])
