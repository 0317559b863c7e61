"""A request's canonical form: what is left when everything that may differ by chance is taken out.

Owns the rules of identity. One set of rules serves recording and replay alike; its id is stored in
the cassette. Does not hash (`fingerprint`) and never alters what is sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import msgspec

from agentvcr.model.credentials import CREDENTIAL_FIELDS, CREDENTIAL_PARAMETERS

RULES = "1"
"""Id of the rules below. To be raised with each change of what they yield."""

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1", "0.0.0.0"})  # noqa: S104  (compared only)
_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}

_PROVIDER_ID = re.compile(
    rb'"((?:call|toolu|chatcmpl|msg|resp|run|rs|fc|srvtoolu)[_-][A-Za-z0-9_-]{8,})"'
)
"""A whole JSON string in the shape of an id that OpenAI or Anthropic make up for each answer."""

_CREDENTIAL = re.compile(
    b'"(%s)":"(?:[^"\\\\]|\\\\.)*"' % b"|".join(name.encode() for name in sorted(CREDENTIAL_FIELDS))
)


class PortNames:
    """Names for loopback ports by first appearance: servers get other ports in each run."""

    def __init__(self) -> None:
        """Start with no port seen."""
        self._names: dict[int, str] = {}

    def name(self, port: int) -> str:
        """Name a port, the same name each time."""
        return self._names.setdefault(port, f"port{len(self._names)}")


def canonical_place(method: str, url: str, ports: PortNames) -> str:
    """Bring method and URL to canonical form: sorted query, named ports, no credentials."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    port = parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
    if host in _LOOPBACK:
        origin = f"loopback:{ports.name(port)}"
    elif port == _DEFAULT_PORTS.get(parts.scheme):
        origin = f"{parts.scheme}://{host}"
    else:
        origin = f"{parts.scheme}://{host}:{port}"
    query = "&".join(_canonical_query(parts.query)) if parts.query else ""
    return f"{method.upper()} {origin}{parts.path or '/'}?{query}"


def _canonical_query(query: str) -> Iterable[str]:
    pairs = parse_qsl(query, keep_blank_values=True)
    return sorted(
        f"{quote(name)}={'' if name.lower() in CREDENTIAL_PARAMETERS else quote(value)}"
        for name, value in pairs
    )


def canonical_body(body: bytes, content_type: bytes) -> bytes:
    """Bring a body to canonical form.

    JSON is parsed and written with sorted keys, provider-made ids renamed by first appearance and
    credentials emptied; a multipart boundary gets a fixed name; a form's fields are sorted; all
    else stays as it is.
    """
    if not body:
        return b""
    kind = content_type.partition(b";")[0].strip().lower()
    if kind == b"multipart/form-data":
        return _without_boundary(body, content_type)
    if kind == b"application/x-www-form-urlencoded":
        return "&".join(_canonical_query(body.decode("utf-8", "surrogateescape"))).encode(
            "utf-8", "surrogateescape"
        )
    if body[:1] in b'{["' or kind.endswith(b"json"):
        return _canonical_json(body)
    return body


def _canonical_json(body: bytes) -> bytes:
    try:
        parsed = msgspec.json.decode(body)
        text = msgspec.json.encode(parsed, order="sorted")
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return body
    return _renamed_ids(_CREDENTIAL.sub(rb'"\1":""', text))


def _renamed_ids(text: bytes) -> bytes:
    names: dict[bytes, bytes] = {}

    def rename(match: re.Match[bytes]) -> bytes:
        return names.setdefault(match[1], b'"id#%d"' % len(names))

    return _PROVIDER_ID.sub(rename, text)


def _without_boundary(body: bytes, content_type: bytes) -> bytes:
    match = re.search(rb'boundary="?([^";,]+)"?', content_type)
    return body.replace(match[1], b"boundary") if match else body


def content_type_of(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Find the value of the content-type header, empty without one."""
    for name, value in headers:
        if name.lower() == b"content-type":
            return value
    return b""


def shown_path(url: str) -> str:
    """Shorten a URL to its path, for messages."""
    return unquote(urlsplit(url).path) or "/"
