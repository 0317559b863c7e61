"""Keep what the program says and hears on its standard streams, on the same descriptors.

Owns the tee on `sys.stdin`, `sys.stdout` and `sys.stderr`. Sees what Python code writes through
them; what other programs or `os.write` put on the descriptors passes by.

The streams stay the very objects that the interpreter made (no pipe, no pseudo-terminal, no
wrapper), so terminal-ness, buffering and signals are as without us. Output is taken where text
becomes bytes, before the buffer and not behind it: an exception of a signal handler in Python code
behind the buffer would make it write the same bytes twice.
"""

from __future__ import annotations

import builtins
import io
import os
import sys

from agentvcr.inside.patching import dressed_as

_NUMBERS = {"stdin": 0, "stdout": 1, "stderr": 2}
TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any, Callable

    Keep = Callable[[str, bytes], None]
    """Called with the stream's name and the bytes that passed; must not raise.

    No bytes from `stdin` say that the program read to its end.
    """


def install(keep: Keep, identities: str) -> None:
    """Tee the three streams, as far as they are there, ordinary, and the run's own.

    Args:
        keep: Takes what passes.
        identities: `identity` of the run's descriptors 0, 1 and 2, between commas. A child that
            writes into a pipe of its parent's says that to its parent, and not for the run.
    """
    ours = dict(zip(_NUMBERS, identities.split(",")))
    for name in ("stdout", "stderr"):
        buffer = _buffer_of(name)
        if buffer is not None and ours.get(name) == identity(_NUMBERS[name]):
            _tee_writes(buffer, name, keep)
    buffer = _buffer_of("stdin")
    if buffer is not None and ours.get("stdin") == identity(0):
        _tee_reads(getattr(buffer, "raw", buffer), keep)
    _tee_terminal_lines(keep)


def identity(descriptor: int) -> str:
    """Name the file, pipe or terminal that a descriptor stands for; empty where it is closed."""
    try:
        found = os.fstat(descriptor)
    except OSError:
        return ""
    return "%d:%d" % (found.st_dev, found.st_ino)


def _buffer_of(name: str) -> Any:  # noqa: ANN401  (a buffer, a raw file, or None)
    stream = getattr(sys, name)
    if type(stream) is io.TextIOWrapper and getattr(sys, "__%s__" % name) is stream:
        return stream.buffer
    return None


def _tee_writes(buffer: Any, name: str, keep: Keep) -> None:  # noqa: ANN401  (see above)
    original = buffer.write

    def write(data: Any) -> int | None:  # noqa: ANN401  (bytes-like)
        written: int | None = original(data)
        if written:
            keep(name, bytes(memoryview(data).cast("B")[:written]))
        return written

    buffer.write = write  # an attribute of the instance, found before its type's


def _tee_reads(raw: Any, keep: Keep) -> None:  # noqa: ANN401  (a FileIO)
    readinto, readall, read = raw.readinto, raw.readall, raw.read

    def tee_readinto(target: Any) -> int | None:  # noqa: ANN401  (a writable buffer)
        size: int | None = readinto(target)
        if size is not None:
            keep("stdin", bytes(memoryview(target).cast("B")[:size]))
        return size

    def tee_readall() -> bytes | None:
        data: bytes | None = readall()
        if data is not None:
            keep("stdin", data)
        return data

    def tee_read(size: int | None = -1) -> bytes | None:
        data: bytes | None = read(size)
        if data is not None:
            keep("stdin", data)
        return data

    raw.readinto, raw.readall, raw.read = tee_readinto, tee_readall, tee_read


def _tee_terminal_lines(keep: Keep) -> None:
    """Keep what `input()` reads from a terminal, which goes past `sys.stdin`.

    It does so where both standard input and output are the terminal.
    """
    original = builtins.input

    @dressed_as(original)
    def read_line(prompt: object = "", /) -> str:
        line = original(prompt)
        stream = sys.stdin
        if stream is sys.__stdin__ and stream is not None and _both_are_terminals():
            keep("stdin", line.encode(stream.encoding or "utf-8", "replace") + b"\n")
        return line

    builtins.input = read_line


def _both_are_terminals() -> bool:
    return all(one is not None and one.isatty() for one in (sys.stdin, sys.stdout))
