"""Answer one request of a program: from a recording, or by asking the provider and telling it on.

Owns what the program sees of an exchange at the gateway. Decides nothing about it: the engine does.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any
from urllib.parse import urljoin, urlsplit

import h11
import httpcore

from agentvcr.boundary import name_upgrade
from agentvcr.channel.gateway.caller import Asked, Caller, Gone, RawHeaders
from agentvcr.channel.gateway.tunnel import pass_through
from agentvcr.channel.gateway.upstream import Upstream
from agentvcr.inside.exchange import (
    Forward,
    ReplayHalt,
    Request,
    Serve,
    Sink,
)
from agentvcr.inside.gateway import placed, taken_apart, url_for
from agentvcr.inside.lane import Lane
from agentvcr.inside.remote import RemoteHandler
from agentvcr.inside.waiting import WAITING, async_wait
from agentvcr.model.address import DEFAULT_PORTS
from agentvcr.model.exchange import GATEWAY_CLIENT

_PLAIN: RawHeaders = [(b"content-type", b"text/plain; charset=utf-8")]
_HALTED: RawHeaders = [*_PLAIN, (b"x-should-retry", b"false")]
_NO_SUCH = (
    "This is the gateway of AgentVCR: put https/HOST/PATH behind its address, "
    "for example /https/api.openai.com/v1/models\n"
)
_NOT_FOR_US = "This is the gateway of AgentVCR, at 127.0.0.1 and under no other name\n"
_BEYOND_S = 2.0
"""How long a program that left in its recorded run may wait for more before it is cut off."""
_REDIRECTS = range(300, 400)


class Answering:
    """Answers the requests of all programs."""

    def __init__(self, handler: RemoteHandler, upstream: Upstream, base: str) -> None:
        """Ask `handler` about each, at a gateway whose address is `base`."""
        self._handler = handler
        self._upstream = upstream
        self._base = base
        self._prefix = urlsplit(base).path

    async def answer(self, caller: Caller, asked: Asked) -> None:
        """Answer one request.

        Raises:
            Gone: The program left, and its connection is of no use any more.
        """
        if not asked.is_for_us:
            await caller.say(421, _NOT_FOR_US, _PLAIN)
            return
        is_ours = asked.target.startswith(f"{self._prefix}/")
        whole = taken_apart(asked.target[len(self._prefix) :]) if is_ours else None
        if whole is None:
            await caller.say(404, _NO_SUCH, _PLAIN)
            return
        lane_name, origin, url = whole
        lane = placed(Lane(lane_name), origin)
        if asked.wants_upgrade:
            await self._upgrade(caller, asked, lane, url)

        def gateway_url(location: str) -> str:
            return url_for(self._base, lane_name, origin, urljoin(url, location))

        exchange = _Exchange(caller, asked, gateway_url)
        try:
            decision = self._decide(lane, asked, url)
        except ReplayHalt as halt:
            await caller.say(501, f"{halt}\n", _HALTED)
            return
        if isinstance(decision, Serve):
            await exchange.serve(decision)
        else:
            asked.body = asked.body if decision.body is None else decision.body
            await exchange.forward(decision.sink, self._upstream.ask(asked, url))

    async def _upgrade(self, caller: Caller, asked: Asked, lane: Lane, url: str) -> None:
        """Let another protocol pass, which is named and not recorded; a replay stops there.

        Raises:
            Gone: Always: the connection is of no more use here.
        """
        what = name_upgrade(url, GATEWAY_CLIENT, asked.headers)
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or DEFAULT_PORTS[parts.scheme]
        try:
            if self._handler.replaying:
                self._handler.reach(host, port, what, lane.name)
            else:
                self._handler.passed(host, port, what)
        except ReplayHalt as halt:
            await caller.say(501, f"{halt}\n", _HALTED)
        except ConnectionRefusedError:
            caller.reset()
        else:
            await pass_through(caller, asked, url)
        raise Gone

    def _decide(self, lane: Lane, asked: Asked, url: str) -> Serve | Forward:
        request = Request(
            method=asked.method,
            url=url,
            headers=asked.headers,
            body=asked.body,
            lane=lane.name,
            client=GATEWAY_CLIENT,
            place=lane.place(),
            covered=lane.covered,
        )
        try:
            return self._handler.begin(request)
        except Exception as error:  # noqa: BLE001  (ours: it must not become the program's)
            return self._handler.failed(error)


class _Exchange:
    """One request and its answer, as the program sees them."""

    def __init__(self, caller: Caller, asked: Asked, gateway_url: Any) -> None:  # noqa: ANN401
        """Answer `asked`; `gateway_url` gives the gateway's URL for where the answer leads."""
        self._caller = caller
        self._asked = asked
        self._gateway_url = gateway_url

    async def forward(self, sink: Sink, asking: Coroutine[Any, Any, httpcore.Response]) -> None:
        """Ask the provider, and tell program and sink what comes back, as it comes."""
        response = await self._told_of(sink, asking, left="cancelled")
        try:
            await self._told_of(sink, self._tell(response, sink), left="closed")
        finally:
            await response.aclose()

    async def _told_of(self, sink: Sink, work: Coroutine[Any, Any, Any], *, left: str) -> Any:  # noqa: ANN401
        """Do the work while the program stays; tell the sink where it has `left` or that it failed.

        Raises:
            Gone: In both cases.
        """
        try:
            return await self._while_there(work)
        except Gone:
            sink.end(left)
            raise
        except Exception as error:  # noqa: BLE001  (whatever it is, the program sees a failure)
            sink.end("failed", error)
            self._caller.reset()
            raise Gone from None

    async def _tell(self, response: httpcore.Response, sink: Sink) -> None:
        headers = list(response.headers)
        reason = response.extensions.get("reason_phrase", b"")
        version = response.extensions.get("http_version", b"HTTP/1.1")
        sink.head(response.status, headers, reason, version)
        await self._caller.head(response.status, reason, self._led_back(headers, response.status))
        left = _length(headers) if self._has_body(response.status) else 0
        stream: Any = response.stream
        async for chunk in stream:
            sink.chunk(chunk)
            if left is not None:
                left -= len(chunk)
                if left == 0:  # the program has all of it with these bytes: it must be safe before
                    sink.end("eof")
            await self._caller.send(h11.Data(data=chunk))
        sink.end("eof")
        await self._caller.send(h11.EndOfMessage())

    def _has_body(self, status: int) -> bool:
        return self._asked.method != "HEAD" and status not in (204, 304)

    def _led_back(self, headers: RawHeaders, status: int) -> RawHeaders:
        """Lead a redirect through the gateway too: to another address, or a path of this one."""
        if status not in _REDIRECTS:
            return headers
        return [
            (name, self._through(value) if name.lower() == b"location" else value)
            for name, value in headers
        ]

    def _through(self, location: bytes) -> bytes:
        if not location:
            return location
        try:
            led: str = self._gateway_url(location.decode("latin-1"))
        except ValueError:  # no address: the program says so itself
            return location
        return led.encode("latin-1") or location

    async def serve(self, serve: Serve) -> None:
        """Answer as the recorded provider did, also where that failed or never came."""
        taken = _Count(serve)
        try:
            await self._while_there(self._play(serve, taken))
        except Gone:
            taken.tell("cancelled" if serve.end_kind in WAITING else "closed")
            raise

    async def _play(self, serve: Serve, taken: _Count) -> None:
        await async_wait(serve, 0)
        if serve.status:
            await self._caller.head(serve.status, serve.reason, self._framed(serve))
        chunks = serve.chunks
        for number, chunk in enumerate(chunks, 1):
            await async_wait(serve, number)
            taken.chunks = number
            if number == len(chunks) and serve.end_kind == "eof":
                taken.tell("eof")  # before the program can have seen the end
            await self._caller.send(h11.Data(data=chunk))
        await async_wait(serve, len(chunks) + 1)
        if serve.end_kind == "eof":
            taken.tell("eof")
            await self._caller.send(h11.EndOfMessage())
        elif serve.end_kind == "failed":
            taken.tell("failed")
            self._caller.reset()
            raise Gone
        elif serve.end_kind in WAITING:
            await asyncio.Event().wait()  # for the program to leave, as it did
        elif serve.end_kind == "killed":  # nobody knows what came then
            taken.tell("overrun")
            self._caller.reset()
            raise Gone
        else:  # it left here; that it has not yet may be chance, or one more chunk in a pipe
            await asyncio.sleep(_BEYOND_S)
            self._caller.reset()
            raise Gone

    def _framed(self, serve: Serve) -> RawHeaders:
        """Give the recorded head, whose length may be that of a body with a credential in it."""
        headers = self._led_back(serve.headers, serve.status)
        if serve.end_kind != "eof" or not self._has_body(serve.status) or _length(headers) is None:
            return headers
        length = str(sum(map(len, serve.chunks))).encode()
        return [
            (name, length if name.lower() == b"content-length" else value)
            for name, value in headers
        ]

    async def _while_there(self, work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401
        """Do the work for as long as the program stays.

        Raises:
            Gone: It left.
        """
        doing, leaving = (
            asyncio.ensure_future(work),
            asyncio.ensure_future(self._caller.until_gone()),
        )
        try:
            await asyncio.wait((doing, leaving), return_when=asyncio.FIRST_COMPLETED)
            if doing.done():
                return doing.result()
            raise Gone
        finally:
            for task in (doing, leaving):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await task


class _Count:
    """How much of a served answer the program got; told once."""

    def __init__(self, serve: Serve) -> None:
        self.chunks = 0
        self._serve = serve
        self._taken = serve.taken

    def tell(self, kind: str) -> None:
        if kind == self._serve.end_kind == "closed":
            # How far it is ahead of what was read from it, only its own network stack knows.
            self.chunks = len(self._serve.chunks)
        if self._taken is not None:
            self._taken(self.chunks, kind)
            self._taken = None


def _length(headers: RawHeaders) -> int | None:
    for name, value in headers:
        if name.lower() == b"content-length" and value.isdigit():
            return int(value)
    return None
