"""Keep what the program says and hears on its standard streams, on the same descriptors.

Owns the tee around `sys.stdin`, `sys.stdout` and `sys.stderr`. Sees what Python code writes through
them; what other programs or `os.write` put on the descriptors passes by.

The descriptors stay the program's own (no pipe, no pseudo-terminal), so terminal-ness, seeking and
signals are as without us.
"""

from __future__ import annotations

import builtins
import functools
import io
import sys
from typing import Any, Callable

Keep = Callable[[str, bytes], None]
"""Called with the stream's name and the bytes that passed; must not raise."""


class _TeeFile(io.FileIO):
    """A standard stream's raw file that tells what passes through it."""

    def __init__(self, raw: io.FileIO, name: str, keep: Keep) -> None:
        super().__init__(raw.fileno(), "rb" if name == "stdin" else "wb", closefd=False)
        self.name = raw.name
        self._stream = name
        self._keep = keep

    def write(self, data: Any) -> Any:  # noqa: ANN401  (as FileIO has it)
        written = super().write(data)
        if written:
            self._keep(self._stream, bytes(memoryview(data).cast("B")[:written]))
        return written

    def readinto(self, buffer: Any) -> Any:  # noqa: ANN401  (as FileIO has it)
        size = super().readinto(buffer)
        if size is not None:  # nothing is kept too: it says that the program read to the end
            self._keep(self._stream, bytes(memoryview(buffer).cast("B")[:size]))
        return size

    def read(self, size: Any = -1) -> Any:  # noqa: ANN401  (as FileIO has it)
        if size is None or size < 0:
            return self.readall()
        data = super().read(size)
        if data is not None:
            self._keep(self._stream, data)
        return data

    def readall(self) -> Any:  # noqa: ANN401  (as FileIO has it)
        data = super().readall()
        if data is not None:
            self._keep(self._stream, data)
        return data


def install(keep: Keep) -> None:
    """Put the tee around the three streams that are there and are ordinary files or terminals."""
    for name in ("stdout", "stderr", "stdin"):
        stream = getattr(sys, name)
        if type(stream) is io.TextIOWrapper and getattr(sys, "__%s__" % name) is stream:
            renewed = _renew(stream, name, keep)
            setattr(sys, name, renewed)
            setattr(sys, "__%s__" % name, renewed)
    _keep_terminal_lines(keep)


def _renew(stream: io.TextIOWrapper, name: str, keep: Keep) -> io.TextIOWrapper:
    # Read before detach(): the wrapper answers nothing after it.
    options: Any = {
        "encoding": stream.encoding,
        "errors": stream.errors,
        "newline": "\n" if name != "stdin" and sys.platform != "win32" else None,
        "line_buffering": stream.line_buffering,
        "write_through": stream.write_through,
    }
    mode = stream.mode
    buffer: Any = stream.detach()
    raw = buffer if isinstance(buffer, io.FileIO) else buffer.detach()
    tee: Any = _TeeFile(raw, name, keep)
    if not isinstance(buffer, io.FileIO):
        tee = io.BufferedReader(tee) if name == "stdin" else io.BufferedWriter(tee)
    renewed = io.TextIOWrapper(tee, **options)
    renewed.mode = mode  # type: ignore[misc]  # the interpreter sets it on its own streams too
    return renewed


def _keep_terminal_lines(keep: Keep) -> None:
    """Keep what `input()` reads from a terminal, which goes past `sys.stdin`."""
    original = builtins.input

    @functools.wraps(original)
    def read_line(prompt: object = "", /) -> str:
        line = original(prompt)
        stream = sys.stdin
        if stream is sys.__stdin__ and stream is not None and stream.isatty():
            keep("stdin", line.encode(stream.encoding or "utf-8", "replace") + b"\n")
        return line

    builtins.input = read_line
