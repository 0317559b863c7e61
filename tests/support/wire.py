"""HTTP/1.1 as bytes: read a request, build the parts of an answer.

Owns the framing alone, so that a server of ours can send any part of an answer, late, cut or never.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import IO
from urllib.parse import parse_qsl, urlsplit

Pairs = Iterable[tuple[str, str]]
LAST_PIECE = b"0\r\n\r\n"
JSON_TYPE = ("Content-Type", "application/json")
EVENTS_TYPE = ("Content-Type", "text/event-stream; charset=utf-8")
CHUNKED = ("Transfer-Encoding", "chunked")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request as it came over the wire."""

    method: str
    target: str = ""
    path: str
    query: dict[str, str]
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """The first header of that name, or the empty string."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    def json(self) -> dict:
        """The body as a JSON object; empty where it is not one."""
        try:
            value = json.loads(self.body or b"{}")
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


def read_request(reader: IO[bytes]) -> Asked | None:
    """Read the next request of a connection; None when the peer has gone."""
    line = reader.readline().decode("latin-1").split()
    if len(line) != 3:
        return None
    method, target, _ = line
    headers = []
    while (raw := reader.readline().decode("latin-1").rstrip("\r\n")) != "":
        name, _, value = raw.partition(":")
        headers.append((name, value.strip()))
    url = urlsplit(target)
    return Asked(
        method=method,
        target=target,
        path=url.path,
        query=dict(parse_qsl(url.query)),
        headers=tuple(headers),
        body=_read_body(reader, {name.lower(): value for name, value in headers}),
    )


def _read_body(reader: IO[bytes], headers: dict[str, str]) -> bytes:
    if "chunked" not in headers.get("transfer-encoding", ""):
        return reader.read(int(headers.get("content-length", 0)))
    pieces = []
    while size := int(reader.readline().split(b";")[0] or b"0", 16):
        pieces.append(reader.read(size))
        reader.readline()
    while reader.readline().strip():  # trailers, up to the empty line
        pass
    return b"".join(pieces)


def head(status: int, headers: Pairs = (), *, reason: str | None = None) -> bytes:
    """The status line and the headers of an answer, with the empty line after them."""
    words = HTTPStatus(status).phrase if reason is None else reason
    lines = [f"HTTP/1.1 {status} {words}", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def whole(status: int, body: bytes, headers: Pairs = (JSON_TYPE,)) -> bytes:
    """A whole answer with a Content-Length."""
    return head(status, (*headers, ("Content-Length", str(len(body))))) + body


def whole_json(value: object, *, status: int = 200) -> bytes:
    """A whole answer in JSON."""
    return whole(status, json.dumps(value).encode())


def piece(data: bytes) -> bytes:
    """One piece of a chunked body. An empty one would end it, and so is an error."""
    if not data:
        raise ValueError("an empty piece ends the body")
    return b"%x\r\n%s\r\n" % (len(data), data)


def event(value: object) -> bytes:
    """A server-sent event with a JSON value, or with text as it is."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"data: {text}\n\n".encode()
