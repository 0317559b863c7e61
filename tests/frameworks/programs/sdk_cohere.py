"""A short conversation with a tool through Cohere's SDK: `sdk_cohere.py [sync] [async]`.

Prints what came back.
"""

import asyncio
import sys

import cohere

PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": PARAMETERS}}]
ASKED = {"model": "command-a-03-2025", "tools": TOOLS}


def question(part):
    return [{"role": "user", "content": f"What is the weather like, asks {part}?"}]


def with_results(messages, message):
    """Answer the calls of a message."""
    results = [
        {
            "role": "tool",
            "tool_call_id": call.id,
            "content": [{"type": "document", "document": {"data": {"sky": "rain"}}}],
        }
        for call in message.tool_calls or []
    ]
    return [*messages, message, *results] if results else messages


def sync():
    with cohere.ClientV2() as client:
        messages = question("sync")
        first = client.chat(messages=messages, **ASKED)
        print("sync", first.json())
        for event in client.chat_stream(messages=with_results(messages, first.message), **ASKED):
            print("sync", event.json())


async def asynchronous():
    async with cohere.AsyncClientV2() as client:
        messages = question("async")
        first = await client.chat(messages=messages, **ASKED)
        print("async", first.json())
        messages = with_results(messages, first.message)
        async for event in client.chat_stream(messages=messages, **ASKED):
            print("async", event.json())


def main():
    parts = sys.argv[1:] or ["sync", "async"]
    if "sync" in parts:
        sync()
    if "async" in parts:
        asyncio.run(asynchronous())


if __name__ == "__main__":
    main()
