"""Where two JSON values differ, as paths: `$.a[0].b`.

Owns the walk over two values. Does not know what they mean (`compare`).
"""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING, TypeVar

from agentvcr.model.results import Change
from agentvcr.providers.body import Json, json_of, json_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Item = TypeVar("Item")

_PLAIN_KEY = re.compile(r"[A-Za-z_$][\w$-]*\Z", re.ASCII)


def json_changes(where: str, before: Json, after: Json) -> list[Change]:
    """Give the paths below `where` at which two values differ; one change where too deep to walk.

    Lists are compared without what they begin and end with in common, so that one inserted item is
    one change.
    """
    try:
        return list(_walk(where, before, after))
    except RecursionError:
        return [Change(where=where, before=json_text(before), after=json_text(after))]


def text_changes(where: str, before: str, after: str) -> list[Change]:
    """Compare two texts that may each be JSON: by path where both are, else as they are."""
    if before == after:
        return []
    parsed = json_of(before.encode()), json_of(after.encode())
    if parsed[0] is not None and parsed[1] is not None:
        return json_changes(where, parsed[0], parsed[1])
    return [Change(where=where, before=before, after=after)]


def common_ends(
    a: Sequence[Item], b: Sequence[Item], equal: Callable[[Item, Item], bool] = operator.eq
) -> tuple[int, int]:
    """Give how many items two sequences share at their beginning, and then at their end."""
    shortest = min(len(a), len(b))
    head = 0
    while head < shortest and equal(a[head], b[head]):
        head += 1
    tail = 0
    while tail < shortest - head and equal(a[-1 - tail], b[-1 - tail]):
        tail += 1
    return head, tail


def _walk(where: str, before: Json, after: Json) -> Iterator[Change]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            path = where + _step(key)
            if key not in after:
                yield Change(where=path, before=json_text(before[key]), after=None)
            elif key not in before:
                yield Change(where=path, before=None, after=json_text(after[key]))
            else:
                yield from _walk(path, before[key], after[key])
    elif isinstance(before, list) and isinstance(after, list):
        yield from _walk_lists(where, before, after)
    elif before != after or isinstance(before, bool) != isinstance(after, bool):
        # 1 and "1" would read the same, and differ.
        quoted = isinstance(before, str) != isinstance(after, str)
        yield Change(
            where=where, before=_shown(before, quoted=quoted), after=_shown(after, quoted=quoted)
        )


def _walk_lists(where: str, before: list[Json], after: list[Json]) -> Iterator[Change]:
    head, tail = common_ends(before, after, _alike)
    old, new = before[head : len(before) - tail], after[head : len(after) - tail]
    paired = min(len(old), len(new))
    for index in range(paired):
        yield from _walk(f"{where}[{head + index}]", old[index], new[index])
    for index in range(paired, len(old)):
        yield Change(where=f"{where}[{head + index}]", before=json_text(old[index]), after=None)
    for index in range(paired, len(new)):
        yield Change(where=f"{where}[{head + index}]", before=None, after=json_text(new[index]))


def _alike(before: Json, after: Json) -> bool:
    # Python says that true equals 1, at any depth; JSON does not.
    return before == after and repr(before) == repr(after)


def _shown(value: Json, *, quoted: bool) -> str:
    return f'"{value}"' if quoted and isinstance(value, str) else json_text(value)


def _step(key: str) -> str:
    if _PLAIN_KEY.match(key):
        return f".{key}"
    escaped = key.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{escaped}']"
