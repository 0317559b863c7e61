"""A small crew of agents: a planner, two researchers side by side, and a writer.

Plain httpx and asyncio: no framework, and nothing of AgentVCR. Each agent talks to an
OpenAI-compatible provider; the researchers also look things up with a search tool.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

import httpx

BASE_URL = os.environ.get("DEMO_BASE_URL", "http://127.0.0.1:8765")
QUESTION = "Should our city plant trees along its streets?"

PLANNER_PROMPT = "You are the planner. Name two topics to look into, as JSON."
RESEARCHER_PROMPT = "You are a researcher. Search, then report the one fact that matters most."
WRITER_PROMPT = "You are the writer. Use every note. End with a piece of advice."

SEARCH_TOOL = {
    "type": "function",
    "function": {
        "name": "search",
        "description": "Search the city's survey.",
        "parameters": {"type": "object", "properties": {"query": {"type": "string"}}},
    },
}

Message = dict[str, Any]


async def ask(client: httpx.AsyncClient, messages: list[Message]) -> str:
    """Ask the model and wait for the whole answer."""
    body = {"model": "demo-1", "messages": messages}
    response = await client.post("/v1/chat/completions", json=body)
    response.raise_for_status()
    return str(response.json()["choices"][0]["message"]["content"])


async def stream(client: httpx.AsyncClient, messages: list[Message]) -> Message:
    """Ask the model and put its answer together as it arrives."""
    body = {
        "model": "demo-1",
        "messages": messages,
        "tools": [SEARCH_TOOL],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    text, call = "", {"id": "", "name": "", "arguments": ""}
    async with client.stream("POST", "/v1/chat/completions", json=body) as response:
        response.raise_for_status()
        async for line in response.aiter_lines():
            if not line.startswith("data: ") or line == "data: [DONE]":
                continue
            for choice in json.loads(line.removeprefix("data: "))["choices"]:
                text += choice["delta"].get("content") or ""
                for part in choice["delta"].get("tool_calls", []):
                    call["id"] += part.get("id", "")
                    for key, value in part["function"].items():
                        call[key] += value
    message: Message = {"role": "assistant", "content": text}
    if call["id"]:
        function = {"name": call["name"], "arguments": call["arguments"]}
        message["tool_calls"] = [{"id": call["id"], "type": "function", "function": function}]
    return message


async def search(client: httpx.AsyncClient, arguments: str) -> str:
    """Run the search tool."""
    response = await client.get("/search", params={"q": json.loads(arguments)["query"]})
    response.raise_for_status()
    return response.text


async def plan(client: httpx.AsyncClient) -> list[str]:
    """Let the planner choose the topics."""
    messages = [
        {"role": "system", "content": PLANNER_PROMPT},
        {"role": "user", "content": QUESTION},
    ]
    return list(json.loads(await ask(client, messages))["topics"])


async def research(client: httpx.AsyncClient, topic: str) -> str:
    """Let a researcher look into one topic, with as many searches as it wants."""
    messages: list[Message] = [
        {"role": "system", "content": RESEARCHER_PROMPT},
        {"role": "user", "content": f"Topic: {topic}"},
    ]
    while True:
        answer = await stream(client, messages)
        messages.append(answer)
        if "tool_calls" not in answer:
            return str(answer["content"])
        for call in answer["tool_calls"]:
            found = await search(client, call["function"]["arguments"])
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": found})


async def write(client: httpx.AsyncClient, notes: list[str]) -> str:
    """Let the writer make one text of what the researchers found."""
    listed = "\n".join(f"- {note}" for note in notes)
    messages = [
        {"role": "system", "content": WRITER_PROMPT},
        {"role": "user", "content": f"{QUESTION}\nNotes:\n{listed}"},
    ]
    return await ask(client, messages)


async def main() -> None:
    """Run the crew."""
    async with httpx.AsyncClient(base_url=BASE_URL, timeout=30) as client:
        topics = await plan(client)
        print(f"planner       chose {' and '.join(topics)}")
        notes = await asyncio.gather(*(research(client, topic) for topic in topics))
        for number, note in enumerate(notes, start=1):
            print(f"researcher {number}  {note}")
        print(f"writer        {await write(client, notes)}")


if __name__ == "__main__":
    asyncio.run(main())
