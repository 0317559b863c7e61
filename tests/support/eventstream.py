"""`application/vnd.amazon.eventstream`: build the binary messages of a stream.

Owns the framing alone. Written from the description of the format and not from what reads it.
"""

import json
import zlib

STREAM_TYPE = ("Content-Type", "application/vnd.amazon.eventstream")


def message(headers: dict[str, str], payload: bytes) -> bytes:
    """One message with headers that are text."""
    block = b"".join(_header(name.encode(), value.encode()) for name, value in headers.items())
    length = 4 + 4 + 4 + len(block) + len(payload) + 4
    prelude = length.to_bytes(4, "big") + len(block).to_bytes(4, "big")
    checked = prelude + zlib.crc32(prelude).to_bytes(4, "big") + block + payload
    return checked + zlib.crc32(checked).to_bytes(4, "big")


def event(name: str, value: object) -> bytes:
    """An event with a JSON object, as Bedrock sends it."""
    return _json_message("event", ":event-type", name, value)


def exception(name: str, value: object) -> bytes:
    """What ends a stream in place of its last events."""
    return _json_message("exception", ":exception-type", name, value)


def _json_message(kind: str, key: str, name: str, value: object) -> bytes:
    headers = {key: name, ":content-type": "application/json", ":message-type": kind}
    return message(headers, json.dumps(value, ensure_ascii=False).encode())


def _header(name: bytes, value: bytes) -> bytes:
    return bytes([len(name)]) + name + b"\x07" + len(value).to_bytes(2, "big") + value
