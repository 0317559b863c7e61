"""Bodies and headers as bytes, out of the values that a cassette's text holds.

Owns that a body has the bytes that vcrpy itself would load, and that its headers are true of it.
Does not know where in a file they stand (`reading`).
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence

from agentvcr.interop.vcrpy_yaml import oddities
from agentvcr.interop.vcrpy_yaml.document import as_bytes
from agentvcr.interop.vcrpy_yaml.oddities import Oddities
from agentvcr.model.exchange import Headers

_CONTENT_KEYS = {"string", "base64_string"}
_BODY_KEYS = {*_CONTENT_KEYS, "encoding"}
_NO_BODY_STATUS = 304


def body_bytes(value: object, seen: Oddities) -> bytes:
    """Give a body's bytes: text as UTF-8, bytes as they are, anything else as JSON.

    Raises:
        ValueError: It is a value that JSON has no form for.
    """
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return _encoded(value, seen)
    if isinstance(value, Mapping) and value.keys() <= _BODY_KEYS and value.keys() & _CONTENT_KEYS:
        return _wrapped(value, seen)
    seen.saw(oddities.VALUE)
    return json_bytes(value)


def json_bytes(value: object) -> bytes:
    """Write a value as compact JSON, in the order of its keys.

    Raises:
        ValueError: JSON has no form for it.
    """
    try:
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        return as_bytes(text)
    except (TypeError, RecursionError) as error:
        raise ValueError(f"JSON has no form for it: {error}") from error


def header_pairs(value: object, seen: Oddities) -> Headers:
    """Give headers as pairs: a list of values as repeated ones, order kept.

    Raises:
        ValueError: They are neither a mapping nor pairs.
    """
    if value is None:
        return ()
    listed: Iterable[object]
    if isinstance(value, Mapping):
        listed = value.items()
    elif isinstance(value, (list, tuple)):
        listed = value
    else:
        raise ValueError(f"headers are {_kind(value)}")  # noqa: TRY004 - the file's fault
    pairs: list[tuple[bytes, bytes]] = []
    for pair in listed:
        if not isinstance(pair, Sequence) or isinstance(pair, (str, bytes)) or len(pair) != 2:  # noqa: PLR2004 - a name and a value
            raise ValueError(f"headers hold {_kind(pair)}")
        name = _header_bytes(pair[0])
        if isinstance(pair[1], (list, tuple)):
            pairs += [(name, _header_bytes(one)) for one in pair[1]]
        else:
            seen.saw(oddities.BARE, isinstance(value, Mapping))
            pairs.append((name, _header_bytes(pair[1])))
    return tuple(pairs)


def true_headers(headers: Headers, body: bytes, seen: Oddities, *, bodiless: bool) -> Headers:
    """Give headers that are true of a body, so that a real client can read it.

    Args:
        headers: As recorded.
        body: Perhaps decoded or altered since.
        seen: Takes down what was repaired.
        bodiless: The answer has no body whatever its headers say, as to HEAD.
    """
    if bodiless:
        return headers
    kept: list[tuple[bytes, bytes]] = []
    for name, value in headers:
        told = value
        if name.lower() == b"content-encoding" and not is_encoded(body, value):
            seen.saw(oddities.ENCODING)
            continue
        if name.lower() == b"content-length" and value.strip() != b"%d" % len(body):
            seen.saw(oddities.LENGTH)
            told = b"%d" % len(body)
        kept.append((name, told))
    return tuple(kept)


def is_encoded(body: bytes, header: bytes) -> bool:
    """Tell whether a body can be what its content-encoding says; the last one is outermost."""
    name = header.rpartition(b",")[2].strip().lower()
    if not body or name in {b"", b"identity"}:
        return True
    if name in {b"gzip", b"x-gzip"}:
        return body.startswith(b"\x1f\x8b")
    if name == b"zstd":
        return body.startswith(b"\x28\xb5\x2f\xfd")
    if name == b"deflate" and _is_zlib(body):
        return True
    return not _is_text(body)  # brotli and bare deflate have no mark to know them by


def is_bodiless(method: str, status: int) -> bool:
    """Tell whether HTTP has no body in an answer, whatever its headers say."""
    return method.upper() == "HEAD" or status == _NO_BODY_STATUS


def _encoded(text: str, seen: Oddities) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        seen.saw(oddities.SURROGATE)
        return as_bytes(text)


def _wrapped(value: Mapping[object, object], seen: Oddities) -> bytes:
    """Read `{string: …}`, and Ruby's `{encoding: …, base64_string: …}`."""
    packed = value.get("base64_string")
    if packed is None:
        return body_bytes(value.get("string"), seen)
    try:
        return base64.b64decode(as_bytes(packed))
    except binascii.Error as error:
        raise ValueError(f"base64_string is broken: {error}") from error


def _header_bytes(value: object) -> bytes:
    """Give the bytes that a header's text stood for.

    Some clients read every byte as a character of its own (Latin-1), others read UTF-8: where the
    first makes UTF-8 again, it was that.
    """
    if isinstance(value, bytes):
        return value
    text = "" if value is None else str(value)
    try:
        narrow = text.encode("latin-1")
        narrow.decode()
    except UnicodeError:
        return as_bytes(text)
    return narrow


def _is_zlib(body: bytes) -> bool:
    try:
        zlib.decompressobj().decompress(body, 1024)
    except zlib.error:
        return False
    return True


def _is_text(body: bytes) -> bool:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return False
    return not any(char < " " and char not in "\t\r\n" for char in text)


def _kind(value: object) -> str:
    return type(value).__name__
