"""The synchronous clients, each used as a program uses it.

Owns how one asks: for a whole answer, and for a stream, chunk by chunk as the client has them. Does
not measure, and knows no recorder. A client is imported when one is made, so that a measured
program has no other.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol

HEADERS = {"content-type": "application/json", "authorization": "Bearer bench-0123456789"}
Got = Callable[[bytes], object]
"""Takes each chunk of a stream."""
_READ = 65536


class Client(Protocol):
    """A client with its connections, as one round uses it."""

    def whole(self, url: str, body: bytes) -> bytes:
        """Ask, and give the whole answer."""

    def streamed(self, url: str, body: bytes, got: Got) -> None:
        """Ask, and read the answer as it comes."""

    def close(self) -> None:
        """Close the connections."""


class Httpx:
    """httpx or httpx2, which have the same shape."""

    name = "httpx"

    def __init__(self) -> None:
        """Make a client; certificates, which loopback does not need, would take it longest."""
        self._client = import_module(self.name).Client(verify=False)

    def whole(self, url: str, body: bytes) -> bytes:
        """Ask, and give the whole answer."""
        content: bytes = self._client.post(url, content=body, headers=HEADERS).content
        return content

    def streamed(self, url: str, body: bytes, got: Got) -> None:
        """Ask, and read the answer as it comes."""
        with self._client.stream("POST", url, content=body, headers=HEADERS) as response:
            for chunk in response.iter_raw():
                got(chunk)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


class Httpx2(Httpx):
    """httpx2, which the SDKs of OpenAI and Anthropic use."""

    name = "httpx2"


class Urllib:
    """`urllib.request`, which connects anew for each request."""

    def __init__(self) -> None:
        """Import it."""
        self._library = import_module("urllib.request")

    def _open(self, url: str, body: bytes) -> Any:  # noqa: ANN401  (untyped on import)
        return self._library.urlopen(self._library.Request(url, body, HEADERS))

    def whole(self, url: str, body: bytes) -> bytes:
        """Ask, and give the whole answer."""
        with self._open(url, body) as response:
            content: bytes = response.read()
        return content

    def streamed(self, url: str, body: bytes, got: Got) -> None:
        """Ask, and read the answer as it comes."""
        with self._open(url, body) as response:
            while chunk := response.read1(_READ):
                got(chunk)

    def close(self) -> None:
        """Nothing is kept open."""


class HttpClient:
    """`http.client` itself, with one connection."""

    def __init__(self) -> None:
        """Connect at the first request."""
        self._connections: dict[str, Any] = {}

    def _ask(self, url: str, body: bytes) -> Any:  # noqa: ANN401  (untyped on import)
        host, _, path = url.removeprefix("http://").partition("/")
        if host not in self._connections:
            self._connections[host] = import_module("http.client").HTTPConnection(host)
        connection = self._connections[host]
        connection.request("POST", f"/{path}", body, HEADERS)
        return connection.getresponse()

    def whole(self, url: str, body: bytes) -> bytes:
        """Ask, and give the whole answer."""
        content: bytes = self._ask(url, body).read()
        return content

    def streamed(self, url: str, body: bytes, got: Got) -> None:
        """Ask, and read the answer as it comes."""
        response = self._ask(url, body)
        while chunk := response.read1(_READ):
            got(chunk)

    def close(self) -> None:
        """Close the connections."""
        for connection in self._connections.values():
            connection.close()


class Urllib3:
    """urllib3, with a pool of its own."""

    def __init__(self) -> None:
        """Make the pool."""
        self._pool = import_module("urllib3").PoolManager()

    def whole(self, url: str, body: bytes) -> bytes:
        """Ask, and give the whole answer."""
        content: bytes = self._pool.request("POST", url, body=body, headers=HEADERS).data
        return content

    def streamed(self, url: str, body: bytes, got: Got) -> None:
        """Ask, and read the answer as it comes."""
        asked = {"body": body, "headers": HEADERS, "preload_content": False}
        response = self._pool.request("POST", url, **asked)
        for chunk in response.stream(_READ):
            got(chunk)
        response.release_conn()

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()


class Requests:
    """requests, with one session."""

    def __init__(self) -> None:
        """Open the session."""
        self._session = import_module("requests").Session()

    def whole(self, url: str, body: bytes) -> bytes:
        """Ask, and give the whole answer."""
        content: bytes = self._session.post(url, data=body, headers=HEADERS).content
        return content

    def streamed(self, url: str, body: bytes, got: Got) -> None:
        """Ask, and read the answer as it comes."""
        with self._session.post(url, data=body, headers=HEADERS, stream=True) as response:
            for chunk in response.iter_content(None):
                got(chunk)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()


class Httplib2:
    """httplib2, which knows whole answers alone."""

    def __init__(self) -> None:
        """Make a client without a cache."""
        self._http = import_module("httplib2").Http()

    def whole(self, url: str, body: bytes) -> bytes:
        """Ask, and give the whole answer."""
        content: bytes = self._http.request(url, "POST", body=body, headers=HEADERS)[1]
        return content

    def streamed(self, url: str, body: bytes, got: Got) -> None:
        """Ask, and have the stream in one piece."""
        got(self.whole(url, body))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


class Botocore:
    """The session below botocore's clients, which knows no service of AWS and signs nothing."""

    def __init__(self) -> None:
        """Open the session."""
        library = import_module("botocore.httpsession")
        options = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]  # as its clients have it
        self._session = library.URLLib3Session(verify=False, socket_options=options)
        self._request = import_module("botocore.awsrequest").AWSRequest

    def _send(self, url: str, body: bytes, *, streams: bool) -> Any:  # noqa: ANN401  (untyped)
        request = self._request("POST", url, dict(HEADERS), body, stream_output=streams)
        return self._session.send(request.prepare())

    def whole(self, url: str, body: bytes) -> bytes:
        """Ask, and give the whole answer."""
        content: bytes = self._send(url, body, streams=False).content
        return content

    def streamed(self, url: str, body: bytes, got: Got) -> None:
        """Ask, and read the answer as it comes."""
        raw = self._send(url, body, streams=True).raw
        for chunk in raw.stream(_READ):
            got(chunk)
        raw.release_conn()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()


class Gateway:
    """A bare socket that speaks HTTP/1.1, as a program in another language would.

    It goes to the gateway where there is one, and else to the provider.
    """

    def __init__(self) -> None:
        """Connect at the first request."""
        self._base = os.environ.get("AGENTVCR_GATEWAY", "")
        self._sock: socket.socket | None = None
        self._waiting = b""

    def _ask(self, url: str, body: bytes) -> bytes:
        """Send a request; gives the head of its answer."""
        if self._base:
            url = f"{self._base}/{url.replace('://', '/', 1)}"
        host, _, path = url.removeprefix("http://").partition("/")
        if self._sock is None:
            name, _, port = host.partition(":")
            self._sock = socket.create_connection((name, int(port)))
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        fields = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
        head = f"POST /{path} HTTP/1.1\r\nhost: {host}\r\n{fields}content-length: {len(body)}\r\n"
        self._sock.sendall(head.encode() + b"\r\n" + body)
        return self._until(b"\r\n\r\n")

    def _more(self) -> None:
        data = self._sock.recv(_READ) if self._sock is not None else b""
        if not data:
            raise ConnectionError("the connection was closed")
        self._waiting += data

    def _until(self, mark: bytes) -> bytes:
        while (end := self._waiting.find(mark)) < 0:
            self._more()
        found, self._waiting = self._waiting[:end], self._waiting[end + len(mark) :]
        return found

    def _exactly(self, size: int) -> bytes:
        while len(self._waiting) < size:
            self._more()
        found, self._waiting = self._waiting[:size], self._waiting[size:]
        return found

    def whole(self, url: str, body: bytes) -> bytes:
        """Ask, and give the whole answer."""
        head = self._ask(url, body).lower()
        size = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
        return self._exactly(int(size))

    def streamed(self, url: str, body: bytes, got: Got) -> None:
        """Ask, and read the answer as it comes."""
        self._ask(url, body)
        while size := int(self._until(b"\r\n"), 16):
            got(self._exactly(size))
            self._exactly(2)
        self._exactly(2)

    def close(self) -> None:
        """Close the connection."""
        if self._sock is not None:
            self._sock.close()
