"""A short conversation with a tool through the OpenAI SDK: `sdk_openai.py [sync] [async] …`.

`aiohttp` is the SDK's other transport. Chat completions and responses, whole and streamed. Prints
what came back.
"""

import asyncio
import json
import sys

import openai

MODEL = "gpt-4o-mini"
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"name": "weather", "description": "The weather of a city.", "parameters": PARAMETERS}
TOOLS = [{"type": "function", "function": WEATHER}]
USAGE = {"include_usage": True}


def question(part):
    return [{"role": "user", "content": f"What is the weather like, asks {part}?"}]


def with_results(messages, message):
    """Answer the calls of a message."""
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": f"Rain: {call.function.arguments}"}
        for call in message.tool_calls or []
    ]
    return [*messages, message.model_dump(exclude_none=True), *results]


def told(part, answer):
    print(part, answer.id, answer._request_id, answer.model_dump_json(exclude_none=True))


def streamed(part, chunks):
    said = [choice.delta.content or "" for chunk in chunks for choice in chunk.choices]
    print(part, sorted({chunk.id for chunk in chunks}), "".join(said), len(chunks))
    print(part, [chunk.usage.model_dump_json() for chunk in chunks if chunk.usage])


def sync():
    client, messages = openai.OpenAI(), question("sync")
    first = client.chat.completions.create(model=MODEL, messages=messages, tools=TOOLS)
    told("sync", first)
    messages = with_results(messages, first.choices[0].message)
    asked = {"model": MODEL, "messages": messages, "tools": TOOLS, "stream_options": USAGE}
    with client.chat.completions.create(**asked, stream=True) as stream:
        streamed("sync", list(stream))
    answer = client.responses.create(model=MODEL, input="Once, in sync.")
    told("sync", answer)
    with client.responses.create(model=MODEL, input="Twice, in sync.", stream=True) as events:
        print(
            "sync", json.dumps([event.model_dump(mode="json", warnings=False) for event in events])
        )


async def asynchronous(part, http_client=None):
    async with openai.AsyncOpenAI(http_client=http_client) as client:
        messages = question(part)
        first = await client.chat.completions.create(model=MODEL, messages=messages, tools=TOOLS)
        told(part, first)
        messages = with_results(messages, first.choices[0].message)
        asked = {"model": MODEL, "messages": messages, "tools": TOOLS, "stream_options": USAGE}
        stream = await client.chat.completions.create(**asked, stream=True)
        streamed(part, [chunk async for chunk in stream])
        both = await asyncio.gather(
            *(client.responses.create(model=MODEL, input=f"{n}, in {part}.") for n in range(2))
        )
        for answer in both:
            told(part, answer)


def main():
    parts = sys.argv[1:] or ["sync", "async"]
    if "sync" in parts:
        sync()
    if "async" in parts:
        asyncio.run(asynchronous("async"))
    if "aiohttp" in parts:
        asyncio.run(asynchronous("aiohttp", openai.DefaultAioHttpClient()))


if __name__ == "__main__":
    main()
