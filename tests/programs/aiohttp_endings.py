"""Cases with aiohttp in which an answer ends early, or badly. Not a program by itself."""

import asyncio
import gc
import os

import aiohttp
from aiohttp.abc import AbstractResolver

from tests.programs.aiohttp_session import SHORT_S, answer, asked, named, session, shown

THREE = "/sse?events=3&then=hang"
KEY = os.environ.get("KEY", "")
SILENCE = aiohttp.ClientTimeout(sock_read=SHORT_S)
IN_ALL = aiohttp.ClientTimeout(total=SHORT_S * 2)
LATE = aiohttp.ClientTimeout(sock_connect=SHORT_S)


class Nowhere(AbstractResolver):
    """Knows no host."""

    async def resolve(self, host, port=0, family=0):  # noqa: ARG002 - the library's signature
        raise OSError(None, f"no such name: {host}")

    async def close(self):
        pass


def _elsewhere(url, **options):
    """A request to an address of its own."""

    async def case():
        async with aiohttp.ClientSession() as client:
            return await answer(client, "GET", url, **options)

    return case


async def unknown_host():
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=Nowhere())) as client:
        return await answer(client, "GET", "http://nowhere.invalid/")


async def body_that_fails():
    async def parts():
        yield b"one"
        raise LookupError("no more")

    async with session() as client:
        try:
            await client.post("/echo", data=parts())
        except aiohttp.ClientError as error:
            told = named(error)
            return [told["error"], told["message"].rpartition(">: ")[2]]


async def retried_after_a_lost_connection():
    """A request that may be sent twice is, by the client itself."""
    async with session() as client:
        try:
            await client.get("/reset")
        except aiohttp.ClientError as error:
            return named(error)


async def closed_in_mid_stream():
    async with session() as client:
        response = await client.get(THREE)
        told = [shown(await response.content.readline())]
        response.close()
        try:
            await response.content.readany()
        except aiohttp.ClientConnectionError as error:
            told.append(named(error))
        return [*told, response.closed]


async def left_by_its_context():
    async with session() as client:
        async with client.get(THREE) as response:
            told = shown(await response.content.readline())
        return [told, response.closed]


async def left_unread():
    told = []
    async with session() as client:
        for url in (THREE, "/json", "/large?bytes=900000"):
            async with client.get(url) as response:
                told.append(response.status)
    return told


async def released():
    async with session() as client:
        response = await client.get("/sse?events=2")
        response.release()
        return response.status


async def dropped():
    """Nobody holds the answer any more."""
    async with session() as client:
        response = await client.get(THREE)
        told = shown(await response.content.readline())
        del response
        gc.collect()
        await asyncio.sleep(0)
        return told


async def session_closed_first():
    client = session()
    response = await client.get("/json")
    await client.close()
    return [response.status, client.closed]


async def left_after_the_last_event():
    """As programs read server-sent events: up to the last one, and not to the end."""
    got = []
    async with session() as client, client.get("/sse?events=3") as response:
        async for line in response.content:
            got.append(shown(line))
            if b'"event": 3' in line:
                break
    return got


async def cancelled_in_mid_stream():
    got, third = [], asyncio.Event()

    async def reads(client):
        try:
            async with client.get(THREE) as response:
                async for line in response.content:
                    if line.strip():
                        got.append(shown(line))
                    if len(got) == 3:
                        third.set()
        except asyncio.CancelledError as error:
            got.append(named(error))
            raise

    async with session() as client:
        task = asyncio.create_task(reads(client))
        await third.wait()
        task.cancel("enough")
        await asyncio.wait([task])
        return [*got, task.cancelled(), await answer(client, "GET", "/json")]


async def cancelled_before_the_head():
    async with session() as client:
        try:
            await asyncio.wait_for(client.get("/hang"), SHORT_S)
        except TimeoutError as error:
            return [named(error), await answer(client, "GET", "/json")]


async def timed_out_in_mid_stream():
    got = []
    async with session() as client:
        try:
            async with asyncio.timeout(SHORT_S), client.get(THREE) as response:
                got.extend([shown(line) async for line in response.content])
        except TimeoutError as error:
            return [*got, named(error)]


async def cancelled_in_read():
    async with session() as client:
        response = await client.get("/part")
        try:
            async with asyncio.timeout(SHORT_S):
                await response.read()
        except TimeoutError as error:
            return [named(error), response.closed]


async def cancelled_by_a_sibling():
    async def fails(client):
        async with client.get("/json?code=500") as response:
            response.raise_for_status()

    async with session() as client:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(client.get("/hang"))
                group.create_task(fails(client))
        except ExceptionGroup as error:
            return [type(one).__name__ for one in error.exceptions]


async def reads_on_after_a_cancelled_read():
    """A read may be given up, and the stream read on: so programs send signs of life."""
    got = []
    async with session() as client, client.get("/sse?events=3&gap_ms=300") as response:
        while line := await _patiently(response.content):
            got.append(shown(line))
    return got


async def _patiently(content):
    while True:
        reading = asyncio.ensure_future(content.readline())
        done, _ = await asyncio.wait([reading], timeout=0.1)
        if done:
            return await reading
        reading.cancel()
        await asyncio.wait([reading])


async def same_prompts_after_dropped_streams():
    """What the client does inside must not shift its callers' names."""
    places = range(4)
    turns = [asyncio.Event() for _ in [*places, None]]

    async def ask(client, place):
        await turns[place + 1].wait()  # the last asks first
        async with client.post(f"/retry?key={KEY}-dropped&times=0", data=b"same") as response:
            told = (await response.json())["attempt"]
        turns[place].set()
        return told

    async with session() as client:
        for _ in range(3):
            async with client.get("/sse?events=3") as response:
                async for _ in response.content.iter_any():
                    break
        turns[-1].set()
        return await asyncio.gather(*(ask(client, place) for place in places))


async def others_run_meanwhile():
    turns = []

    async def other():
        while True:
            turns.append(1)
            await asyncio.sleep(0)

    async with session() as client:
        task = asyncio.create_task(other())
        async with client.get("/json") as response:
            await response.read()
        task.cancel()
        return bool(turns)


FAILED = {
    "silence_before_the_head": asked("GET", "/hang", timeout=SILENCE),
    "silence_in_mid_stream": asked("GET", THREE, timeout=SILENCE),
    "time_is_up_before_the_head": asked("GET", "/hang", timeout=IN_ALL),
    "time_is_up_in_mid_stream": asked("GET", THREE, timeout=IN_ALL),
    "connection_refused": _elsewhere(os.environ.get("REFUSED_URL", "")),
    "connect_timeout": _elsewhere(os.environ.get("FULL_URL", ""), timeout=LATE),
    "unknown_host": unknown_host,
    "reset_before_the_head": asked("POST", "/reset"),
    "reset_in_mid_stream": asked("GET", "/sse?events=3&then=reset&gap_ms=20"),
    "cut_in_mid_stream": asked("GET", "/sse?events=3&then=close"),
    "truncated": asked("GET", "/truncated?declared=10&sent=4"),
    "not_http": asked("GET", "/garbage"),
    "broken_coding": asked("GET", "/encoded?coding=broken"),
    "retried_after_a_lost_connection": retried_after_a_lost_connection,
    "body_that_fails": body_that_fails,
    "illegal_header": asked("GET", "/json", headers={"X-Illegal": "a\nb"}),
}
STOPPED = {
    "closed_in_mid_stream": closed_in_mid_stream,
    "left_by_its_context": left_by_its_context,
    "left_unread": left_unread,
    "released": released,
    "dropped": dropped,
    "session_closed_first": session_closed_first,
    "left_after_the_last_event": left_after_the_last_event,
}
CANCELLED = {
    "cancelled_before_the_head": cancelled_before_the_head,
    "cancelled_in_mid_stream": cancelled_in_mid_stream,
    "timed_out_in_mid_stream": timed_out_in_mid_stream,
    "cancelled_in_read": cancelled_in_read,
    "cancelled_by_a_sibling": cancelled_by_a_sibling,
    "reads_on_after_a_cancelled_read": reads_on_after_a_cancelled_read,
    "same_prompts_after_dropped_streams": same_prompts_after_dropped_streams,
    "others_run_meanwhile": others_run_meanwhile,
}
