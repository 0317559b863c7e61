"""A request's canonical form: what is left when everything that may differ by chance is taken out.

Owns the rules of identity. One set of rules serves recording and replay alike; its id is stored in
the cassette. Does not hash (`fingerprint`) and never alters what is sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, quote, unquote

import msgspec

from agentvcr.matching.rpc import without_ids
from agentvcr.model.address import DEFAULT_PORTS, address_of, is_loopback, path_of
from agentvcr.model.credentials import PLACEHOLDER, times_among

RULES = "2"
"""Id of the rules below. To be raised with each change of what they yield."""

_PROVIDER_ID = re.compile(
    rb'"((?:call|toolu|srvtoolu|chatcmpl|msg|resp|rs|fc)[_-](?=[A-Za-z-]*\d)[A-Za-z0-9-]{16,})"'
)
"""A whole JSON string in the shape of an id that OpenAI or Anthropic make up for each answer.

Long, with a digit and without an underscore: `call_center_operator` is a name and no id.
"""

"""What stands for a credential: another one under each user's key."""


def canonical_place(method: str, url: str) -> str:
    """Bring method and (redacted) URL to canonical form: sorted query, no loopback port.

    When a URL was signed is no part of it, as the signature is none.

    Servers on this machine get another port in each run, and which of two is asked first may be
    chance: the path and the body tell them apart, or the order within a lane.
    """
    address = address_of(url)
    if address is None:
        return f"{method.upper()} {url}"
    if is_loopback(address.host):
        origin = "loopback"
    elif address.port == DEFAULT_PORTS.get(address.scheme):
        origin = f"{address.scheme}://{address.host}"
    else:
        origin = f"{address.scheme}://{address.host}:{address.port}"
    query = "&".join(_canonical_query(address.query)) if address.query else ""
    place = f"{method.upper()} {origin}{address.path}?{query}"
    return PLACEHOLDER.sub(b"redacted", place.encode("utf-8", "surrogateescape")).decode(
        "utf-8", "surrogateescape"
    )


def _canonical_query(query: str) -> Iterable[str]:
    odd = "surrogateescape"  # a form may be in another encoding than UTF-8
    pairs = parse_qsl(query, keep_blank_values=True, errors=odd)
    times = times_among(name for name, _ in pairs)  # a signed URL is made anew in each run
    told = ((name, "" if name.lower() in times else value) for name, value in pairs)
    return sorted(f"{quote(name, errors=odd)}={quote(value, errors=odd)}" for name, value in told)


def canonical_body(body: bytes, content_type: bytes) -> bytes:
    """Bring a redacted body to canonical form.

    JSON is parsed and written with sorted keys, provider-made ids renamed by first appearance, ids
    of JSON-RPC taken out; a multipart boundary gets a fixed name; a form's fields are sorted; all
    else stays as it is. A credential's placeholder becomes one word.
    """
    if not body:
        return b""
    return PLACEHOLDER.sub(b"redacted", _canonical(body, content_type))


def _canonical(body: bytes, content_type: bytes) -> bytes:
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
        text = msgspec.json.encode(without_ids(parsed), order="sorted")
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return body
    return _renamed_ids(text)


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
    return unquote(path_of(url))
