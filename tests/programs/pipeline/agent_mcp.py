"""Agents that use MCP servers through the official SDK: on standard streams, and over HTTP."""

import asyncio
import os
import subprocess
import sys

from mcp import ClientSession, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

import agentvcr


def text_of(result):
    return " ".join(part.text for part in result.content)


async def calls(session, *names):
    """Call tools with equal arguments, at the same time, in a step each."""

    async def call(number, name):
        with agentvcr.step(f"caller{number}"):
            return text_of(await session.call_tool(name, {"what": "same"}))

    await session.initialize()
    await session.list_tools()  # else whoever is answered first asks for it: chance
    return await asyncio.gather(*(call(number, name) for number, name in enumerate(names)))


async def tools():
    """Use a server on standard streams, which the SDK starts."""
    server = StdioServerParameters(
        command=sys.executable, args=["tools_server.py", "--heard", "heard_tools"]
    )
    async with stdio_client(server) as streams, ClientSession(*streams) as session:
        return await calls(session, "count", "count")


async def library():
    """Use a server over HTTP: one that is there, or else one of our own, which asks the model."""
    url = os.environ.get("LIBRARY_URL", "")
    if url:
        return await over_http(url, "count", "count")
    command = [sys.executable, "library_server.py", "--heard", "heard_library", "--http"]
    server = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    try:
        url = await server.stdout.readline()
        # Which of two equal calls at once reaches it first would be the system's choice.
        return await over_http(url.decode().strip(), "count", "consult")
    finally:
        server.terminate()
        await server.wait()


async def over_http(url, *names):
    async with (
        streamable_http_client(url) as streams,
        ClientSession(*streams[:2]) as session,
    ):
        return await calls(session, *names)
