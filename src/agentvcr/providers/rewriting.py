"""A recorded answer with another body, framed as the recorded one was.

Owns the framing: one JSON value, server-sent events, or a JSON value a line; the headers that tell
length and encoding; and when the new chunks come. Does not know what the JSON means (`writers`).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from copy import deepcopy
from itertools import accumulate

import msgspec

from agentvcr.model.exchange import Chunk, Response
from agentvcr.providers.body import Json, fields, json_of, response_content
from agentvcr.providers.sse import is_stream

Parts = list[dict[str, "Json"]]
Change = Callable[[Parts], bool]
"""Changes the JSON objects of an answer in place; False where there was nothing to change."""

_EVENT_END = re.compile(rb"\r\n\r\n|\n\n|\r\r(?!\n)")
_OF_THE_BODY = {b"content-encoding", b"content-md5", b"digest", b"etag"}
"""Headers that say something of a body's bytes, and would be wrong of others."""


def rewritten(response: Response, change: Change) -> Response:
    """Change the JSON of an answer.

    Raises:
        ValueError: It holds none, or `change` found nothing to change.
    """
    content = response_content(response)
    if is_stream(response.headers, content):
        pieces = [content[start:end] for start, end in _events(content)]
        return _changed(response, pieces, change, _data_of, _with_data)
    lines = content.splitlines(keepends=True)
    if len(lines) > 1 and all(json_of(line) is not None for line in lines if line.strip()):
        return _changed(response, lines, change, _whole_of, _as_line)
    if json_of(content) is None:
        raise ValueError("its body is not JSON that can be read")
    return _changed(response, [content], change, _whole_of, lambda _piece, value: _json(value))


def with_body(response: Response, pieces: Sequence[bytes]) -> Response:
    """Give an answer another body: chunks at the times of the recorded ones."""
    size = sum(map(len, pieces))
    kept: list[tuple[bytes, bytes]] = []
    for name, value in response.headers:
        if name.lower() == b"content-length":
            kept.append((name, b"%d" % size))
        elif name.lower() not in _OF_THE_BODY:
            kept.append((name, value))
    chunks = tuple(
        Chunk(at_ns=at_ns, data=data)
        for at_ns, data in zip(_times(response, pieces), pieces, strict=True)
        if data
    )
    return msgspec.structs.replace(response, headers=tuple(kept), chunks=chunks)


def _times(response: Response, pieces: Sequence[bytes]) -> list[int]:
    """Say when each piece comes: with the recorded chunk in which as much of the body had come."""
    times = [chunk.at_ns for chunk in response.chunks] or [response.at_ns]
    ends = list(accumulate(len(chunk.data) for chunk in response.chunks)) or [0]
    total = max(1, sum(map(len, pieces)))
    starts = accumulate((len(one) for one in pieces[:-1]), initial=0)
    places = (start * ends[-1] // total for start in starts)
    return [times[min(bisect_right(ends, place), len(times) - 1)] for place in places][
        : len(pieces)
    ]


def _changed(
    response: Response,
    pieces: Sequence[bytes],
    change: Change,
    read: Callable[[bytes], Json],
    write: Callable[[bytes, Json], bytes],
) -> Response:
    values = [read(piece) for piece in pieces]
    before = deepcopy(values)
    parts = [part for value in values for part in _objects(value)]
    if not change(parts):
        raise ValueError("it holds nothing of that kind")
    told = [
        piece if value == old else write(piece, value)
        for piece, value, old in zip(pieces, values, before, strict=True)
    ]
    return with_body(response, told)


def _objects(value: Json) -> Parts:
    found = value if isinstance(value, list) else [value]
    return [one for one in map(fields, found) if one]


def _events(content: bytes) -> list[tuple[int, int]]:
    """Give where each event of a stream begins and ends, its blank line included."""
    ends = [match.end() for match in _EVENT_END.finditer(content)]
    if not ends or ends[-1] < len(content):
        ends.append(len(content))
    return list(zip([0, *ends[:-1]], ends, strict=True))


def _data_of(event: bytes) -> Json:
    lines = [line[5:].strip() for line in event.splitlines() if line[:5] == b"data:"]
    return json_of(b"\n".join(lines))


def _with_data(event: bytes, value: Json) -> bytes:
    """Give an event with other data, all else of it as it was."""
    lines = event.splitlines(keepends=True)
    first = next(index for index, line in enumerate(lines) if line[:5] == b"data:")
    end = lines[first][len(lines[first].rstrip(b"\r\n")) :]
    lines[first] = b"data: " + _json(value) + end
    return b"".join(
        line for index, line in enumerate(lines) if index <= first or line[:5] != b"data:"
    )


def _whole_of(data: bytes) -> Json:
    return json_of(data)


def _as_line(line: bytes, value: Json) -> bytes:
    return _json(value) + line[len(line.rstrip(b"\r\n")) :]


def _json(value: Json) -> bytes:
    return msgspec.json.encode(value)
