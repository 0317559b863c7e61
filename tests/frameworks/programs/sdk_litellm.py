"""Short conversations with three providers through LiteLLM: `sdk_litellm.py [sync] [async]`.

The sync half uses httpx or the provider's own SDK, the async half aiohttp. The provider is at
BASE_URL. Prints what came back.
"""

import asyncio
import os
import sys

import litellm

BASE_URL = os.environ["BASE_URL"]
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": PARAMETERS}}]
MODELS = {
    "openai/gpt-4o-mini": f"{BASE_URL}/v1",
    "anthropic/claude-opus-5": BASE_URL,
    "bedrock/converse/us.amazon.nova-micro-v1:0": BASE_URL,
}
litellm.telemetry = False


def asked(part, model):
    content = f"What is the weather like, asks {part}?"
    messages = [{"role": "user", "content": content}]
    where = {"api_base": MODELS[model]}
    if model.startswith("bedrock/"):
        where = {"aws_bedrock_runtime_endpoint": MODELS[model]}
    return {"model": model, **where, "messages": messages, "max_tokens": 200}


def told(part, answer):
    # Ids and times are LiteLLM's own, made up where the provider's answer has none.
    message = answer.choices[0].message
    calls = [(call.function.name, call.function.arguments) for call in message.tool_calls or []]
    print(part, answer.model, message.content, calls, answer.usage.model_dump_json())


def streamed(part, chunks):
    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    print(part, said, len(chunks))


def sync():
    for model in MODELS:
        told("sync", litellm.completion(tools=TOOLS, **asked("sync", model)))
        streamed("sync", list(litellm.completion(stream=True, **asked("sync", model))))


async def asynchronous():
    for model in MODELS:
        told("async", await litellm.acompletion(tools=TOOLS, **asked("async", model)))
        stream = await litellm.acompletion(stream=True, **asked("async", model))
        streamed("async", [chunk async for chunk in stream])


def main():
    parts = sys.argv[1:] or ["sync", "async"]
    if "sync" in parts:
        sync()
    if "async" in parts:
        asyncio.run(asynchronous())


if __name__ == "__main__":
    main()
