"""Cases in which the program, or the peer, ends an exchange before its time.

Not a program by itself: `transport_calls.py` runs them.
"""

import asyncio
import os
import signal

from tests.programs.transport_client import SHORT_S, answer, drained, head, named, whole

REFUSED = os.environ.get("REFUSED_URL", "")
FULL = os.environ.get("FULL_URL", "")
KEY = os.environ.get("KEY", "")
THREE = "/sse?events=3&then=hang"


# --- the program stops reading --------------------------------------------------------------------


async def closed_by_a_context(f):
    """Break out of a loop in a `with` block: what most programs do."""
    async with f.client() as client:
        if f.transport is f.lib.HTTPTransport:
            with client.stream("GET", THREE) as response:
                for chunk in response.iter_raw():
                    first = chunk
                    break
        else:
            async with client.stream("GET", THREE) as response:
                async for chunk in response.aiter_raw():
                    first = chunk
                    break
        again = await whole(f, client, "GET", "/json")
    return {"first": first.decode("latin-1"), "closed": response.is_closed, "again": again}


async def read_after_close(f):
    """What a reader sees whose answer somebody else has closed."""
    async with f.client() as client:
        response = await f.send(client, client.build_request("GET", THREE))
        pieces = f.pieces(response)
        told = [(await f.next(pieces)).decode("latin-1") for _ in range(3)]  # all there are
        await f.close(response)
        await f.close(response)
        try:
            await f.next(pieces)
        except Exception as error:  # noqa: BLE001 - whatever the client says
            told.append(named(error)["error"])
        await f.leave(pieces)
    return told


async def closed_unread(f):
    async with f.client() as client:
        response = await f.send(client, client.build_request("GET", THREE))
        await f.close(response)
        return {**head(response), **(await drained(f, response))}


async def closed_after_lines(f):
    async with f.client() as client:
        response = await f.send(client, client.build_request("GET", "/endless"))
        told = await drained(f, response, "lines", most=5)
        await f.close(response)
    return told


async def client_closed_first(f):
    """The client ends while an answer is still open."""
    async with f.client() as client:
        response = await f.send(client, client.build_request("GET", THREE))
        pieces = f.pieces(response)
        told = [(await f.next(pieces)).decode("latin-1")]
    await f.close(response)
    await f.leave(pieces)
    return [*told, response.is_closed]


async def abandoned(f):
    async with f.client() as client:
        response = await f.send(client, client.build_request("GET", THREE))
        pieces = f.pieces(response)
        told = [(await f.next(pieces)).decode("latin-1") for _ in range(2)]
        del response, pieces
        await f.collect()
        again = await whole(f, client, "GET", "/json")
    return {"chunks": told, "again": again}


async def abandoned_unread(f):
    async with f.client() as client:
        response = await f.send(client, client.build_request("GET", THREE))
        told = head(response)
        del response
        await f.collect()
    return told


# --- the peer, or the network, fails --------------------------------------------------------------


def _answers(url, **client_options):
    async def case(f):
        async with f.client(**client_options) as client:
            return await answer(f, client, "GET", url)

    return case


def _wholes(url, **client_options):
    async def case(f):
        async with f.client(**client_options) as client:
            told = await whole(f, client, "GET", url)
            return [told, await whole(f, client, "GET", "/json", timeout=20)]

    return case


async def carried_by_the_exception(f):
    """What an exception carries beside its words."""
    async with f.client() as client:
        try:
            await f.ask(client, "POST", "/reset", json={})
        except f.lib.TransportError as error:
            return [error.request.url.path, error.request.content.decode(), repr(error)]


async def illegal_header(f):
    async with f.client() as client:
        return await whole(f, client, "GET", "/json", headers={"X-Illegal": "a\nb"})


async def unsupported_scheme(f):
    async with f.client() as client:
        return await whole(f, client, "GET", "gopher://127.0.0.1/")


async def pool_exhausted(f):
    limits = f.lib.Limits(max_connections=1)
    timeout = f.lib.Timeout(20, pool=SHORT_S)
    async with f.client(limits=limits, timeout=timeout) as client:
        response = await f.send(client, client.build_request("GET", THREE))
        told = await whole(f, client, "GET", "/json")
        await f.close(response)
    return told


class OfItsOwnError(Exception):
    """What the program's own code raises."""


async def body_that_fails(f):
    async def parts_async():
        yield b"one"
        raise OfItsOwnError("no more")

    def parts():
        yield b"one"
        raise OfItsOwnError("no more")

    made = parts if f.transport is f.lib.HTTPTransport else parts_async
    async with f.client() as client:
        return await whole(f, client, "POST", "/echo", content=made())


async def unsent_body_is_sent_again(f):
    """A one-shot body that no connection took is still there for the next attempt."""
    made = []

    async with f.client() as client:
        body = f.body([b"one", b"two"])
        request = client.build_request("POST", REFUSED, content=body)
        try:
            await f.send(client, request)
        except f.lib.ConnectError as error:
            made.append(named(error))
        request.url = client.base_url.join("/echo")
        request.headers["Host"] = request.url.netloc.decode()
        try:
            response = await f.send(client, request)
        except f.lib.StreamConsumed as error:
            return [*made, named(error)]
        await f.read(response)
        return [*made, response.json()["text"]]


# --- cancelled ------------------------------------------------------------------------------------


async def timed_out_before_the_head(f):
    async with f.client() as client:
        try:
            await asyncio.wait_for(client.get("/hang"), SHORT_S)
        except TimeoutError as error:
            return [named(error), await whole(f, client, "GET", "/json")]


async def cancelled_in_mid_stream(f):
    got, third = [], asyncio.Event()

    async def reads(client):
        try:
            async with client.stream("GET", THREE) as response:
                async for chunk in response.aiter_raw():
                    got.append(chunk.decode("latin-1"))
                    if len(got) == 3:
                        third.set()
        except asyncio.CancelledError as error:
            got.append(named(error))
            raise

    async with f.client() as client:
        task = asyncio.create_task(reads(client))
        await third.wait()
        task.cancel("enough")
        await asyncio.wait([task])
        return [*got, task.cancelled(), await whole(f, client, "GET", "/json")]


async def timed_out_in_mid_stream(f):
    got = []
    async with f.client() as client:
        try:
            async with asyncio.timeout(SHORT_S), client.stream("GET", THREE) as response:
                got.extend([line async for line in response.aiter_lines()])
        except TimeoutError as error:
            return [*got, named(error)]


async def cancelled_between_chunks(f):
    """Cancelled where the program itself waits, with an answer open."""
    got, second = [], asyncio.Event()

    async def reads(client):
        async with client.stream("GET", THREE) as response:
            async for chunk in response.aiter_raw():
                got.append(chunk.decode("latin-1"))
                if len(got) == 2:
                    second.set()
                    await asyncio.Event().wait()

    async with f.client() as client:
        task = asyncio.create_task(reads(client))
        await second.wait()
        task.cancel()
        await asyncio.wait([task])
        return [*got, task.cancelled()]


async def cancelled_by_a_sibling(f):
    async def hangs(client):
        await client.get("/hang")

    async def fails(client):
        (await client.get("/json?code=500")).raise_for_status()

    async with f.client() as client:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(hangs(client))
                group.create_task(fails(client))
        except ExceptionGroup as error:
            return [type(one).__name__ for one in error.exceptions]


async def cancelled_before_it_began(f):
    async with f.client() as client:
        task = asyncio.create_task(client.get("/json"))
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()


async def others_run_meanwhile(f):
    """While one task waits for an answer, the others have their turns."""
    turns = []

    async def other():
        while True:
            turns.append(1)
            await asyncio.sleep(0)

    async with f.client() as client:
        task = asyncio.create_task(other())
        await client.get("/json")
        had = bool(turns)
        task.cancel()
        return had


async def same_prompts_after_dropped_streams(f):
    """Finalizers of dropped streams are tasks too, and must not shift the callers' names."""
    places = range(4)
    turns = [asyncio.Event() for _ in [*places, None]]

    async def ask(client, place):
        await turns[place + 1].wait()  # the last asks first
        answer = await client.post(f"/retry?key={KEY}-{f.lib.__name__}-dropped&times=0")
        turns[place].set()
        return answer.json()["attempt"]

    async with f.client() as client:
        for _ in range(3):
            async with client.stream("GET", "/sse?events=3") as response:
                async for _ in response.aiter_raw():
                    break
        turns[-1].set()
        return await asyncio.gather(*(ask(client, place) for place in places))


# --- interrupted ----------------------------------------------------------------------------------


def _alarmed(url):
    async def case(f):
        """A signal's handler raises in the middle of a blocking read."""

        def ring(*_):
            raise OfItsOwnError("the alarm rang")

        before = signal.signal(signal.SIGALRM, ring)
        try:
            async with f.client() as client:
                signal.setitimer(signal.ITIMER_REAL, SHORT_S)
                told = await answer(f, client, "GET", url)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        return told

    return case


STOPPED = {
    "closed_by_a_context": closed_by_a_context,
    "closed_unread": closed_unread,
    "closed_after_lines": closed_after_lines,
    "client_closed_first": client_closed_first,
    "abandoned": abandoned,
}
AFTER_CLOSE = {"read_after_close": read_after_close}
UNREAD = {"abandoned_unread": abandoned_unread}
FAILED = {
    "read_timeout_before_the_head": _wholes("/hang", timeout=SHORT_S),
    "read_timeout_in_mid_stream": _answers(THREE, timeout=SHORT_S),
    "connection_refused": _answers(REFUSED),
    "connect_timeout": _answers(FULL, timeout=SHORT_S),
    "reset_before_the_head": _wholes("/reset"),
    "reset_in_mid_stream": _answers("/sse?events=3&then=reset&gap_ms=20"),
    "cut_in_mid_stream": _answers("/sse?events=3&then=close"),
    "truncated": _answers("/truncated?declared=10&sent=4"),
    "truncated_whole": _wholes("/truncated?declared=100000&sent=70000"),
    "not_http": _wholes("/garbage"),
    "carried_by_the_exception": carried_by_the_exception,
    "illegal_header": illegal_header,
    "unsupported_scheme": unsupported_scheme,
    "pool_exhausted": pool_exhausted,
    "body_that_fails": body_that_fails,
    "unsent_body_is_sent_again": unsent_body_is_sent_again,
}
CANCELLED = {
    "timed_out_before_the_head": timed_out_before_the_head,
    "cancelled_in_mid_stream": cancelled_in_mid_stream,
    "timed_out_in_mid_stream": timed_out_in_mid_stream,
    "cancelled_between_chunks": cancelled_between_chunks,
    "cancelled_by_a_sibling": cancelled_by_a_sibling,
    "cancelled_before_it_began": cancelled_before_it_began,
    "others_run_meanwhile": others_run_meanwhile,
    "same_prompts_after_dropped_streams": same_prompts_after_dropped_streams,
}
INTERRUPTED = {
    "alarm_before_the_head": _alarmed("/hang"),
    "alarm_in_mid_stream": _alarmed(THREE),
}
