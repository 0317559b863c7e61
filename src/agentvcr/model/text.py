"""Text of others, made fit for a cassette, or for showing.

Owns the conversion of odd bytes, the word that stands for the interpreter, and what is shown of
signs that would steer a terminal.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable

PYTHON = "{python}"
"""Stands for the interpreter of the environment that AgentVCR itself is installed in."""
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def storable_argv(argv: Iterable[object]) -> list[str]:
    """Make a command line fit for a cassette that is used on another machine."""
    return [PYTHON if word == sys.executable else storable(word) for word in argv]


def storable(text: object) -> str:
    """Make text fit for msgpack: bytes that are no UTF-8 become backslash escapes."""
    data = str(text).encode("utf-8", "surrogateescape")
    return data.decode("utf-8", "backslashreplace")


def printable(recorded: str) -> str:
    """Make recorded text safe to show: what would steer a terminal is shown as an escape."""
    return "".join(
        char
        if char in "\n\t" or (unicodedata.category(char) not in {"Cc", "Cs"} and char not in _BIDI)
        else char.encode("unicode_escape", "surrogatepass").decode()
        for char in recorded
    )
