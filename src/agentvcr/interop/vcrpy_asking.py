"""Ask one of vcrpy's cassettes about a request, and tell it an answer, in our words.

Owns how a request and an answer of ours look to vcrpy, and its answers to us. Which exchange is
played, what is filtered and what may be recorded is vcrpy's. Sends nothing (`session.vcrpy`).
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Mapping
from http.client import responses
from typing import Any, Final

from vcr.errors import CannotOverwriteExistingCassetteException
from vcr.filters import decode_response
from vcr.request import Request as Asked
from vcr.serializers.compat import convert_body_to_bytes

from agentvcr.interop.foreign import ForeignResponse
from agentvcr.interop.vcrpy_yaml.bodies import (
    header_pairs,
    is_bodiless,
    is_encoded,
    true_headers,
)
from agentvcr.interop.vcrpy_yaml.document import as_bytes
from agentvcr.interop.vcrpy_yaml.oddities import Oddities
from agentvcr.model.exchange import Headers
from agentvcr.providers.body import decoded, header

NoAnswer = CannotOverwriteExistingCassetteException
"""A cassette has none, and may not be added to."""

_DECODING: Final = ("urllib3", "aiohttp")
"""Clients whose answers vcrpy has decoded, under headers that still say otherwise: so do hooks."""
_STREAMS: Final = (
    b"text/event-stream",
    b"application/vnd.amazon.eventstream",
    b"application/x-ndjson",
    b"application/ndjson",
    b"application/jsonl",
    b"application/x-jsonlines",
    b"application/stream+json",
    b"application/json-seq",
)
"""What comes piece by piece, and is left by programs where it says that it is over."""
_ALWAYS_A_BODY: Final = ("httpx", "httpx2")
"""Clients for which vcrpy takes no body for an empty one; for the others it is none."""
_GROUPS: Final = {
    "httplib": ("http.client",),
    "boto3": ("botocore",),
    "urllib3": ("urllib3",),
    "httplib2": ("httplib2",),
    "tornado": ("tornado",),
    "aiohttp": ("aiohttp",),
    "httpx": ("httpx",),
    "httpx2": ("httpx2",),
}
"""Our names of the clients behind each of vcrpy's `skip_patchers`."""


def request_of(method: str, url: str, headers: Headers, body: bytes, client: str) -> Any:  # noqa: ANN401  (vcrpy has no types)
    """Make the request that vcrpy would have made for this client."""
    told: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = _text(raw_name), _text(raw_value)
        told[name] = f"{told[name]}, {value}" if name in told else value
    return Asked(method, url, body or (b"" if client in _ALWAYS_A_BODY else None), told)


def is_skipped(cassette: Any, client: str) -> bool:  # noqa: ANN401  (as above)
    """Whether a cassette's `skip_patchers` name a client."""
    return any(client in _GROUPS.get(name, ()) for name in getattr(cassette, "skip_patchers", ()))


def answer_of(cassette: Any, asked: Any) -> ForeignResponse | None:  # noqa: ANN401  (as above)
    """Play what a cassette has for a request; None where the request is to be sent.

    Raises:
        CannotOverwriteExistingCassetteException: It has nothing, and may not be added to.
    """
    playable = asked
    if not cassette.can_play_response_for(asked) and not asked.body:
        playable = _with_the_other_nothing(asked)
    if cassette.can_play_response_for(playable):
        return _read(cassette.play_response(playable), asked.method)
    if cassette.write_protected and cassette.filter_request(asked):
        raise CannotOverwriteExistingCassetteException(cassette=cassette, failed_request=asked)
    return None


def _with_the_other_nothing(asked: Any) -> Any:  # noqa: ANN401  (as above)
    """Say an empty body for none, or none for an empty one: clients of one name differ in that."""
    other = None if asked.body is not None else b""
    return Asked(asked.method, asked.uri, other, asked.headers)


def tell(  # noqa: PLR0913  (the parts of an answer)
    cassette: Any,  # noqa: ANN401  (as above)
    asked: Any,  # noqa: ANN401  (as above)
    *,
    status: int,
    reason: bytes,
    headers: Headers,
    body: bytes,
    client: str,
) -> None:
    """Tell a cassette what was answered."""
    if client in _DECODING:
        body = decoded(headers, body)
    told: dict[str, list[str]] = {}
    for name, value in headers:
        told.setdefault(_text(name), []).append(_text(value))
    answer = {
        "status": {"code": status, "message": _text(reason)},
        "headers": told,
        "body": {"string": body},
    }
    cassette.append(asked, answer)


def is_read_first(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether an answer is read to its end before the program has any of it, as vcrpy does.

    A stream is not: the program gets each piece as it comes, and what it reads is kept.

    Args:
        headers: Of the answer.
    """
    told = {name.lower(): value for name, value in headers}
    kind = told.get(b"content-type", b"").partition(b";")[0].strip().lower()
    return b"content-length" in told or kind not in _STREAMS


def _read(answer: Mapping[str, Any], method: str) -> ForeignResponse:
    if "status_code" in answer:  # as httpx had it before vcrpy 5
        old = {"headers": answer["headers"], "body": {"string": answer["content"]}}
        answer = {**decode_response(convert_body_to_bytes(old)), "status": _old_status(answer)}
    status = answer["status"]
    body = as_bytes((answer.get("body") or {}).get("string") or b"")
    seen = Oddities()
    headers = header_pairs(answer.get("headers"), seen)
    body = _encoded_again(headers, body)
    bodiless = is_bodiless(method, status["code"])
    return ForeignResponse(
        status=status["code"],
        reason=as_bytes(status.get("message") or ""),
        http_version=b"HTTP/1.1",
        headers=true_headers(headers, body, seen, bodiless=bodiless),
        body=body,
    )


def _encoded_again(headers: Headers, body: bytes) -> bytes:
    """Give a body that was kept decoded the encoding of its headers, for the client to undo."""
    name = header(headers, b"content-encoding").strip().lower()
    if name not in {"gzip", "x-gzip", "deflate"} or is_encoded(body, name.encode()):
        return body
    if name == "deflate":
        return zlib.compress(body, zlib.Z_BEST_SPEED)
    return gzip.compress(body, zlib.Z_BEST_SPEED, mtime=0)


def _old_status(answer: Mapping[str, Any]) -> dict[str, Any]:
    code = answer["status_code"]
    return {"code": code, "message": responses.get(code, "")}  # as httpx words it


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
