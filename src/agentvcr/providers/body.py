"""Recorded bodies as values: content encodings undone, JSON parsed, its fields read safely.

Owns what every dialect needs before it can look at a body. Does not know any provider. Nothing
here raises, whatever the bytes: an answer may be cut short, mislabelled or hostile.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, TypeAlias

import msgspec

if TYPE_CHECKING:
    from agentvcr.model.exchange import Headers, Request, Response

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

MAX_DECODED = 256 * 1024 * 1024
"""Decoded bytes at most: a few kilobytes of gzip can hold gigabytes of zeros."""

_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_RAW_DEFLATE = -zlib.MAX_WBITS


def header(headers: Headers, name: bytes) -> str:
    """Give all values of a header, joined as HTTP joins them; empty when it is not there."""
    wanted = name.lower()
    values = [value for key, value in headers if key.lower() == wanted]
    return b", ".join(values).decode("latin-1")


def request_content(request: Request) -> bytes:
    """Give a request's body with its content encodings undone."""
    return decoded(request.headers, request.body)


def response_content(response: Response) -> bytes:
    """Give an answer's body with its content encodings undone."""
    return decoded(response.headers, response.body)


def decoded(headers: Headers, data: bytes) -> bytes:
    """Undo gzip and deflate; give bytes of another encoding, or none, as they are."""
    for encoding in reversed(header(headers, b"content-encoding").lower().split(",")):
        name = encoding.strip()
        if name in {"gzip", "x-gzip", "deflate"}:
            data = _inflated(data, raw_allowed=name == "deflate")
        elif name not in {"", "identity"}:
            return data
    return data


def value_of(data: bytes) -> Json:
    """Parse any JSON value, a bare text or number too; None for what is none."""
    try:
        value: Json = msgspec.json.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return value


def json_of(data: bytes) -> dict[str, Json] | list[Json] | None:
    """Parse a JSON object or array; None for anything else, a bare scalar too."""
    if data.lstrip()[:1] not in (b"{", b"["):
        return None
    try:
        value: dict[str, Json] | list[Json] = msgspec.json.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return value


def json_text(value: Json) -> str:
    """Write a value as compact JSON; a string stays as it is."""
    if isinstance(value, str):
        return value
    try:
        return msgspec.json.encode(value).decode()
    except RecursionError:
        return "(nested too deep)"


def fields(value: Json) -> dict[str, Json]:
    """Give an object's fields; none for anything else."""
    return value if isinstance(value, dict) else {}


def items(value: Json) -> list[Json]:
    """Give an array's items; none for anything else."""
    return value if isinstance(value, list) else []


def text(value: Json) -> str:
    """Give a string; the empty one for anything else."""
    return value if isinstance(value, str) else ""


def whole(value: Json) -> int | None:
    """Give a whole number; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _inflated(data: bytes, *, raw_allowed: bool) -> bytes:
    # Some clients hand over a decoded body under its old header: then nothing inflates, and the
    # bytes are already what is wanted.
    pieces: list[bytes] = []
    rest = data
    room = MAX_DECODED
    while rest and room > 0:
        inflater = zlib.decompressobj(_GZIP_OR_ZLIB)
        try:
            pieces.append(inflater.decompress(rest, room))
        except zlib.error:
            break
        room -= len(pieces[-1])
        rest = inflater.unused_data
    if pieces or not raw_allowed:
        return b"".join(pieces) if pieces else data
    try:
        return zlib.decompressobj(_RAW_DEFLATE).decompress(data, MAX_DECODED)
    except zlib.error:
        return data
