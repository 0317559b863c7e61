"""Compare what two runs printed.

Owns what counts as the same there: chance between processes, frames of tracebacks and the folder
that the project lies in do not count.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal

from agentvcr.diff.json_paths import common_ends
from agentvcr.model.results import OutputDiff
from agentvcr.model.run import ROOT

if TYPE_CHECKING:
    from agentvcr.model.run import Run

_FRAMES: Final = re.compile(
    rb"^(Traceback \(most recent call last\):\n)(?:[ \t].*\n)+", re.MULTILINE
)
_CAUSE: Final = re.compile(
    rb"^Traceback \(most recent call last\):\n(?:\S.*\n)+\n"
    rb"(?:The above exception was the direct cause of the following exception"
    rb"|During handling of the above exception, another exception occurred):\n\n",
    re.MULTILINE,
)
_LEFT_OPEN: Final = re.compile(
    rb"^an error occurred during closing of asynchronous generator .*\nasyncgen: .*\n"
    rb"(?:Traceback \(most recent call last\):\n\S.*\n)?",
    re.MULTILINE,
)
"""What asyncio says of generators that a failed program has left open. It goes through them in the
order of their addresses, so that what it finds at work is chance."""
_INSTALLED: Final = re.compile(
    rb"(?<![\w.-])(?:[A-Za-z]:)?[\\/][^\s\"'()<>|,;]{0,300}[\\/]"
    rb"(?=(?:site|dist)-packages[\\/]|python3\.\d+[\\/]\w)"
)
"""Where an environment's packages or the standard library lie, in a warning's place."""
_PLACE: Final = b"{project}"


def output_change(a: Run, b: Run, stream: Literal["stdout", "stderr"]) -> OutputDiff | None:
    """Say where `b` first printed something else on a stream than `a`; None where it did not."""
    before, after = _lines(_said(a, stream)), _lines(_said(b, stream))
    if before == after:
        return None
    left, right = _anywhere(a, before), _anywhere(b, after)
    if left == right:
        return None
    head, _ = common_ends(left, right)
    old, new = (lines[head] if head < len(lines) else None for lines in (before, after))
    only_newline = old is not None and new is not None and old.rstrip(b"\n") == new.rstrip(b"\n")
    shown = [_line_text(line, newline=only_newline) for line in (old, new)]
    return OutputDiff(stream=stream, line=head + 1, before=shown[0], after=shown[1])


def _said(run: Run, stream: Literal["stdout", "stderr"]) -> bytes:
    """What the run said, process by process, its tracebacks without their frames and causes.

    Two processes that print at once take turns by chance. And an error that is served has not come
    through the client's inner layers, though it is the same error.
    """
    lanes = {process.index: process.lane for process in run.processes}
    by_lane: dict[str, list[bytes]] = {}
    for piece in run.outputs:
        if piece.stream == stream:
            by_lane.setdefault(lanes.get(piece.process, ""), []).append(piece.data)
    said = b"".join(b"".join(by_lane[lane]) for lane in sorted(by_lane))
    if b"Traceback (most" not in said:
        return said
    return _LEFT_OPEN.sub(b"", _CAUSE.sub(b"", _FRAMES.sub(rb"\1", said)))


def _anywhere(run: Run, lines: list[bytes]) -> list[bytes]:
    """Write lines as they would be wherever the project and its packages lie."""
    lines = [_INSTALLED.sub(b"", line) for line in lines]
    root = next((part.data for part in run.world if part.kind == ROOT), b"")
    if not root:
        return lines
    # Whole names alone: not `/srv/app` in `/srv/apples`, nor in `/mnt/srv/app`.
    place = re.compile(rb"(?<![\w.-])" + re.escape(root) + rb"(?![\w-]|\.\w)")
    return [place.sub(_PLACE, line) for line in lines]


def _lines(output: bytes) -> list[bytes]:
    """Split at newlines, which stay: a missing one at the very end is a difference too."""
    *ended, rest = output.split(b"\n")
    return [line + b"\n" for line in ended] + ([rest] if rest else [])


def _line_text(line: bytes | None, *, newline: bool) -> str | None:
    if line is None:
        return None
    shown = line.decode("utf-8", "backslashreplace")
    return shown if newline else shown.removesuffix("\n")
