"""Find the recorded request that a live one is most like.

Owns likeness. Compares canonical bodies: of JSON each value with the one in the same place, so that
two edits far apart cost no more than themselves, and one long text no more than any other; of
values and of all else what they share at both ends, which costs no more than a comparison of bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import nsmallest
from typing import Any, AnyStr

import msgspec

from agentvcr.inside.exchange import Request
from agentvcr.matching.canonical import canonical_body, content_type_of
from agentvcr.model.address import path_of
from agentvcr.model.exchange import Exchange

Leaves = dict[str, bytes]
"""The values of a body by their place in it; of one that is no JSON, itself at no place."""

_MOST = 200
"""Candidates compared at most: a miss among ten thousand must be told in moments too."""
_MOST_COUNTED = 100
"""Bytes that one value counts at most: else a draft that an agent quotes would outweigh all that
says which agent it is."""


def nearest(request: Request, candidates: Iterable[Exchange]) -> tuple[Exchange, float] | None:
    """Find the most similar exchange: same method and path first, then lane, then likeness.

    Args:
        request: The live request.
        candidates: Recorded exchanges, the preferred first where two are equally like.

    Returns:
        The exchange and its likeness from 0 to 1, or None without candidates.
    """
    path = path_of(request.url)
    body = canonical_body(request.body, content_type_of(request.headers))
    ranked = nsmallest(  # holds no more of them than that
        _MOST,
        candidates,
        key=lambda one: (
            one.request.method != request.method or path_of(one.request.url) != path,
            one.lane != request.lane,
        ),
    )
    best: tuple[Exchange, float] | None = None
    best_rank = (False, False, -1.0)
    for one in ranked:
        same_place = one.request.method == request.method and path_of(one.request.url) == path
        recorded = canonical_body(one.request.body, content_type_of(one.request.headers))
        like = likeness(body, recorded)
        rank = (same_place, one.lane == request.lane, like)
        if best is None or rank > best_rank:
            best, best_rank = (one, like), rank
    return best


def likeness(one: bytes, other: bytes) -> float:
    """Say how alike two bodies are, 1.0 for equal ones."""
    longest = max(len(one), len(other))
    if not longest:
        return 1.0
    return _in_common(one, other) / longest


def leaves_of(body: bytes, content_type: bytes) -> Leaves:
    """Take a body apart into its values, in canonical form."""
    canonical = canonical_body(body, content_type)
    if canonical[:1] in (b"{", b"["):
        try:
            return dict(_leaves(msgspec.json.decode(canonical), ""))
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            pass
    return {"": canonical}


def _leaves(value: Any, place: str) -> Iterator[tuple[str, bytes]]:  # noqa: ANN401  (JSON)
    if value and isinstance(value, dict):
        for name, one in value.items():
            yield from _leaves(one, f"{place}.{name}")
    elif value and isinstance(value, list):
        for index, one in enumerate(value):
            yield from _leaves(one, f"{place}[{index}]")
    elif isinstance(value, str):
        yield place, value.encode("utf-8", "surrogatepass")
    else:
        yield place, msgspec.json.encode(value)


def leaf_likeness(one: Leaves, other: Leaves) -> float:
    """Say how alike two bodies are, value by value, 1.0 for equal ones; names count as well."""
    shared = total = 0.0
    for place, text in one.items():
        name = len(place) - place.rfind(".")
        their = other.get(place)
        longest = max(len(text), len(their or b""))
        counted = min(longest, _MOST_COUNTED)
        total += name + counted
        if their is not None and text == their:
            shared += name + counted
        elif their is not None:
            shared += name + counted * _in_common(text, their) / longest
    for place in other.keys() - one.keys():
        total += len(place) - place.rfind(".") + min(len(other[place]), _MOST_COUNTED)
    return shared / total if total else 1.0


def _in_common(one: bytes, other: bytes) -> int:
    """Count the bytes that two texts share at their ends."""
    prefix = common_prefix(one, other)
    return prefix + common_prefix(one[prefix:][::-1], other[prefix:][::-1])


def common_prefix(one: AnyStr, other: AnyStr) -> int:
    """Count what two texts begin with in common, comparing slices and never single characters."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
