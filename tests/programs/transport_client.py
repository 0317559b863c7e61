"""One way to use all four clients: httpx and httpx2, sync and async. Not a program by itself.

Owns the sameness: a case is written once, as a coroutine over `Sync` or `Async`. Through `Sync`
nothing ever waits in it, so it is driven by hand and no event loop runs.
"""

import asyncio
import contextlib
import gc
import hashlib
import os

URL = os.environ.get("BASE_URL", "")
TIMEOUT_S = 20
SHORT_S = 0.15
"""How long a case waits for what never comes."""
TURNS = 50
"""Turns of the event loop: more than any chain of finalizers takes."""
_HIDDEN = {b"set-cookie"}
"""Answered with a placeholder in a replay, on purpose."""


class Sync:
    """A library's blocking half."""

    def __init__(self, lib):
        self.lib = lib
        self.transport = lib.HTTPTransport
        self.base = lib.BaseTransport
        self.stream = lib.SyncByteStream

    def run(self, case):
        """Run a case to its end."""
        try:
            case.send(None)
        except StopIteration as done:
            return done.value
        raise AssertionError("a case through the blocking half waited")

    @contextlib.asynccontextmanager
    async def client(self, **options):
        with self.lib.Client(**_defaults(options)) as client:
            yield client

    async def ask(self, client, method, url, **options):
        return client.request(method, url, **options)

    async def send(self, client, request):
        return client.send(request, stream=True)

    async def read(self, response):
        return response.read()

    def pieces(self, response, how="raw"):
        return getattr(response, f"iter_{how}")()

    async def next(self, pieces):
        return next(pieces, None)

    async def close(self, response):
        response.close()

    async def leave(self, pieces):
        pieces.close()

    async def collect(self):
        """Let what the caller has let go be collected."""
        gc.collect()

    def body(self, parts):
        """A body that comes in parts."""
        yield from parts

    def hook(self, call):
        return call


class Async:
    """A library's half for asyncio."""

    def __init__(self, lib):
        self.lib = lib
        self.transport = lib.AsyncHTTPTransport
        self.base = lib.AsyncBaseTransport
        self.stream = lib.AsyncByteStream

    def run(self, case):
        """Run a case to its end."""
        return asyncio.run(case)

    @contextlib.asynccontextmanager
    async def client(self, **options):
        async with self.lib.AsyncClient(**_defaults(options)) as client:
            yield client

    async def ask(self, client, method, url, **options):
        return await client.request(method, url, **options)

    async def send(self, client, request):
        return await client.send(request, stream=True)

    async def read(self, response):
        return await response.aread()

    def pieces(self, response, how="raw"):
        return getattr(response, f"aiter_{how}")()

    async def next(self, pieces):
        return await anext(pieces, None)

    async def close(self, response):
        await response.aclose()

    async def leave(self, pieces):
        await pieces.aclose()

    async def collect(self):
        """Let what the caller has let go be collected, and its finalizers run."""
        gc.collect()
        for _ in range(TURNS):
            await asyncio.sleep(0)

    async def body(self, parts):
        """A body that comes in parts."""
        for part in parts:
            yield part

    def hook(self, call):
        async def hook(subject):
            call(subject)

        return hook


def _defaults(options):
    return {
        "base_url": URL,
        "timeout": TIMEOUT_S,
        "trust_env": False,
        "verify": False,
        **options,
    }


def named(error):
    """An exception: its class in full, its words, and whose request it was."""
    kind = type(error)
    told = {"error": f"{kind.__module__}.{kind.__qualname__}", "message": str(error)}
    request = getattr(error, "_request", None)
    return told if request is None else {**told, "of": f"{request.method} {request.url.path}"}


def head(response):
    """All that the client knows of an answer before its body."""
    pairs = [
        (name.decode("latin-1"), "" if name.lower() in _HIDDEN else value.decode("latin-1"))
        for name, value in response.headers.raw
    ]
    return {
        "status": response.status_code,
        "reason": response.reason_phrase,
        "version": response.http_version,
        "headers": pairs,
    }


def shown(data):
    """Bytes as JSON has them; long ones by length and hash."""
    if len(data) > 2000:
        return f"{len(data)} bytes, {hashlib.sha256(data).hexdigest()}"
    return data.decode("latin-1") if isinstance(data, bytes) else data


async def drained(f, response, how="raw", most=None):
    """Read on to the end, or for `most` pieces: the pieces, and what broke off."""
    told, got = {}, []
    pieces = f.pieces(response, how)
    try:
        while most is None or len(got) < most:
            piece = await f.next(pieces)
            if piece is None:
                break
            got.append(piece)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what the program sees
        told = named(error)
    whole = (b"" if how in ("raw", "bytes") else "").join(got)
    if len(whole) > 2000:
        return {**told, "whole": shown(whole), "sizes": [len(piece) for piece in got]}
    return {**told, "chunks": [shown(piece) for piece in got]}


async def answer(f, client, method, url, *, how="raw", **options):
    """Stream one answer from head to end."""
    try:
        response = await f.send(client, client.build_request(method, url, **options))
    except Exception as error:  # noqa: BLE001 - as above
        return named(error)
    told = {**head(response), **(await drained(f, response, how))}
    await f.close(response)
    return told


async def whole(f, client, method, url, **options):
    """Ask for one answer and read it whole, as most programs do."""
    try:
        response = await f.ask(client, method, url, **options)
    except Exception as error:  # noqa: BLE001 - as above
        return named(error)
    return {**head(response), "content": shown(response.content)}
