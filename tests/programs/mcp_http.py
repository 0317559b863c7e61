"""A program that uses an MCP server over HTTP: `mcp_http.py SCENE URL`, or `spawned SERVER …`."""

import asyncio
import contextlib
import logging
import socket
import subprocess
import sys
import time

from mcp import Client, ClientSession
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp_stdio import (
    agents,
    everything,
    on_elicit,
    on_log,
    on_message,
    on_progress,
    on_roots,
    on_sampling,
    questions,
    slow,
    text_of,
)

logging.disable(logging.CRITICAL)


async def told(session):
    """Hear of a new tool on the stream that the server keeps open."""
    await session.call_tool("grow")
    await asyncio.wait_for(heard.wait(), 30)


async def on_any(message):
    await on_message(message)
    if getattr(message, "method", "") == "notifications/tools/list_changed":
        heard.set()


heard = asyncio.Event()
SCENES = {one.__name__: one for one in (everything, questions, slow, agents, told)}


async def main(scene: str, url: str) -> None:
    connect = sse_client if url.endswith("/sse") else streamable_http_client
    async with (
        connect(url) as streams,
        ClientSession(
            *streams[:2],
            sampling_callback=on_sampling,
            elicitation_callback=on_elicit,
            list_roots_callback=on_roots,
            logging_callback=on_log,
            message_handler=on_any,
        ) as session,
    ):
        found = await session.initialize()
        print(found.server_info.name)
        await SCENES[scene](session)


async def modern(url: str) -> None:
    async with Client(url, sampling_callback=on_sampling, list_roots_callback=on_roots) as client:
        print(text_of(await client.call_tool("add", {"a": 2, "b": 3})))
        print(
            text_of(await client.call_tool("steps", {"number": 2}, progress_callback=on_progress))
        )


def spawned(command: list[str]) -> None:
    """Use a server that this program starts itself."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    with subprocess.Popen([*command, "--http", str(port)], stderr=subprocess.DEVNULL) as server:
        try:
            while True:
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                time.sleep(0.05)
            asyncio.run(main("everything", f"http://127.0.0.1:{port}/mcp"))
        finally:
            server.kill()


if __name__ == "__main__":
    name, *words = sys.argv[1:]
    if name == "spawned":
        spawned(words)
    else:
        asyncio.run(modern(*words) if name == "modern" else main(name, *words))
