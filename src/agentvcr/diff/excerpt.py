"""Two long texts, cut down to where they differ.

Owns which part is kept. A message of ten megabytes costs one look at it.
"""

from __future__ import annotations

from agentvcr.matching.nearest import common_prefix


def around_difference(
    before: str | None, after: str | None, *, most: int, near: int, behind: int | None = None
) -> tuple[str | None, str | None]:
    """Cut two texts to the surroundings of what differs; `…` stands where one is cut.

    Args:
        before: One text; None stays None.
        after: The other.
        most: Characters that are kept of each, from the beginning where one of them is None.
        near: How many of them stand before the first difference.
        behind: How many stand behind the last difference; as many as there is room for where it
            is left out.
    """
    if before is None or after is None:
        return _cut(before, 0, most), _cut(after, 0, most)
    head = common_prefix(before, after)
    start = max(0, head - near)
    ends = [len(before), len(after)]
    if behind is not None:
        tail = _shared_tail(before[head:], after[head:])
        ends = [end - tail + min(tail, behind) for end in ends]
    left, right = (
        _cut(text, start, min(end, start + most))
        for text, end in zip((before, after), ends, strict=True)
    )
    return left, right


def _shared_tail(a: str, b: str) -> int:
    return common_prefix(a[::-1], b[::-1])


def _cut(text: str | None, start: int, end: int) -> str | None:
    if text is None:
        return None
    return ("…" if start else "") + text[start:end] + ("…" if end < len(text) else "")
