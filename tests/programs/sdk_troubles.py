"""What goes wrong with providers, as the real SDKs meet it at BASE_URL: prints what came of it.

`sdk_troubles.py openai|anthropic sync|async`. Answers of 429, after which an SDK sleeps for a time
that it draws; answers later than the timeout, which are asked for again; streams that are left,
that stall, and whose task is cancelled. `tests/support/troubles.py` is the provider.
"""

import asyncio
import functools
import os
import sys
import time

import anthropic
import openai

SDK, HOW = sys.argv[1:]
MODULE = {"openai": openai, "anthropic": anthropic}[SDK]
CLIENTS = {
    ("openai", "sync"): openai.OpenAI,
    ("openai", "async"): openai.AsyncOpenAI,
    ("anthropic", "sync"): anthropic.Anthropic,
    ("anthropic", "async"): anthropic.AsyncAnthropic,
}
SHORT_S = 0.3


def call(trouble, **options):
    """Give the SDK's function that asks a model, where that has this trouble."""
    base = f"{os.environ['BASE_URL']}/{trouble}" + ("/v1" if SDK == "openai" else "")
    client = CLIENTS[SDK, HOW](base_url=base, api_key="test-not-a-key", **options)
    said = {"model": "one", "messages": [{"role": "user", "content": "What is the plan?"}]}
    if SDK == "openai":
        return functools.partial(client.chat.completions.create, **said)
    return functools.partial(client.messages.create, max_tokens=9, **said)


def told(name, *words):
    print(name, *words, flush=True)


def failed(name, error):
    told(name, f"{type(error).__module__}.{type(error).__name__}", error)


def sync():
    for trouble in ("busy", "full"):
        told(trouble, call(trouble)().id, time.monotonic(), time.time())
    told("late", call("late", timeout=SHORT_S)().id)
    try:
        call("never", timeout=SHORT_S, max_retries=1)()
    except MODULE.APITimeoutError as error:
        failed("never", error)
    with call("endless")(stream=True) as stream:
        for number, event in enumerate(stream):
            told("left", event.model_dump_json())
            if number == 3:
                break
    try:
        for event in call("stalls", timeout=SHORT_S)(stream=True):
            told("stalls", event.model_dump_json())
    except Exception as error:  # noqa: BLE001  (which one is the SDK's business)
        failed("stalls", error)
    told("after", call("fine")().id)


async def ask(name, trouble, **options):
    told(name, (await call(trouble, **options)()).id, time.monotonic())


async def read(name, trouble, seen=None, **options):
    """Read a stream to its end; `seen` is set at the fourth event."""
    stream = await call(trouble, **options)(stream=True)
    number = 0
    async for event in stream:
        told(name, event.model_dump_json())
        number += 1
        if seen is not None and number == 4:
            seen.set()


async def cancelled():
    """Cancel a task in the middle of its stream."""
    seen = asyncio.Event()
    task = asyncio.create_task(read("cancelled", "stalls", seen))
    await seen.wait()
    task.cancel()
    try:
        await task
    except asyncio.CancelledError as error:
        failed("cancelled", error)


async def asynchronous():
    # Side by side with the same words: each sleeps for a time of its own, and gets its own answer.
    await asyncio.gather(*(ask(f"busy {number}", "busy") for number in range(4)))
    await ask("full", "full")
    await asyncio.gather(
        ask("late", "late", timeout=SHORT_S), ask("late too", "late", timeout=SHORT_S), cancelled()
    )
    try:
        await ask("never", "never", timeout=SHORT_S, max_retries=1)
    except MODULE.APITimeoutError as error:
        failed("never", error)
    for name in ("endless", "stalls"):
        try:
            await asyncio.wait_for(read(f"{name} too long", name), SHORT_S)
        except TimeoutError as error:
            failed(name, error)
    try:
        await read("stalls", "stalls", timeout=SHORT_S)
    except Exception as error:  # noqa: BLE001  (which one is the SDK's business)
        failed("stalls", error)
    await ask("after", "fine")


if __name__ == "__main__":
    sync() if HOW == "sync" else asyncio.run(asynchronous())
