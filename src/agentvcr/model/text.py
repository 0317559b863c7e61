"""Text of the operating system's, made fit for a cassette.

Owns the conversion of odd bytes, and the word that stands for the interpreter.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

PYTHON = "{python}"
"""Stands for the interpreter of the environment that AgentVCR itself is installed in."""


def storable_argv(argv: Iterable[object]) -> list[str]:
    """Make a command line fit for a cassette that is used on another machine."""
    return [PYTHON if word == sys.executable else storable(word) for word in argv]


def storable(text: object) -> str:
    """Make text fit for msgpack: bytes that are no UTF-8 become backslash escapes."""
    data = str(text).encode("utf-8", "surrogateescape")
    return data.decode("utf-8", "backslashreplace")
