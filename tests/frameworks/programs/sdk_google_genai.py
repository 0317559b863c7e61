"""A short conversation with a tool through Google's SDK: `sdk_google_genai.py [sync] [async] …`.

Where aiohttp is installed the SDK's async half uses it (`aiohttp`), unless it is given a client of
httpx (`async`). The provider is at GEMINI_URL. Prints what came back.
"""

import asyncio
import os
import sys

import httpx
from google import genai
from google.genai import types

MODEL = "gemini-2.5-flash"
CITY = types.Schema(type="OBJECT", properties={"city": types.Schema(type="STRING")})
WEATHER = types.FunctionDeclaration(name="weather", description="Of a city.", parameters=CITY)
CONFIG = types.GenerateContentConfig(
    system_instruction="Be brief.",
    tools=[types.Tool(function_declarations=[WEATHER])],
    automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
)


def client(**options):
    return genai.Client(
        http_options=types.HttpOptions(base_url=os.environ["GEMINI_URL"], **options)
    )


def question(part):
    text = f"What is the weather like, asks {part}?"
    return [types.Content(role="user", parts=[types.Part(text=text)])]


def with_results(contents, answer):
    """Answer the calls of an answer."""
    parts = [
        types.Part(
            function_response=types.FunctionResponse(
                id=call.id, name=call.name, response={"sky": "rain", **(call.args or {})}
            )
        )
        for call in answer.function_calls or []
    ]
    said = answer.candidates[0].content
    return [*contents, said, types.Content(role="user", parts=parts or [types.Part(text="Go on.")])]


def told(part, answer):
    print(part, answer.response_id, answer.model_dump_json(exclude_none=True))


def sync():
    google, contents = client(), question("sync")
    first = google.models.generate_content(model=MODEL, contents=contents, config=CONFIG)
    told("sync", first)
    contents = with_results(contents, first)
    for chunk in google.models.generate_content_stream(
        model=MODEL, contents=contents, config=CONFIG
    ):
        told("sync", chunk)


async def asynchronous(part, **options):
    async with client(**options).aio as aio:
        contents = question(part)
        first = await aio.models.generate_content(model=MODEL, contents=contents, config=CONFIG)
        told(part, first)
        asked = {"model": MODEL, "contents": with_results(contents, first), "config": CONFIG}
        async for chunk in await aio.models.generate_content_stream(**asked):
            told(part, chunk)


def main():
    parts = sys.argv[1:] or ["sync", "async"]
    if "sync" in parts:
        sync()
    if "async" in parts:
        asyncio.run(asynchronous("async", httpx_async_client=httpx.AsyncClient()))
    if "aiohttp" in parts:
        asyncio.run(asynchronous("aiohttp"))


if __name__ == "__main__":
    main()
