"""Cases in which everything goes well: answers, bodies, and what clients do around a request.

Not a program by itself: `transport_calls.py` runs them.
"""

import os

from tests.programs.transport_client import answer, drained, head, shown, whole

KEY = os.environ.get("KEY", "")


def _answers(method, url, **options):
    async def case(f):
        async with f.client() as client:
            return await answer(f, client, method, url, **options)

    return case


def _wholes(method, url, **options):
    async def case(f):
        async with f.client(follow_redirects=True) as client:
            return await whole(f, client, method, url, **options)

    return case


async def redirects(f):
    async with f.client(follow_redirects=True) as client:
        to = "/redirect?code=302&to=/redirect%3Fcode%3D308%26to%3D/json"
        response = await f.ask(client, "GET", "/redirect", params={"code": 301, "to": to})
        hops = [head(hop) for hop in response.history]
        return {"hops": hops, **head(response), "content": shown(response.content)}


async def too_many_redirects(f):
    async with f.client(follow_redirects=True, max_redirects=2) as client:
        return await whole(f, client, "GET", "/redirect?to=/redirect%3Fto%3D/redirect")


async def retry_after(f):
    told = []
    async with f.client() as client:
        for _ in range(2):
            told.append(await whole(f, client, "POST", f"/retry?key={KEY}-{f.lib.__name__}"))
            if told[-1]["status"] == 200:
                break
    return told


async def raise_for_status(f):
    async with f.client() as client:
        response = await f.ask(client, "GET", "/json?code=503")
        try:
            response.raise_for_status()
        except f.lib.HTTPStatusError as error:
            return {"status": error.response.status_code, "body": error.response.text}


async def many_on_one_client(f):
    async with f.client() as client:
        asked = [await f.ask(client, "POST", "/echo", json={"n": n % 3}) for n in range(12)]
    return [response.json()["text"] for response in asked]


async def read_after_stream(f):
    told = []
    async with f.client() as client:
        response = await f.send(client, client.build_request("GET", "/sse?events=2"))
        told.append(await drained(f, response))
        told.append(await drained(f, response))
        try:
            await f.read(response)
        except f.lib.StreamError as error:
            told.append(type(error).__name__)
        told.append([response.is_closed, response.is_stream_consumed])
    return told


async def content_again_after_read(f):
    async with f.client() as client:
        response = await f.send(client, client.build_request("GET", "/gzip"))
        await f.read(response)
        return [await drained(f, response, "bytes"), await drained(f, response, "raw")]


async def interleaved_streams(f):
    """Two answers at once, a piece of each in turn."""
    async with f.client() as client:
        responses = [
            await f.send(client, client.build_request("GET", f"/sse?events={count}&cut=middle"))
            for count in (2, 4)
        ]
        both, told = [f.pieces(response) for response in responses], []
        while both:
            for pieces in list(both):
                piece = await f.next(pieces)
                if piece is None:
                    both.remove(pieces)
                else:
                    told.append(piece.decode("latin-1"))
    return told


def parts(*sizes):
    """Parts of a body, each of another letter."""
    return [bytes([97 + place]) * size for place, size in enumerate(sizes)]


async def body_from_generator(f):
    async with f.client() as client:
        return await whole(f, client, "POST", "/echo", content=f.body(parts(3, 1, 5)))


async def body_from_empty_generator(f):
    async with f.client() as client:
        return await whole(f, client, "POST", "/echo", content=f.body([]))


async def large_body_from_generator(f):
    async with f.client() as client:
        return await whole(f, client, "PUT", "/echo", content=f.body(parts(1_500_000, 1_500_000)))


async def form(f):
    async with f.client() as client:
        fields = {"a": ["1", "2"], "ü": "é & =", "empty": ""}
        return await whole(f, client, "POST", "/echo", data=fields)


FILES = {"one": ("ö.txt", b"text\r\n--x", "text/plain"), "two": b"\x00\xff\x80"}


async def multipart(f):
    typed = {"Content-Type": "multipart/form-data; boundary=fixed"}
    async with f.client() as client:
        return await whole(
            f, client, "POST", "/echo", data={"field": "é"}, files=FILES, headers=typed
        )


async def multipart_with_a_boundary_by_chance(f):
    async with f.client() as client:
        told = [await f.ask(client, "POST", "/json", files=FILES) for _ in range(2)]
    return [response.status_code for response in told]


async def one_shot_body_refused_on_redirect(f):
    async with f.client(follow_redirects=True) as client:
        return await whole(f, client, "POST", "/redirect?code=307", content=f.body(parts(2)))


async def event_hooks(f):
    told = []
    hooks = {
        "request": [f.hook(lambda request: told.append(f"> {request.method} {request.url.path}"))],
        "response": [f.hook(lambda response: told.append(f"< {response.status_code}"))],
    }
    async with f.client(follow_redirects=True, event_hooks=hooks) as client:
        await f.ask(client, "GET", "/redirect?code=303")
    return told


def _knocking(lib):
    class Knocking(lib.Auth):
        requires_request_body = True
        requires_response_body = True

        def auth_flow(self, request):
            response = yield request
            request.headers["X-Seen"] = str(len(response.content) + len(request.content))
            yield request

    return Knocking()


async def auth_that_asks_twice(f):
    async with f.client(auth=_knocking(f.lib)) as client:
        return await whole(f, client, "POST", "/echo", content=b"body")


async def basic_auth_and_cookies(f):
    async with f.client(auth=("someone", "something"), cookies={"a": "b"}) as client:
        await f.ask(client, "GET", "/headers")
        return {"jar": sorted(client.cookies.keys()), **(await whole(f, client, "GET", "/json"))}


def _around(f):
    """A transport of the program's own around the library's, and one below it."""

    class Below(f.transport):
        pass

    class Around(f.base):
        def __init__(self, seen):
            self.inner, self.seen = Below(verify=False), seen

        def handle_request(self, request):
            request.headers["X-Around"] = "yes"
            response = self.inner.handle_request(request)
            self.seen.append(response.status_code)
            return response

        async def handle_async_request(self, request):
            request.headers["X-Around"] = "yes"
            response = await self.inner.handle_async_request(request)
            self.seen.append(response.status_code)
            return response

    return Around


async def mounted_transport(f):
    seen = []
    async with f.client(mounts={"http://": _around(f)(seen)}) as client:
        told = await answer(f, client, "GET", "/sse?events=3")
    return {**told, "seen": seen}


async def nothing_of_the_network(f):
    """A transport that the program made up reaches nobody, and is not an exchange."""
    transport = f.lib.MockTransport(lambda request: f.lib.Response(418, text=request.url.path))
    async with f.client(transport=transport) as client:
        return await whole(f, client, "GET", "/made-up")


CASES = {
    "plain": _wholes("GET", "/json"),
    "error_status": _wholes("GET", "/json?code=500"),
    "post_json": _wholes("POST", "/echo", json={"b": [1, 2.5, None], "a": "é"}),
    "post_bytes": _wholes("POST", "/echo", content=bytes(range(256))),
    "large_request": _wholes("POST", "/echo", content=b"x" * 3_000_000),
    "head": _answers("HEAD", "/json"),
    "empty_204": _answers("GET", "/empty"),
    "empty_200": _answers("GET", "/large?bytes=0"),
    "odd_headers": _answers("GET", "/headers"),
    "odd_method": _wholes("PURGE", "/echo"),
    "informational": _answers("GET", "/hints"),
    "large_by_length": _answers("GET", "/large?bytes=3000000"),
    "large_chunked": _answers("GET", "/large?bytes=3000000&framing=chunked"),
    "large_until_close": _answers("GET", "/large?bytes=3000000&framing=close"),
    "events": _answers("GET", "/sse?events=4"),
    "events_in_pairs": _answers("GET", "/sse?events=5&cut=pair"),
    "events_cut_in_a_character": _answers("GET", "/sse?events=3&cut=middle"),
    "events_byte_by_byte": _answers("GET", "/sse?events=1&cut=byte&gap_ms=0"),
    "events_as_lines": _answers("GET", "/sse?events=3&cut=middle", how="lines"),
    "events_as_text": _answers("GET", "/sse?events=3&cut=middle", how="text"),
    "gzip_raw": _answers("GET", "/gzip"),
    "gzip_decoded": _answers("GET", "/gzip", how="bytes"),
    "gzip_events": _answers("GET", "/gzip-sse?events=3", how="bytes"),
    "redirects": redirects,
    "see_other": _wholes("POST", "/redirect?code=303", content=b"left behind"),
    "too_many_redirects": too_many_redirects,
    "retry_after": retry_after,
    "raise_for_status": raise_for_status,
    "many_on_one_client": many_on_one_client,
    "read_after_stream": read_after_stream,
    "content_again_after_read": content_again_after_read,
    "interleaved_streams": interleaved_streams,
    "body_from_generator": body_from_generator,
    "body_from_empty_generator": body_from_empty_generator,
    "large_body_from_generator": large_body_from_generator,
    "form": form,
    "multipart": multipart,
    "multipart_with_a_boundary_by_chance": multipart_with_a_boundary_by_chance,
    "one_shot_body_refused_on_redirect": one_shot_body_refused_on_redirect,
    "event_hooks": event_hooks,
    "auth_that_asks_twice": auth_that_asks_twice,
    "basic_auth_and_cookies": basic_auth_and_cookies,
    "mounted_transport": mounted_transport,
    "nothing_of_the_network": nothing_of_the_network,
}
