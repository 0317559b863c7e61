"""A short conversation with a tool through Ollama's SDK: `sdk_ollama.py [sync] [async]`.

Prints what came back.
"""

import asyncio
import sys

import ollama

MODEL = "llama3.2"


def weather(city: str) -> str:
    """Say what the weather is like in a city.

    Args:
        city: The city's name.
    """
    return f"Rain in {city}."


def question(part):
    return [{"role": "user", "content": f"What is the weather like, asks {part}?"}]


def with_results(messages, message):
    """Answer the calls of a message."""
    results = [
        {
            "role": "tool",
            "tool_name": call.function.name,
            "content": weather(**call.function.arguments),
        }
        for call in message.tool_calls or []
    ]
    return [*messages, message, *results]


def sync():
    client, messages = ollama.Client(), question("sync")
    first = client.chat(MODEL, messages=messages, tools=[weather])
    print("sync", first.model_dump_json())
    messages = with_results(messages, first.message)
    for chunk in client.chat(MODEL, messages=messages, tools=[weather], stream=True):
        print("sync", chunk.model_dump_json())


async def asynchronous():
    client, messages = ollama.AsyncClient(), question("async")
    first = await client.chat(MODEL, messages=messages, tools=[weather])
    print("async", first.model_dump_json())
    messages = with_results(messages, first.message)
    async for chunk in await client.chat(MODEL, messages=messages, tools=[weather], stream=True):
        print("async", chunk.model_dump_json())


def main():
    parts = sys.argv[1:] or ["sync", "async"]
    if "sync" in parts:
        sync()
    if "async" in parts:
        asyncio.run(asynchronous())


if __name__ == "__main__":
    main()
