"""httpx and httpx2, sync and async, in the words of the battery. Not a program by itself."""

import contextlib
import ssl

import httpx
import httpx2

from tests.programs.battery.client import Answer, Client, each, lacking, parts_of


def _made(kind, options):
    context = ssl.create_default_context(cafile=options.ca or None)
    return kind(
        timeout=options.timeout_s,
        verify=context,
        proxy=options.proxy or None,
        http2=options.http2,
        trust_env=False,
    )


def _given(ask, parts):
    body = ask.body if ask.parts is None else parts
    files = ask.files and {name: (name, content) for name, content in ask.files.items()}
    return {"headers": ask.headers, "content": body, "files": files}


def _answer(response, **more):
    return Answer(status=response.status_code, headers=response.headers.multi_items(), **more)


class Sync(Client):
    """The blocking half."""

    without = lacking(
        retries="has no retries after an answer",
        multiplexing="its threads may open the streams of a connection out of order",
    )
    decodes = frozenset({"gzip", "br"})
    library = httpx

    def __init__(self, options):
        self._client = _made(self.library.Client, options)

    def _request(self, ask):
        return self._client.build_request(ask.method, ask.url, **_given(ask, iter(ask.parts or ())))

    async def ask(self, ask):
        response = self._client.send(self._request(ask), follow_redirects=ask.follows)
        return _answer(response, body=response.content)

    @contextlib.asynccontextmanager
    async def stream(self, ask):
        response = self._client.send(self._request(ask), stream=True)
        with contextlib.closing(response):
            yield _answer(response, pieces=each(response.iter_bytes()))

    async def close(self):
        self._client.close()


class Async(Client):
    """The half for asyncio."""

    waits = True
    without = lacking(retries="has no retries after an answer")
    decodes = Sync.decodes
    library = httpx

    def __init__(self, options):
        self._client = _made(self.library.AsyncClient, options)

    def _request(self, ask):
        return self._client.build_request(ask.method, ask.url, **_given(ask, parts_of(ask)))

    async def ask(self, ask):
        response = await self._client.send(self._request(ask), follow_redirects=ask.follows)
        return _answer(response, body=response.content)

    @contextlib.asynccontextmanager
    async def stream(self, ask):
        response = await self._client.send(self._request(ask), stream=True)
        async with contextlib.aclosing(response):
            yield _answer(response, pieces=response.aiter_bytes())

    async def close(self):
        await self._client.aclose()


class Sync2(Sync):
    """The blocking half of httpx2."""

    library = httpx2


class Async2(Async):
    """The half of httpx2 for asyncio."""

    library = httpx2
