"""Note which lines of the program read what no two runs have in common, for who looks for them.

Owns what is noted, and what a request is told with: the line that made it, and the lines whose
values stand in its body. Changes nothing that the program sees, and judges nothing (`detectors`).
Loaded in a program that is looked at alone (`AGENTVCR_WITNESS`).

A value stays here. What is told of it is how it is written in the body, which the engine has
anyway; of an environment variable the name alone, since it may be a credential.
"""

from __future__ import annotations

import os
import sys
from _thread import allocate_lock

from agentvcr.inside import clock, lanes
from agentvcr.inside.chance import stream
from agentvcr.inside.farewell import is_foreign
from agentvcr.inside.patching import dressed_as

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any, Callable, Iterable, Iterator

    from agentvcr.inside.exchange import Request

    Line = tuple[str, int, str]
    """A file, a line of it, and the function that it is in."""

KIND = "witness"
"""The kind of a part: what one request is told with."""

_PASSED_ON = (
    "datetime",
    "numpy.random.mtrand",
    "os",
    "random",
    "secrets",
    "tempfile",
    "time",
    "uuid",
    "uuid_utils",
    "_collections_abc",
    "collections.abc",
)
"""Modules that read for whoever calls them."""
_IMPORTING = "<frozen importlib"
"""Files of the frames that run a module's code the first time."""
_MOST = 2000
"""Values that are kept of one process: the latest."""
_MOST_TOLD = 40
_MOST_LINES = 6
_NEAR = 3
"""Lines of the lane's own that are told where no value is found."""
_SHORTEST = 4
"""Characters of a text that is looked for: shorter ones are there by chance."""


class _Note:
    """A value that some line has read."""

    __slots__ = ("is_direct", "lane", "line", "source", "value")

    def __init__(self, source: str, value: Any, lane: str, line: Line, *, is_direct: bool) -> None:  # noqa: ANN401  (any value)
        self.source = source
        self.value = value
        self.lane = lane
        self.line = line
        self.is_direct = is_direct


class Witness:
    """What one process has read."""

    def __init__(self, tell: Callable[[str, str, bytes], None]) -> None:
        """Tell by `tell`, which takes a kind, a lane and data."""
        self._tell = tell
        self._notes: list[_Note] = []
        self._variables: dict[str, tuple[str, Line]] = {}
        self._lock = allocate_lock()

    def read(self, source: str, value: Any) -> None:  # noqa: ANN401  (any value)
        """Note a value that the running code has read."""
        lane = lanes.current()
        if lane.shadow or lane.covered:
            return
        line, is_direct = _line_of(sys._getframe(1))
        if line is None:
            return
        with self._lock:
            self._notes.append(_Note(source, value, lane.name, line, is_direct=is_direct))
            if len(self._notes) > _MOST:
                del self._notes[: _MOST // 4]

    def variable(self, name: object, value: object) -> None:
        """Note that the program itself has read a variable of its environment."""
        if type(name) is not str or type(value) is not str or name.startswith("AGENTVCR_"):
            return
        line, is_direct = _line_of(sys._getframe(1))
        if line is not None and is_direct and len(value) >= _SHORTEST:
            self._variables[name] = (value, line)

    def asked(self, request: Request) -> None:
        """Tell of a request that is about to be made."""
        import json  # noqa: PLC0415  (whoever asks anything has it loaded)

        lines = list(_program_lines(sys._getframe(1)))[:_MOST_LINES]
        body = request.body.decode("utf-8", "replace")
        with self._lock:
            notes = self._notes[::-1]
        told = {
            "method": request.method,
            "path": request.url.partition("?")[0],
            "lines": lines,
            "found": [*_found(notes, _unescaped(body))][:_MOST_TOLD],
            "near": _near(notes, request.lane),
            "variables": [*_variables_in(self._variables.items(), body)],
        }
        self._tell(KIND, request.lane, json.dumps(told).encode())


# --- which line -----------------------------------------------------------------------------------


def _line_of(frame: FrameType | None) -> tuple[Line | None, bool]:
    """Give the program's innermost line, and whether nothing but the read lies below it.

    What a library reads while it is imported has no line: it is read for nobody yet.
    """
    is_direct = True
    while frame is not None:
        path = frame.f_code.co_filename
        if path.startswith(_IMPORTING):
            return None, False
        if not is_foreign(path):
            return (path, frame.f_lineno, frame.f_code.co_name), is_direct
        name = str(frame.f_globals.get("__name__", ""))
        if name not in _PASSED_ON and not name.startswith("agentvcr."):
            is_direct = False
        frame = frame.f_back
    return None, False


def _program_lines(frame: FrameType | None) -> Iterator[Line]:
    while frame is not None:
        if not is_foreign(frame.f_code.co_filename):
            yield frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name
        frame = frame.f_back


# --- what stands in a body ------------------------------------------------------------------------


def _unescaped(body: str) -> str:
    """Undo the one escape of JSON that a date may have: that of a slash."""
    return body.replace("\\/", "/")


def _found(notes: Iterable[_Note], body: str) -> Iterator[tuple[str, Line, str]]:
    """Give the notes whose value stands in a body, the latest first, each as it stands there."""
    seen: set[tuple[str, Line, str]] = set()
    for note in notes:
        for text in _writings(note):
            if len(text) >= _SHORTEST and text in body:
                one = note.source, note.line, text
                if one not in seen:
                    seen.add(one)
                    yield one
                break


def _near(notes: Iterable[_Note], lane: str) -> list[tuple[str, Line]]:
    """Give the last lines that read something in a lane or where it comes from, by source."""
    near: list[tuple[str, Line]] = []
    counts: dict[str, int] = {}
    for note in notes:
        one = note.source, note.line
        is_of_lane = lane == note.lane or lane.startswith(note.lane + "/")
        if note.is_direct and is_of_lane and one not in near and counts.get(note.source, 0) < _NEAR:
            counts[note.source] = counts.get(note.source, 0) + 1
            near.append(one)
    return near


def _writings(note: _Note) -> Iterable[str]:
    """Give the ways in which a value is usually written, the most exact first."""
    try:
        if note.source == "clock":
            return _times(note.value)
        if isinstance(note.value, (bytes, bytearray)):
            return _bytes_written(bytes(note.value))
        if isinstance(note.value, float):
            return (repr(note.value), *("%.*f" % (digits, note.value) for digits in (6, 4, 3, 2)))
        return (str(note.value),) if note.value is not None else ()
    except Exception:  # noqa: BLE001  (whatever the program's own values do when they are written)
        return ()


_WAYS = (
    *("%H:%M:%S.%f", "%H:%M:%S", "%I:%M:%S", "%H%M%S", "%Y-%m-%dT%H:%M", "%H:%M", "%I:%M"),
    *("%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y%m%d", "%B %d", "%d %B", "%b %d"),
    *("%d %b", "%A", "%B %Y"),
)


def _times(value: tuple[int, int]) -> Iterator[str]:
    """Write a read of a clock: 1 is the wall clock, the others count from somewhere."""
    from datetime import datetime, timezone  # noqa: PLC0415  (only a program that is looked at)

    which, ns = value
    yield repr(ns / 1e9)
    for unit in (1, 1000, 1_000_000, 1_000_000_000):
        yield str(ns // unit)
    for digits in (6, 3, 2, 1):
        yield "%.*f" % (digits, ns / 1e9)
    if which == 1:
        seconds = ns // 1000 / 1e6
        for zone in (None, timezone.utc):
            moment = datetime.fromtimestamp(seconds, zone)
            for way in _WAYS:
                yield moment.strftime(way)


def _bytes_written(data: bytes) -> Iterator[str]:
    import base64  # noqa: PLC0415  (only a program that is looked at)
    import uuid  # noqa: PLC0415  (as above)

    if len(data) == 16:  # noqa: PLR2004  (the size of a UUID)
        made = uuid.UUID(bytes=data, version=4)
        yield str(made)
        yield made.hex
    yield data.hex()
    yield base64.urlsafe_b64encode(data).decode().rstrip("=")
    yield base64.b64encode(data).decode()


def _variables_in(
    variables: Iterable[tuple[str, tuple[str, Line]]], body: str
) -> Iterator[tuple[str, str, Line]]:
    """Give the variables whose value stands in a text of the body, with the path there."""
    import json  # noqa: PLC0415  (as above)

    held = [(name, value, line) for name, (value, line) in list(variables) if value in body]
    if not held:
        return
    try:
        texts = list(_texts("$", json.loads(body)))
    except (ValueError, RecursionError):
        return
    for name, value, line in held:
        where = next((path for path, text in texts if value in text), None)
        if where is not None:
            yield name, where, line


_SETTINGS = ("model",)
"""Fields of a request that a variable is meant to set."""


def _texts(path: str, value: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401  (as JSON has it)
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, one in value.items():
            if key not in _SETTINGS:
                yield from _texts("%s.%s" % (path, key), one)
    elif isinstance(value, list):
        for place, one in enumerate(value):
            yield from _texts("%s[%d]" % (path, place), one)


# --- being told -----------------------------------------------------------------------------------


def install(tell: Callable[[str, str, bytes], None]) -> Witness:
    """Begin to note what this process reads."""
    witness = Witness(tell)
    clock.on_read.append(lambda which, ns: witness.read("clock", (which, ns)))
    stream.on_draw.append(lambda value: witness.read("chance", value))
    environ: Any = getattr(os, "_Environ", None)
    original = environ.__getitem__

    @dressed_as(original)
    def __getitem__(self: Any, key: Any) -> Any:  # noqa: ANN401, N807  (as os has it)
        value = original(self, key)
        if self is os.environ:
            witness.variable(key, value)
        return value

    lanes.replace(environ, "__getitem__", __getitem__)
    return witness
