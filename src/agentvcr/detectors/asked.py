"""What the witness in a recorded program told of each request, put beside the exchanges.

Owns the encoding of a `witness` part, and which exchange it is about: requests of one lane to one
address come in the same order on both sides.
"""

from __future__ import annotations

import os
from collections import deque
from itertools import dropwhile, pairwise
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from agentvcr.model.diagnosis import WITNESS, Line

if TYPE_CHECKING:
    from agentvcr.model.run import Run

Spot = tuple[str, int, str]
"""A file, a line of it, and the function that it is in."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one request."""

    method: str
    path: str
    lines: tuple[Spot, ...]
    """The program's own lines that led to it, the innermost first."""
    callers: tuple[Spot, ...] = ()
    """The same without a wrapper of the client's: what is asked from several places through it."""
    found: tuple[tuple[str, Spot, str], ...] = ()
    """Which source was read, where, and what it gave as it stands in the body."""
    near: tuple[tuple[str, Spot], ...] = ()
    """What the lane had read last, whatever came of it."""
    variables: tuple[tuple[str, str, Spot], ...] = ()
    """Names of variables, where in the body their values stand, and where they were read."""


def asked_of(run: Run) -> dict[int, Asked]:
    """Give what was told of each exchange, by its number."""
    waiting: dict[tuple[str, str, str], deque[Asked]] = {}
    for part in run.world:
        if part.kind == WITNESS:
            one = msgspec.json.decode(part.data, type=Asked)
            waiting.setdefault((part.lane, one.method, one.path), deque()).append(one)
    found: dict[int, Asked] = {}
    for exchange in run.exchanges:
        request = exchange.request
        queue = waiting.get((exchange.lane, request.method, request.url.partition("?")[0]))
        if queue:
            found[exchange.number] = queue.popleft()
    return _without_wrappers(found)


def _without_wrappers(asked: dict[int, Asked]) -> dict[int, Asked]:
    """Leave out the innermost lines that were called from several: they say nothing of who asks."""
    above: dict[Spot, set[Spot]] = {}
    for one in asked.values():
        for inner, outer in pairwise(one.lines):
            above.setdefault(inner, set()).add(outer)
    return {number: replace(one, callers=_callers(one, above)) for number, one in asked.items()}


def _callers(asked: Asked, above: dict[Spot, set[Spot]]) -> tuple[Spot, ...]:
    own = list(dropwhile(lambda spot: len(above.get(spot, ())) > 1, asked.lines))
    return tuple(own or asked.lines[-1:])


def line_at(spot: Spot, texts: dict[str, str]) -> Line:
    """Make a line of a spot, with its code where the file's text is known."""
    path, number, function = spot
    lines = texts.get(path, "").splitlines()
    code = lines[number - 1].strip() if 0 < number <= len(lines) else ""
    return Line(file=shown_path(path), line=number, function=function, code=code)


def shown_path(path: str) -> str:
    """Write a path as seen from the current folder, where it lies below that."""
    near = os.path.relpath(path)
    return path if near.startswith("..") else near
