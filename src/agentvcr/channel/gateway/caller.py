"""One connection from a program to the gateway: requests in, answers out, and whether it is there.

Owns HTTP/1.1 on that connection, through h11. Knows no engine and no provider.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from http import HTTPStatus

import h11

_READ = 1 << 16
_LONGEST_HEAD = 1 << 20
_MOST_AHEAD = 1 << 20
"""Bytes of later requests that are taken while one is answered."""
_OWN_NAMES = (b"127.0.0.1", b"localhost", b"[::1]")
_HOP_BY_HOP = {
    b"connection",
    b"http2-settings",
    b"keep-alive",
    b"proxy-authenticate",
    b"proxy-connection",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
}

RawHeaders = list[tuple[bytes, bytes]]


class Asked:
    """A request as the program sent it: its target is the path of the gateway's URL."""

    def __init__(self, head: h11.Request, body: bytes) -> None:
        """Keep the parts."""
        self.method = head.method.decode("latin-1")
        self.target = head.target.decode("latin-1")
        self.headers: RawHeaders = [(name, value) for name, value in head.headers.raw_items()]
        self.body = body

    @property
    def wants_upgrade(self) -> bool:
        """Whether it wants to speak another protocol than HTTP, such as WebSocket.

        Who offers HTTP/2 (`h2c`), as clients of Java do with every request, takes HTTP/1.1 too.
        """
        offered = (value for name, value in self.headers if name.lower() == b"upgrade")
        return any(not one.strip().lower().startswith(b"h2") for one in offered)

    @property
    def is_for_us(self) -> bool:
        """Whether it came by a name of this machine's own.

        A web page whose host's name is made to mean 127.0.0.1 could else read through the gateway
        whatever this machine can reach.
        """
        hosts = (value for name, value in self.headers if name.lower() == b"host")
        return all(_without_port(host.lower()) in _OWN_NAMES for host in hosts)


def _without_port(host: bytes) -> bytes:
    name, colon, port = host.rpartition(b":")
    return name if colon and port.isdigit() else host


class Gone(Exception):  # noqa: N818  (a state, and no error)
    """The program has closed its end."""


class Caller:
    """The gateway's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak HTTP/1.1 over these streams."""
        self.reader = reader
        self.writer = writer
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_LONGEST_HEAD)

    async def request(self) -> Asked | None:
        """Read the next request, whole; None when no more come.

        Raises:
            Gone: The program left in the middle of one.
            h11.RemoteProtocolError: It does not speak HTTP.
        """
        head: h11.Request | None = None
        parts: list[bytes] = []
        while True:
            if self._http.they_are_waiting_for_100_continue:
                await self.send(h11.InformationalResponse(status_code=100, headers=[]))
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                self._http.receive_data(await self._read())
            elif isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                parts.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                return Asked(head, b"".join(parts))
            else:  # the connection is closed
                return None

    async def _read(self) -> bytes:
        try:
            return await self.reader.read(_READ)
        except OSError:
            raise Gone from None

    async def until_gone(self) -> None:
        """Return when the program has closed its end; what it sends ahead is kept, up to a point.

        Behind that nothing is read, so that it has to wait.
        """
        ahead = 0
        while ahead < _MOST_AHEAD:
            try:
                data = await self.reader.read(_READ)
            except OSError:
                return
            if not data:
                return
            ahead += len(data)
            self._http.receive_data(data)
        await asyncio.Event().wait()

    async def send(self, event: h11.Event) -> None:
        """Send one event of an answer, and wait while the program is slow to read.

        Raises:
            Gone: It does not read any more.
        """
        data = self._http.send(event)
        if data:
            self.writer.write(data)
            try:
                await self.writer.drain()
            except OSError:
                raise Gone from None

    async def head(self, status: int, reason: bytes, headers: RawHeaders) -> None:
        """Send an answer's head, framed as this connection wants it."""
        kept = [(name, value) for name, value in headers if name.lower() not in _HOP_BY_HOP]
        await self.send(h11.Response(status_code=status, reason=reason, headers=kept))

    async def say(self, status: int, words: str, headers: RawHeaders) -> None:
        """Answer with words of the gateway's own."""
        body = words.encode()
        length = (b"content-length", str(len(body)).encode())
        await self.head(status, HTTPStatus(status).phrase.encode(), [*headers, length])
        await self.send(h11.Data(data=body))
        await self.send(h11.EndOfMessage())

    def said_behind(self) -> bytes:
        """Give what the program has sent behind its request, in another protocol."""
        return bytes(self._http.trailing_data[0])

    def is_ready_for_more(self) -> bool:
        """Whether another request may follow on this connection."""
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        return True

    def reset(self) -> None:
        """Break the connection off, as one that failed."""
        sock: socket.socket | None = self.writer.get_extra_info("socket")
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def close(self) -> None:
        """Close the connection, with what is still to be sent."""
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()


def to_upstream(headers: RawHeaders, host: bytes) -> RawHeaders:
    """Give a request's headers as they go on: for the next host, and without those of one hop."""
    out = [(b"Host", host)]
    for name, value in headers:
        lower = name.lower()
        if lower not in _HOP_BY_HOP and lower not in (b"host", b"expect", b"content-length"):
            out.append((name, value))
    return out
