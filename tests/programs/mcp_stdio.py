"""A program that uses an MCP server on standard streams: `mcp_stdio.py SCENE SERVER [WORD …]`."""

import asyncio
import logging
import os
import sys

from mcp import Client, ClientSession, MCPError, StdioServerParameters, stdio_client
from mcp.types import (
    CreateMessageResult,
    ElicitResult,
    ListRootsResult,
    Root,
    TextContent,
)

import agentvcr

logging.disable(logging.CRITICAL)


def text_of(result) -> str:
    return " ".join(part.text for part in result.content)


async def on_sampling(context, params):
    asked = params.messages[0].content.text
    said = TextContent(type="text", text=f"<{asked}>")
    return CreateMessageResult(role="assistant", content=said, model="fake")


async def on_elicit(context, params):
    print("asked:", params.message)
    return ElicitResult(action="accept", content={"sure": True})


async def on_roots(context):
    return ListRootsResult(roots=[Root(uri="file:///project")])


async def on_log(params):
    print("log:", params.data)


async def on_message(message):
    print("message:", getattr(message, "method", message))
    if getattr(message, "method", "") == "notifications/resources/list_changed":
        heard.set()


heard = asyncio.Event()


async def on_progress(progress, total, message):
    print("progress:", progress, total, message)


async def everything(session):
    tools = await session.list_tools()
    print([tool.name for tool in tools.tools])
    print(text_of(await session.call_tool("add", {"a": 2, "b": int(os.environ.get("B", "3"))})))
    print(text_of(await session.call_tool("steps", {"number": 3}, progress_callback=on_progress)))
    failed = await session.call_tool("fail", {"why": "no"})
    print(failed.is_error, text_of(failed))
    try:
        await session.get_prompt("none")
    except MCPError as error:
        print("error:", error.error.code, error.error.message)
    print(await session.list_prompts())
    print((await session.get_prompt("greeting", {"name": "Ada"})).messages[0].content.text)
    print((await session.read_resource("notes://today")).contents[0].text)
    print((await session.read_resource("notes://monday/all")).contents[0].text)
    await session.send_ping()


async def questions(session):
    print(text_of(await session.call_tool("ask_model", {"question": "why"})))
    print(text_of(await session.call_tool("ask_user", {"question": "sure?"})))
    print(text_of(await session.call_tool("ask_roots")))
    await session.call_tool("grow")


async def crash(session):
    print(text_of(await session.call_tool("add", {"a": 1, "b": 1})))
    try:
        await session.call_tool("crash", {"status": 3})
    except MCPError as error:
        print("error:", error.error.message)


async def slow(session):
    try:
        await session.call_tool("sleep", {"seconds": 30}, read_timeout_seconds=0.5)
    except MCPError as error:
        print("error:", error.error.message)
    print(text_of(await session.call_tool("add", {"a": 1, "b": 1})))


async def agents(session):
    """Three that ask the same of one server, at the same time."""

    async def work(name):
        with agentvcr.step(name, kind="agent"):
            for _ in range(4):
                said = text_of(await session.call_tool("count", {"what": "same"}))
                told.append(f"{name}: {said}")

    told = []
    await session.list_tools()  # else whoever is first asks for it, and how many are is chance
    await asyncio.gather(*(work(name) for name in ("ann", "bob", "cyd")))
    print("\n".join(sorted(told)))


async def later(session):
    """Hear of a change after the answer, when nothing is asked."""
    print(text_of(await session.call_tool("later")))
    await asyncio.wait_for(heard.wait(), 30)
    print(text_of(await session.call_tool("add", {"a": 1, "b": 1})))


async def other_order(session):
    """Ask two things at once, in an order that a variable chooses: other ids, the same answers."""

    async def ask(name):
        async with asyncio.timeout(30):
            result = await session.call_tool("steps", {"number": name}, progress_callback=on_told)
            told.append(text_of(result))

    async def on_told(progress, total, message):
        told.append(f"{total}: {message}")

    told = []
    await session.list_tools()  # as above
    numbers = [2, 3] if os.environ.get("ORDER") != "other" else [3, 2]
    await asyncio.gather(*map(ask, numbers))
    print("\n".join(sorted(told)))


async def covered(session):
    """Call a tool in a recorded function first: what the SDK learns there it has not on replay."""

    @agentvcr.tool
    async def adding(a: int, b: int) -> str:
        return text_of(await session.call_tool("add", {"a": a, "b": b}))

    print(await adding(1, 2))
    print(len(text_of(await session.call_tool("count", {"what": "x" * 1_000_000}))))
    await later(session)


async def left(session):
    """End without a word."""
    print(text_of(await session.call_tool("add", {"a": 1, "b": 1})), flush=True)
    os._exit(0)


async def where(session):
    print(text_of(await session.call_tool("where")))


_ALL = (everything, questions, crash, slow, agents, later, other_order, covered, left, where)
SCENES = {one.__name__: one for one in _ALL}


async def main(scene: str, command: list[str]) -> None:
    server = StdioServerParameters(command=command[0], args=command[1:])
    async with (
        stdio_client(server) as streams,
        ClientSession(
            *streams,
            sampling_callback=on_sampling,
            elicitation_callback=on_elicit,
            list_roots_callback=on_roots,
            logging_callback=on_log,
            message_handler=on_message,
        ) as session,
    ):
        found = await session.initialize()
        print(found.server_info.name)
        await SCENES[scene](session)


async def modern(command: list[str]) -> None:
    server = StdioServerParameters(command=command[0], args=command[1:])
    async with Client(
        server,
        sampling_callback=on_sampling,
        elicitation_callback=on_elicit,
        list_roots_callback=on_roots,
    ) as client:
        print(text_of(await client.call_tool("add", {"a": 2, "b": 3})))
        print(
            text_of(await client.call_tool("steps", {"number": 2}, progress_callback=on_progress))
        )


if __name__ == "__main__":
    name, *words = sys.argv[1:]
    asyncio.run(modern(words) if name == "modern" else main(name, words))
