"""aiohttp in the words of the battery. Not a program by itself."""

import contextlib
import ssl

import aiohttp

from tests.programs.battery.client import Answer, Client, lacking, parts_of


class Aiohttp(Client):
    """A `ClientSession`."""

    waits = True
    without = lacking(
        retries="has no retries after an answer",
        http2="speaks HTTP/1.1 alone",
    )
    decodes = frozenset({"gzip", "br"})

    def __init__(self, options):
        context = ssl.create_default_context(cafile=options.ca or None)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context, limit=0),
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=options.timeout_s, sock_read=options.timeout_s
            ),
        )
        self._proxy = options.proxy or None

    def _asked(self, ask):
        data = ask.body
        if ask.parts is not None:
            data = parts_of(ask)
        if ask.files is not None:
            data = aiohttp.FormData()
            for name, content in ask.files.items():
                data.add_field(name, content, filename=name)
        return self._session.request(
            ask.method,
            ask.url,
            headers=ask.headers,
            data=data,
            allow_redirects=ask.follows,
            proxy=self._proxy,
        )

    async def ask(self, ask):
        async with self._asked(ask) as response:
            return _answer(response, body=await response.read())

    @contextlib.asynccontextmanager
    async def stream(self, ask):
        async with self._asked(ask) as response:
            yield _answer(response, pieces=_pieces(response))

    async def close(self):
        await self._session.close()


async def _pieces(response):
    """By the peer's own pieces: what arrives together is chance."""
    async for data, _ in response.content.iter_chunks():
        if data:
            yield data


def _answer(response, **more):
    return Answer(status=response.status, headers=list(response.headers.items()), **more)
