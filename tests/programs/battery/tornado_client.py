"""tornado's own client in the words of the battery. Not a program by itself."""

import asyncio
import contextlib
import logging

from tornado.httpclient import AsyncHTTPClient, HTTPRequest

from tests.programs.battery.client import Answer, Client, encoded, lacking

_MANY = 250
logging.getLogger("tornado").setLevel(logging.CRITICAL)  # of connections, which no replay has


class Tornado(Client):
    """The simple client, which is the one that needs nothing else."""

    waits = True
    without = lacking(
        pieces="hands on whatever has arrived, which is chance",
        abandons="has no way to leave an answer",
        parts="a body that comes in parts goes by unrecorded, as docs/limits.md says",
        hops="a redirect belongs to the exchange that it was the answer to",
        heads="an answer that breaks off is recorded without its head",
        proxy="has none without curl",
        retries="has none",
        http2="speaks HTTP/1.1 alone",
    )

    def __init__(self, options):
        self._client = AsyncHTTPClient(force_instance=True, max_clients=_MANY)
        self._options = options

    def _request(self, ask, **more):
        headers, body = encoded(ask)
        if body is not None:
            more["body"] = body
        elif ask.method in ("POST", "PUT"):
            more["body"] = b""
        return HTTPRequest(
            ask.url,
            ask.method,
            headers,
            follow_redirects=ask.follows,
            request_timeout=self._options.timeout_s,
            ca_certs=self._options.ca or None,
            **more,
        )

    async def ask(self, ask):
        response = await self._client.fetch(self._request(ask), raise_error=False)
        if response.code == 599:
            response.rethrow()
        headers = list(response.headers.get_all())
        return Answer(status=response.code, headers=headers, body=response.body)

    @contextlib.asynccontextmanager
    async def stream(self, ask):
        pieces, lines = asyncio.Queue(), []
        request = self._request(
            ask, streaming_callback=pieces.put_nowait, header_callback=lines.append
        )
        fetched = asyncio.ensure_future(self._client.fetch(request))
        fetched.add_done_callback(lambda _: pieces.put_nowait(None))
        try:
            yield Answer(status=0, headers=lines, pieces=_until_none(pieces))
            lines.append((await fetched).code)
        finally:
            fetched.cancel()

    async def close(self):
        self._client.close()


async def _until_none(pieces):
    while (piece := await pieces.get()) is not None:
        yield piece
