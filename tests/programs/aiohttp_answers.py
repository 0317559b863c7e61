"""Cases with aiohttp in which everything goes well. Not a program by itself."""

import asyncio
import os

import aiohttp

from tests.programs.aiohttp_session import SHORT_S, asked, head, named, session, shown

KEY = os.environ.get("KEY", "")


def chunked(size):
    return lambda content: content.iter_chunked(size)


def whole_chunks(content):
    return content.iter_chunks()


def lines(content):
    return content


async def read_in_all_ways():
    """Each way to read once, in turn, on one stream."""
    async with session() as client, client.get("/sse?events=6&cut=middle") as response:
        content = response.content
        told = [
            await content.readline(),
            await content.readexactly(20),
            await content.read(5),
            await content.readuntil(b"}"),
            content.read_nowait(0),
        ]
        told.append(await content.readany() + await content.read())
        told.append([content.at_eof(), content.is_eof(), content.total_bytes])
    return [one if isinstance(one, list) else shown(one) for one in told]


async def chunks_put_together():
    """As the library's manual says: a chunk of the transfer is whole when it says so."""
    async with session() as client, client.get("/split") as response:
        got, part = [], b""
        async for data, is_whole in response.content.iter_chunks():
            part += data
            if is_whole and part:
                got.append(shown(part))
                part = b""
        return [*got, shown(part)]


async def slow_reader_of_a_server_that_may_not_be_silent():
    """The limit is on the server's silence, which has sent all, and not on the program's."""
    limit = aiohttp.ClientTimeout(sock_read=SHORT_S)
    async with session(timeout=limit) as client, client.get("/sse?events=3&gap_ms=0") as response:
        await asyncio.sleep(SHORT_S)
        got = []
        async for line in response.content:
            got.append(shown(line))
            await asyncio.sleep(SHORT_S)
        return got


async def whole_in_three_ways():
    async with session() as client:
        told = []
        for _ in range(2):
            async with client.get("/json") as response:
                told.append([await response.text(), await response.json(), response.closed])
                told.append(shown(await response.read()))
        return told


async def waits_for_the_end_first():
    async with session() as client, client.get("/sse?events=3") as response:
        await response.content.wait_eof()
        return [response.content.total_bytes, shown(await response.read())]


async def redirects():
    to = "/redirect?code=302&to=/redirect%3Fcode%3D308%26to%3D/json"
    asks = {"code": 301, "to": to}
    async with session() as client, client.get("/redirect", params=asks) as response:
        hops = [head(hop) for hop in response.history]
        return {"hops": hops, **head(response), "json": await response.json()}


async def redirect_with_a_body():
    async with session() as client, client.get("/moved") as response:
        return [len(response.history), str(response.url.path), await response.json()]


async def redirect_not_followed():
    async with session() as client, client.get("/moved", allow_redirects=False) as response:
        return [response.status, await response.text()]


async def too_many_redirects():
    async with session() as client:
        try:
            await client.get("/redirect?to=/redirect%3Fto%3D/redirect", max_redirects=2)
        except aiohttp.TooManyRedirects as error:
            return [named(error), [hop.status for hop in error.history]]


async def cookies_come_back():
    jar = aiohttp.CookieJar(unsafe=True)
    async with session(cookie_jar=jar) as client:
        async with client.get("/headers") as response:
            told = [head(response), shown(await response.read())]
        return [*told, sorted(cookie.key for cookie in jar)]


async def raise_for_status():
    async with session(raise_for_status=True) as client:
        try:
            await client.get("/json?code=503")
        except aiohttp.ClientResponseError as error:
            return named(error)


async def digest_auth():
    asks = aiohttp.DigestAuthMiddleware("someone", "something")
    async with session(middlewares=(asks,)) as client, client.get("/digest") as response:
        return [response.status, await response.json()]


async def middlewares_of_its_own():
    """One of the session's, and one of the request's that asks again; both see each answer."""
    told = []

    async def sees(request, handler):
        request.headers["X-Seen"] = "yes"
        response = await handler(request)
        told.append(["session", response.status])
        return response

    async def asks_again(request, handler):
        for _ in range(2):
            response = await handler(request)
            told.append(["request", response.status])
            if response.status == 200:
                break
        return response

    key = f"/retry?key={KEY}-own"
    async with session(middlewares=(sees,)) as client:
        async with client.get("/json") as response:
            told.append(await response.json())
        async with client.post(key, json={}, middlewares=[asks_again]) as response:
            told.append(await response.json())
    return told


async def traced():
    """What a trace is told, but for how often a connection is made."""
    told = []
    config = aiohttp.TraceConfig()

    def tell(name):
        async def told_of(_, __, params):
            told.append([name, len(getattr(params, "chunk", b"") or b"")])

        return told_of

    for name in (
        "request_start",
        "request_chunk_sent",
        "request_end",
        "request_redirect",
        "request_headers_sent",
        "response_chunk_received",
        "connection_create_start",
        "connection_create_end",
    ):
        getattr(config, f"on_{name}").append(tell(name))
    async with session(trace_configs=[config]) as client:
        response = await client.post("/echo", data=b"four")
        await response.read()
    return told


async def many_at_once():
    async with session() as client:

        async def ask(number):
            async with client.post("/echo", json={"n": number % 5}) as response:
                return (await response.json())["text"]

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(ask(number)) for number in range(40)]
        return [task.result() for task in tasks]


async def session_of_its_own():
    """A session class of the program's own, which the library discourages."""
    calls = []

    class Counting(aiohttp.ClientSession):
        async def _request(self, *args, **options):
            calls.append(args[0])
            return await super()._request(*args, **options)

    async with Counting(os.environ["BASE_URL"]) as client, client.get("/json") as response:
        return [await response.json(), calls]


async def streams_interleaved():
    """Two answers at once, a line of each in turn."""
    async with session() as client:
        responses = [await client.get(f"/sse?events={count}&cut=middle") for count in (2, 4)]
        both, told = [aiter(one.content) for one in responses], []
        while both:
            for coming in list(both):
                piece = await anext(coming, None)
                if piece is None:
                    both.remove(coming)
                else:
                    told.append(shown(piece))
    return told


CASES = {
    "plain": asked("GET", "/json"),
    "error_status": asked("GET", "/json?code=500"),
    "empty_204": asked("GET", "/empty"),
    "head": asked("HEAD", "/head"),
    "informational": asked("GET", "/hints"),
    "odd_headers": asked("GET", "/headers"),
    "events": asked("GET", "/sse?events=4"),
    "events_as_lines": asked("GET", "/sse?events=3&cut=middle", how=lines),
    "events_in_sevens": asked("GET", "/sse?events=3&gap_ms=10", how=chunked(7)),
    "events_as_chunks": asked("GET", "/sse?events=3", how=whole_chunks),
    "a_chunk_in_two_packets": asked("GET", "/split"),
    "until_close": asked("GET", "/until-close"),
    "length_as_chunks": asked("GET", "/json", how=whole_chunks),
    "large_by_length": asked("GET", "/large?bytes=3000000"),
    "large_chunked": asked("GET", "/large?bytes=3000000&framing=chunked"),
    "large_until_close": asked("GET", "/large?bytes=3000000&framing=close"),
    "gzip": asked("GET", "/gzip"),
    "gzip_left_as_it_is": asked("GET", "/gzip", auto_decompress=False),
    "gzip_events": asked("GET", "/gzip-sse?events=3"),
    "gzip_events_as_chunks": asked("GET", "/gzip-sse?events=3", how=whole_chunks),
    "brotli": asked("GET", "/encoded?coding=br"),
    "deflate_byte_by_byte": asked("GET", "/encoded?coding=deflate&pieces=60"),
    "deflate_without_its_head": asked("GET", "/encoded?coding=raw"),
    "chunks_put_together": chunks_put_together,
    "slow_reader": slow_reader_of_a_server_that_may_not_be_silent,
    "read_in_all_ways": read_in_all_ways,
    "whole_in_three_ways": whole_in_three_ways,
    "waits_for_the_end_first": waits_for_the_end_first,
    "redirects": redirects,
    "redirect_with_a_body": redirect_with_a_body,
    "redirect_not_followed": redirect_not_followed,
    "see_other": asked("POST", "/redirect?code=303", data=b"left behind"),
    "too_many_redirects": too_many_redirects,
    "cookies_come_back": cookies_come_back,
    "raise_for_status": raise_for_status,
    "digest_auth": digest_auth,
    "middlewares_of_its_own": middlewares_of_its_own,
    "traced": traced,
    "many_at_once": many_at_once,
    "session_of_its_own": session_of_its_own,
    "streams_interleaved": streams_interleaved,
}
