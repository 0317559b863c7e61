"""An MCP server of the official SDK: `mcp_server.py [--http PORT] [--starts FILE]`.

Owns tools that do one thing each that a server can do. Imports nothing of this folder, so that a
test can run a copy and delete it.
"""

import argparse
import asyncio
import itertools
import os
import pathlib
import signal

import anyio
from mcp.server.mcpserver import Context, MCPServer
from mcp.types import ClientCapabilities, RootsCapability, SamplingMessage, TextContent
from pydantic import BaseModel

server = MCPServer("calculator", log_level="CRITICAL")
_numbers = itertools.count(1)


class Confirmed(BaseModel):
    """What a user is asked."""

    sure: bool


@server.tool()
def add(a: int, b: int) -> int:
    """Add."""
    return a + b


@server.tool()
def count(what: str) -> str:
    """Answer equal calls with another number each time."""
    return f"{what} {next(_numbers)}"


@server.tool()
def fail(why: str) -> str:
    """Raise."""
    raise ValueError(why)


@server.tool()
async def steps(number: int, ctx: Context) -> str:
    """Tell progress, and log."""
    for one in range(number):
        await ctx.report_progress(one + 1, number, f"step {one + 1}")
        await ctx.info(f"log {one + 1}")
    return f"{number} steps"


@server.tool()
async def ask_model(question: str, ctx: Context) -> str:
    """Let the client's model answer."""
    said = await ctx.session.create_message(
        messages=[SamplingMessage(role="user", content=TextContent(type="text", text=question))],
        max_tokens=10,
    )
    return f"the model says {said.content.text}"


@server.tool()
async def ask_user(question: str, ctx: Context) -> str:
    """Let the user confirm."""
    said = await ctx.elicit(question, schema=Confirmed)
    return f"{said.action} {getattr(said, 'data', None)}"


@server.tool()
async def ask_roots(ctx: Context) -> str:
    """Let the client name its roots."""
    assert ctx.session.check_client_capability(ClientCapabilities(roots=RootsCapability()))
    found = await ctx.session.list_roots()
    return ", ".join(str(root.uri) for root in found.roots)


@server.tool()
async def grow(ctx: Context) -> str:
    """Get another tool, and say so."""
    await ctx.session.send_tool_list_changed()
    return "grown"


@server.tool()
async def later(ctx: Context) -> str:
    """Say something when nothing is asked any more."""
    session = ctx.session

    async def say() -> None:
        await asyncio.sleep(0.3)
        await session.send_resource_list_changed()

    _saying.append(asyncio.create_task(say()))
    return "later"


_saying = []


@server.tool()
async def sleep(seconds: float) -> str:
    """Take long."""
    await anyio.sleep(seconds)
    return "slept"


@server.tool()
def crash(status: int) -> str:
    """End at once: by an exit status, or a signal where it is negative."""
    if status < 0:
        os.kill(os.getpid(), -status)
    os._exit(status)


@server.tool()
def where() -> str:
    """Tell what of a session this process sees."""
    names = sorted(name for name in os.environ if name.startswith("AGENTVCR_"))
    return f"{names} {os.environ.get('PYTHONPATH')}"


@server.prompt()
def greeting(name: str) -> str:
    """Greet."""
    return f"Say hello to {name}"


@server.resource("notes://today")
def today() -> str:
    """Be read."""
    return "write tests"


@server.resource("notes://{day}/all")
def notes(day: str) -> str:
    """Be read by a template."""
    return f"nothing on {day}"


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--http", type=int)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--sse", action="store_true", help="the older transport")
    parser.add_argument("--starts", type=pathlib.Path)
    words = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(5))
    if words.starts is not None:
        with words.starts.open("a") as file:
            file.write("started\n")
    if words.http is None:
        server.run()
    elif words.sse:
        server.run("sse", port=words.http)
    else:
        server.run("streamable-http", port=words.http, json_response=words.json)


if __name__ == "__main__":
    main()
