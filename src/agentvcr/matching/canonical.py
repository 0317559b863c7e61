"""A request's canonical form: what is left when everything that may differ by chance is taken out.

Owns the rules of identity. One set of rules serves recording and replay alike; its id is stored in
the cassette. Does not hash (`fingerprint`) and never alters what is sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from urllib.parse import parse_qsl, quote, unquote

import msgspec

from agentvcr.matching.ids import Ids
from agentvcr.matching.json_path import without
from agentvcr.matching.multipart import Part, parts_of
from agentvcr.matching.rpc import without_ids
from agentvcr.matching.rules import BUILT_IN_ALONE, Applied
from agentvcr.model.address import DEFAULT_PORTS, address_of, is_loopback, path_of
from agentvcr.model.credentials import PLACEHOLDER, times_among
from agentvcr.model.exchange import Headers


def canonical_place(method: str, url: str, rules: Applied = BUILT_IN_ALONE) -> str:
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
    query = "&".join(_canonical_query(address.query, rules.query)) if address.query else ""
    place = f"{method.upper()} {origin}{address.path}?{query}"
    return _one_word(place.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


def _one_word(text: bytes) -> bytes:
    """Write the same for every credential: another one stands there under each user's key."""
    return PLACEHOLDER.sub(b"redacted", text) if b"redacted-" in text else text


def _canonical_query(query: str, ignored: Iterable[str]) -> Iterable[str]:
    odd = "surrogateescape"  # a form may be in another encoding than UTF-8
    pairs = parse_qsl(query, keep_blank_values=True, errors=odd)
    times = times_among(name for name, _ in pairs)  # a signed URL is made anew in each run
    told = (
        (name, "" if name.lower() in times else value)
        for name, value in pairs
        if not _is_among(name, ignored)
    )
    return sorted(f"{quote(name, errors=odd)}={quote(value, errors=odd)}" for name, value in told)


def _is_among(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def canonical_headers(headers: Headers, rules: Applied) -> bytes:
    """Bring those (redacted) headers to canonical form that were declared to count."""
    lines = [
        b"%b:%b\n" % (name, _one_word(value.strip()))
        for name in rules.headers
        for own, value in headers
        if own.lower() == name
    ]
    return b"".join(lines)


def canonical_body(body: bytes, content_type: bytes, rules: Applied = BUILT_IN_ALONE) -> bytes:
    """Bring a redacted body to canonical form.

    JSON is parsed and written with sorted keys, provider-made ids renamed by first appearance, ids
    of JSON-RPC and what was declared taken out; of a multipart body the parts are left; a form's
    fields are sorted; all else stays as it is. A credential's placeholder becomes one word.
    """
    if not body or rules.whole_body:
        return b""
    return _one_word(_canonical(body, content_type, rules))


def _canonical(body: bytes, content_type: bytes, rules: Applied) -> bytes:
    kind = content_type.partition(b";")[0].strip().lower()
    if kind.startswith(b"multipart/"):
        parts = parts_of(body, content_type)
        return body if parts is None else b"".join(_canonical_parts(parts, rules))
    if kind == b"application/x-www-form-urlencoded":
        fields = _canonical_query(body.decode("utf-8", "surrogateescape"), rules.fields)
        return "&".join(fields).encode("utf-8", "surrogateescape")
    if body[:1] in b'{["' or kind.endswith(b"json"):
        return _canonical_json(body, rules)
    return body


def _canonical_parts(parts: Iterable[Part], rules: Applied) -> Iterable[bytes]:
    """Write each part with its size, so that no part can look like two."""
    for part in parts:
        if not _is_among(part.name, rules.fields):
            body = _canonical(part.body, part.header(b"content-type"), BUILT_IN_ALONE)
            head = b"".join(b"%b:%b\n" % pair for pair in part.headers)
            yield b"%d %d\n%b%b" % (len(head), len(body), head, body)


def _canonical_json(body: bytes, rules: Applied) -> bytes:
    try:
        parsed = without_ids(msgspec.json.decode(body))
        for steps in rules.body:
            parsed = without(parsed, steps)
        Ids(rules.ids).rename(parsed)
        return msgspec.json.encode(parsed, order="sorted")
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return body


def content_type_of(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Find the value of the content-type header, empty without one."""
    for name, value in headers:
        if name.lower() == b"content-type":
            return value
    return b""


def shown_path(url: str) -> str:
    """Shorten a URL to its path, for messages."""
    return unquote(path_of(url))
