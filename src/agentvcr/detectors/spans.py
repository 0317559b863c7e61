"""Where two texts differ, word by word.

Owns the pieces of the first text that the second has not. Does not say why.
"""

from __future__ import annotations

import re
from collections import Counter
from difflib import SequenceMatcher

Span = tuple[int, int]
"""Where a piece begins and ends; the same twice where something was put in between."""

_WORD = re.compile(r"\w+|\W")
_VALUE = re.compile(
    r"""
    \d+[-/.]\d+[-/.]\d+ [ T] \d+:\d+ [:.\d]* (?:[ ]?[AP]M|[ ]?[+-]\d\d:?\d\d|Z)?
    | [^\s"'`<>(){}\[\],;|=]+
    """,
    re.VERBOSE,
)
"""A date and its time, or what stands between two gaps."""
_MOST_WORDS = 1500
"""Words that are compared one by one; more of them are one piece."""
_GAP = 3
"""Equal characters between two pieces that are one value all the same: `12:30:05`."""


def differing(before: str, after: str) -> list[Span]:
    """Give the pieces of `before` that are another in `after`."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    old, new = old[head : len(old) - tail], new[head : len(new) - tail]
    start = sum(map(len, _WORD.findall(before)[:head]))
    if len(old) + len(new) > _MOST_WORDS:
        return [(start, start + sum(map(len, old)))]
    ends = [start]
    for word in old:
        ends.append(ends[-1] + len(word))
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    return [(ends[a], ends[b]) for kind, a, b, _, _ in matcher.get_opcodes() if kind != "equal"]


def values(spans: list[Span]) -> list[Span]:
    """Put pieces together that are likely one value."""
    joined: list[Span] = []
    for start, end in spans:
        if joined and start - joined[-1][1] <= _GAP:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def whole(spans: list[Span], text: str) -> list[Span]:
    """Give the whole values that pieces of a text belong to: a date with its time, a path, an id.

    The words in which two writings of a value differ are others in a third.
    """
    around = [(one.start(), one.end()) for one in _VALUE.finditer(text)]
    return [
        piece
        for own in spans
        for piece in (own, *(one for one in around if overlaps(one, own) and own[0] < own[1]))
    ]


def overlaps(one: Span, other: Span) -> bool:
    """Whether two pieces have anything in common, or touch where one is empty."""
    if one[0] == one[1] or other[0] == other[1]:
        return one[0] <= other[1] and other[0] <= one[1]
    return one[0] < other[1] and other[0] < one[1]


def occurrences(text: str, whole: str) -> list[Span]:
    """Give where a text stands in another."""
    return [(one.start(), one.end()) for one in re.finditer(re.escape(text), whole)]


def is_reordered(before: str, after: str) -> bool:
    """Whether two texts have the same words in another order."""
    return before != after and Counter(_WORD.findall(before)) == Counter(_WORD.findall(after))
