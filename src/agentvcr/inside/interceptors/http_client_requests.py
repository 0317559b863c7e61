"""Read a request of `http.client` off its connection: address, headers, body, before it is sent.

Owns what a request is, whoever builds it in whatever order. Sends nothing and asks nobody.
"""

from __future__ import annotations

from agentvcr.inside import lanes
from agentvcr.inside.exchange import HeaderList, Request
from agentvcr.inside.interceptors.http_client_framing import Chunked, content_of

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any

HTTPS = 443
_DEFAULT_PORTS = {"http": 80, "https": HTTPS}


class Head:
    """The head of a request, as it stands in a connection's buffer."""

    def __init__(self, lines: list[Any]) -> None:
        """Part the lines, of which the first is the request line."""
        first, *rest = (_bytes_of(line) for line in lines)
        method, _, target = first.partition(b" ")
        self.method = method.decode("latin-1")
        self.target = target.rpartition(b" ")[0].decode("latin-1")
        self.headers: HeaderList = []
        for line in rest:
            name, _, value = line.partition(b":")
            self.headers.append((name, value.lstrip(b" \t")))

    def value(self, name: bytes) -> bytes:
        """Give the first header of that name, in lower case; nothing where there is none."""
        return next((value for key, value in self.headers if key.lower() == name), b"").lower()

    @property
    def is_chunked(self) -> bool:
        """Whether the body comes in chunks."""
        return b"chunked" in self.value(b"transfer-encoding")

    @property
    def is_expecting(self) -> bool:
        """Whether the client waits to be told to go on before it sends the body."""
        return b"100-continue" in self.value(b"expect")

    @property
    def length(self) -> int:
        """How long the body is said to be."""
        text = self.value(b"content-length").strip()
        return int(text) if text.isdigit() else 0


class Sent:
    """What a client has sent of a body in many calls, and whether that is all of it."""

    def __init__(self, head: Head) -> None:
        """Begin behind the head."""
        self._head = head
        self._parts: list[bytes] = []
        self._size = 0
        self._framing = Chunked() if head.is_chunked else None

    def add(self, data: bytes) -> None:
        """Take what is sent next."""
        self._parts.append(data)
        self._size += len(data)
        if self._framing is not None:
            self._framing.feed(data)

    @property
    def is_whole(self) -> bool:
        """Whether everything has come that the head promised."""
        if self._framing is not None:
            return self._framing.end is not None
        return self._size >= self._head.length

    def content(self) -> bytes:
        """Give the body without its framing."""
        data = b"".join(self._parts)
        return content_of(data) if self._framing is not None else data


def _bytes_of(line: Any) -> bytes:  # noqa: ANN401  (str or bytes)
    return line.encode("utf-8") if isinstance(line, str) else bytes(line)


def request_of(conn: Any, head: Head, body: bytes) -> Request:  # noqa: ANN401  (a connection)
    """Describe a request in our words."""
    lane = lanes.current()
    client = type(conn).__module__.partition(".")[0]
    return Request(
        method=head.method,
        url=url_of(conn, head.target),
        headers=head.headers,
        body=body,
        lane=lane.name,
        client="http.client" if client == "http" else client,
        place=lane.place(),
        covered=lane.covered,
    )


def url_of(conn: Any, target: str) -> str:  # noqa: ANN401  (a connection)
    """Give the address that is asked, whatever proxies are on the way."""
    if target[:7].lower() == "http://" or target[:8].lower() == "https://":
        return target.partition("#")[0]
    tunnelled = getattr(conn, "_tunnel_host", None)
    host, port = (tunnelled, conn._tunnel_port) if tunnelled else (conn.host, conn.port)
    scheme = "https" if conn.default_port == HTTPS else "http"
    host = _plain(str(host).strip("[]").lower())
    if ":" in host:
        host = "[%s]" % host
    if port and port != _DEFAULT_PORTS[scheme]:
        host = "%s:%d" % (host, port)
    return "%s://%s%s%s" % (scheme, host, "" if target[:1] == "/" else "/", target)


def _plain(host: str) -> str:
    try:
        return host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        return host


def parts_of(body: Any, block_size: int) -> Any:  # noqa: ANN401  (what `http.client` takes)
    """Read a body that is given with the head: bytes as they are, else in the parts it comes in.

    Files are read in the client's own blocks. What is none of these is left to the client.
    """
    if hasattr(body, "read"):
        parts: list[Any] = []
        while True:
            block = body.read(block_size)
            if not block:
                return parts
            parts.append(block.encode("iso-8859-1") if isinstance(block, str) else block)
    if _buffer_of(body) is None and hasattr(body, "__iter__"):
        return list(body)
    return body


def bytes_of(body: Any) -> bytes:  # noqa: ANN401  (what `parts_of` gives)
    """Join the parts of a body."""
    if isinstance(body, str):
        return body.encode("latin-1", "replace")
    if isinstance(body, list):
        return b"".join(map(bytes_of, body))
    return _buffer_of(body) or b""


def _buffer_of(body: Any) -> bytes | None:  # noqa: ANN401  (anything)
    try:
        return bytes(memoryview(body))
    except TypeError:
        return None


def peeked(body: Any) -> bytes | None:  # noqa: ANN401  (whatever a client takes)
    """Give a body that a client will send in its own time; None where it can be read only once."""
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode("utf-8")
    if not hasattr(body, "read"):
        return _buffer_of(body)
    if not hasattr(body, "seek"):
        return None
    try:
        start = body.tell() if hasattr(body, "tell") else 0
        try:
            data = body.read()
        finally:
            body.seek(start)
    except Exception:  # noqa: BLE001  (it cannot go back, whatever it says)
        return None
    return data.encode("utf-8") if isinstance(data, str) else bytes(data)
