"""Ask recorded questions through the real SDKs, and print what came back and in which pieces.

`sdk_calls.py CALLS.json [--async] [--together]`, with the provider at BASE_URL. `--together` asks
all at once (async only). Prints a JSON list, one object a call, in the order of the file.
"""

import argparse
import asyncio
import inspect
import json
import os
import pathlib

import anthropic
import httpx2
import openai

BASE_URL = os.environ["BASE_URL"]
METHODS = {
    "chat": lambda client: client.chat.completions.create,
    "responses": lambda client: client.responses.create,
    "embeddings": lambda client: client.embeddings.create,
    "messages": lambda client: client.messages.create,
}


class Spy(httpx2.SyncByteStream):
    """Notes the size of each chunk that passes."""

    def __init__(self, stream, sizes):
        self._stream, self._sizes = stream, sizes

    def __iter__(self):
        for chunk in self._stream:
            self._sizes.append(len(chunk))
            yield chunk

    def close(self):
        self._stream.close()


class AsyncSpy(httpx2.AsyncByteStream):
    """Notes the size of each chunk that passes."""

    def __init__(self, stream, sizes):
        self._stream, self._sizes = stream, sizes

    async def __aiter__(self):
        async for chunk in self._stream:
            self._sizes.append(len(chunk))
            yield chunk

    async def aclose(self):
        await self._stream.aclose()


class SpyTransport(httpx2.BaseTransport):
    """The real transport, with a spy on every answer."""

    def __init__(self, sizes):
        self._inner, self._sizes = httpx2.HTTPTransport(verify=False), sizes

    def handle_request(self, request):
        response = self._inner.handle_request(request)
        response.stream = Spy(response.stream, self._sizes)
        return response

    def close(self):
        self._inner.close()


class AsyncSpyTransport(httpx2.AsyncBaseTransport):
    """The real transport, with a spy on every answer."""

    def __init__(self, sizes):
        self._inner, self._sizes = httpx2.AsyncHTTPTransport(verify=False), sizes

    async def handle_async_request(self, request):
        response = await self._inner.handle_async_request(request)
        response.stream = AsyncSpy(response.stream, self._sizes)
        return response

    async def aclose(self):
        await self._inner.aclose()


def options(call, http_client):
    """What a client is made with, whichever SDK it is of."""
    root = BASE_URL + call["prefix"]
    return {
        "base_url": root if call["family"] == "messages" else f"{root}/v1",
        "api_key": "sk-none-needed",
        "http_client": http_client,
        "max_retries": 0,
        "timeout": 30,
    }


def asking(client, call):
    """Call the SDK's method with the recorded body; keys it does not know go beside."""
    create = METHODS[call["family"]](client)
    known = inspect.signature(create).parameters
    asked = {key: value for key, value in call["asked"].items() if key in known}
    beside = {key: value for key, value in call["asked"].items() if key not in known}
    return create(**asked, extra_body=beside or None)


def told(call, sizes, value):
    """One call's line of the report."""
    return {"name": call["name"], "chunks": sizes, **value}


def dumped(value):
    """A parsed answer, or one event, as JSON has it."""
    return value.model_dump(mode="json", warnings=False) if hasattr(value, "model_dump") else value


def refused(error):
    """An SDK's exception."""
    return {"error": type(error).__name__, "status": error.status_code, "body": error.body}


def ask(call):
    """Make one call."""
    sizes = []
    maker = anthropic.Anthropic if call["family"] == "messages" else openai.OpenAI
    with httpx2.Client(transport=SpyTransport(sizes)) as http_client:
        client = maker(**options(call, http_client))
        try:
            answer = asking(client, call)
            if call["asked"].get("stream"):
                return told(call, sizes, {"events": [dumped(event) for event in answer]})
            return told(call, sizes, {"result": dumped(answer)})
        except (openai.APIStatusError, anthropic.APIStatusError) as error:
            return told(call, sizes, refused(error))


async def ask_async(call):
    """Make one call with the SDK's other half."""
    sizes = []
    maker = anthropic.AsyncAnthropic if call["family"] == "messages" else openai.AsyncOpenAI
    async with httpx2.AsyncClient(transport=AsyncSpyTransport(sizes)) as http_client:
        client = maker(**options(call, http_client))
        try:
            answer = await asking(client, call)
            if call["asked"].get("stream"):
                return told(call, sizes, {"events": [dumped(event) async for event in answer]})
            return told(call, sizes, {"result": dumped(answer)})
        except (openai.APIStatusError, anthropic.APIStatusError) as error:
            return told(call, sizes, refused(error))


async def ask_all(calls, *, together):
    """Make the calls, one after the other or all at once."""
    if together:
        return await asyncio.gather(*(ask_async(call) for call in calls))
    return [await ask_async(call) for call in calls]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("calls", type=pathlib.Path)
    parser.add_argument("--async", action="store_true", dest="asynchronous")
    parser.add_argument("--together", action="store_true")
    asked = parser.parse_args()
    calls = json.loads(asked.calls.read_text(encoding="utf-8"))
    if asked.asynchronous:
        report = asyncio.run(ask_all(calls, together=asked.together))
    else:
        report = [ask(call) for call in calls]
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
