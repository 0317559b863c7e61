"""Find the recorded request that a live one is most like.

Owns likeness. Compares canonical bodies by what they share at both ends: conversations grow at the
end, prompts change in the middle, and a difference costs no more than a comparison of bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import nsmallest

from agentvcr.inside.exchange import Request
from agentvcr.matching.canonical import canonical_body, content_type_of
from agentvcr.model.address import path_of
from agentvcr.model.exchange import Exchange

_MOST = 200
"""Candidates compared at most: a miss among ten thousand must be told in moments too."""


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
    prefix = _common_prefix(one, other)
    suffix = _common_prefix(one[prefix:][::-1], other[prefix:][::-1])
    return (prefix + suffix) / longest


def _common_prefix(one: bytes, other: bytes) -> int:
    """Count equal leading bytes, comparing slices and never single bytes."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
