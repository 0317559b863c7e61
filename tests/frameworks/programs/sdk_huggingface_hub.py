"""A conversation with a tool through Hugging Face's router: `sdk_huggingface_hub.py [sync] …`.

The hub is at HF_ENDPOINT, and so is here the router, which has no variable of its own. The client
asks the hub first which provider has the model. Prints what came back.
"""

import asyncio
import os
import sys

from huggingface_hub import constants

constants.INFERENCE_PROXY_TEMPLATE = os.environ["HF_ENDPOINT"] + "/{provider}"

from huggingface_hub import AsyncInferenceClient, InferenceClient  # noqa: E402  (see above)

MODEL = "meta-llama/Llama-3.1-8B-Instruct"
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": PARAMETERS}}]
ASKED = {"model": MODEL, "tools": TOOLS, "max_tokens": 200}


def question(part):
    return [{"role": "user", "content": f"What is the weather like, asks {part}?"}]


def with_results(messages, message):
    """Answer the calls of a message."""
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": f"Rain: {call.function.arguments}"}
        for call in message.tool_calls or []
    ]
    return [*messages, {"role": "assistant", "content": message.content or ""}, *results]


def sync():
    client, messages = InferenceClient(provider="together"), question("sync")
    first = client.chat_completion(messages, **ASKED)
    print("sync", first)
    messages = with_results(messages, first.choices[0].message)
    for chunk in client.chat_completion(messages, stream=True, **ASKED):
        print("sync", chunk)


async def asynchronous():
    async with AsyncInferenceClient(provider="together") as client:
        messages = question("async")
        first = await client.chat_completion(messages, **ASKED)
        print("async", first)
        messages = with_results(messages, first.choices[0].message)
        async for chunk in await client.chat_completion(messages, stream=True, **ASKED):
            print("async", chunk)


def main():
    parts = sys.argv[1:] or ["sync", "async"]
    if "sync" in parts:
        sync()
    if "async" in parts:
        asyncio.run(asynchronous())


if __name__ == "__main__":
    main()
