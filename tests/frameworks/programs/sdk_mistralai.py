"""A short conversation with a tool through Mistral's SDK: `sdk_mistralai.py [sync] [async]`.

The provider is at MISTRAL_URL. Prints what came back.
"""

import asyncio
import os
import sys

from mistralai.client import Mistral

PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": PARAMETERS}}]
ASKED = {"model": "mistral-small-latest", "tools": TOOLS}


def client():
    return Mistral(api_key=os.environ["MISTRAL_API_KEY"], server_url=os.environ["MISTRAL_URL"])


def question(part):
    return [{"role": "user", "content": f"What is the weather like, asks {part}?"}]


def with_results(messages, message):
    """Answer the calls of a message."""
    calls = message.tool_calls or []
    results = [
        {
            "role": "tool",
            "tool_call_id": call.id,
            "name": call.function.name,
            "content": f"Rain: {call.function.arguments}",
        }
        for call in calls
    ]
    more = results or [{"role": "user", "content": "Go on."}]
    return [*messages, message.model_dump(exclude_none=True), *more]


def sync():
    with client() as mistral:
        messages = question("sync")
        first = mistral.chat.complete(messages=messages, **ASKED)
        print("sync", first.model_dump_json())
        messages = with_results(messages, first.choices[0].message)
        with mistral.chat.stream(messages=messages, **ASKED) as events:
            for event in events:
                print("sync", event.data.model_dump_json())


async def asynchronous():
    async with client() as mistral:
        messages = question("async")
        first = await mistral.chat.complete_async(messages=messages, **ASKED)
        print("async", first.model_dump_json())
        messages = with_results(messages, first.choices[0].message)
        async for event in await mistral.chat.stream_async(messages=messages, **ASKED):
            print("async", event.data.model_dump_json())


def main():
    parts = sys.argv[1:] or ["sync", "async"]
    if "sync" in parts:
        sync()
    if "async" in parts:
        asyncio.run(asynchronous())


if __name__ == "__main__":
    main()
