"""A short conversation with a tool through the Anthropic SDK: `sdk_anthropic.py [sync] [async] …`.

`aiohttp` is the SDK's other transport. Prints what came back.
"""

import asyncio
import sys

import anthropic

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"name": "weather", "description": "The weather of a city.", "input_schema": SCHEMA}]
ASKED = {"model": "claude-opus-5", "max_tokens": 200, "tools": TOOLS, "system": "Be brief."}


def question(part):
    return [{"role": "user", "content": f"What is the weather like, asks {part}?"}]


def with_results(messages, message):
    """Answer the calls of a message."""
    results = [
        {"type": "tool_result", "tool_use_id": block.id, "content": f"Rain: {block.input}"}
        for block in message.content
        if block.type == "tool_use"
    ]
    said = [block.model_dump(exclude_none=True) for block in message.content]
    more = [{"role": "user", "content": results or "Go on."}]
    return [*messages, {"role": "assistant", "content": said or "-"}, *more]


def told(part, message):
    print(part, message._request_id, message.model_dump_json(exclude_none=True))


def sync():
    client, messages = anthropic.Anthropic(), question("sync")
    first = client.messages.create(messages=messages, **ASKED)
    told("sync", first)
    messages = with_results(messages, first)
    with client.messages.stream(messages=messages, **ASKED) as stream:
        print("sync", list(stream.text_stream))
        print("sync", stream.get_final_message().model_dump_json())


async def asynchronous(part, http_client=None):
    async with anthropic.AsyncAnthropic(http_client=http_client) as client:
        messages = question(part)
        first = await client.messages.create(messages=messages, **ASKED)
        told(part, first)
        messages = with_results(messages, first)
        async with client.messages.stream(messages=messages, **ASKED) as stream:
            print(part, [text async for text in stream.text_stream])
            print(part, (await stream.get_final_message()).model_dump_json())


def main():
    parts = sys.argv[1:] or ["sync", "async"]
    if "sync" in parts:
        sync()
    if "async" in parts:
        asyncio.run(asynchronous("async"))
    if "aiohttp" in parts:
        asyncio.run(asynchronous("aiohttp", anthropic.DefaultAioHttpClient()))


if __name__ == "__main__":
    main()
