"""Text of the operating system's, made fit for a cassette. Owns that one conversion."""

from __future__ import annotations


def storable(text: object) -> str:
    """Make text fit for msgpack: bytes that are no UTF-8 become backslash escapes."""
    data = str(text).encode("utf-8", "surrogateescape")
    return data.decode("utf-8", "backslashreplace")
