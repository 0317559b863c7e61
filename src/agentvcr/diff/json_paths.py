"""Where two JSON values differ, as paths: `$.a[0].b`.

Owns the walk over two values. Does not know what they mean (`compare`).
"""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from agentvcr.model.results import Change
from agentvcr.providers.body import Json, json_of, json_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from agentvcr.model.verdict import DifferenceKind

Item = TypeVar("Item")

_PLAIN_KEY = re.compile(r"[A-Za-z_$][\w$-]*\Z", re.ASCII)


def json_changes(
    where: str, before: Json, after: Json, *, kind: DifferenceKind | None = None
) -> list[Change]:
    """Give the paths below `where` at which two values differ; one change where too deep to walk.

    Lists are compared without what they begin and end with in common, so that one inserted item is
    one change.

    Args:
        where: What the paths begin with.
        before: One value.
        after: The other.
        kind: What all of these differences are; else a string in place of a string is wording, and
            anything else structure.
    """
    try:
        found = list(_walk(where, before, after))
    except RecursionError:
        told = json_text(before), json_text(after)
        found = [Change(where=where, before=told[0], after=told[1], kind="structure")]
    return found if kind is None else [replace(change, kind=kind) for change in found]


def text_changes(
    where: str, before: str, after: str, kind: DifferenceKind | None = None
) -> list[Change]:
    """Compare two texts that may each be JSON: by path where both are, else as they are."""
    if before == after:
        return []
    parsed = json_of(before.encode()), json_of(after.encode())
    if parsed[0] is not None and parsed[1] is not None:
        return json_changes(where, parsed[0], parsed[1], kind=kind)
    return [Change(where=where, before=before, after=after, kind=kind or _by_shape(*parsed))]


def kind_of_text(before: str, after: str) -> DifferenceKind:
    """Say whether two texts that differ have the same structure, where they are JSON."""
    parsed = json_of(before.encode()), json_of(after.encode())
    if not all(isinstance(one, dict | list) for one in parsed):
        return _by_shape(*parsed)
    kinds = {change.kind for change in json_changes("", *parsed)}
    return "wording" if kinds <= {"wording"} else "structure"


def _by_shape(before: Json, after: Json) -> DifferenceKind:
    """Of two values that are not both an object or a list: structure where one is."""
    one_is = isinstance(before, dict | list) or isinstance(after, dict | list)
    return "structure" if one_is else "wording"


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
                yield _one_side(path, before=json_text(before[key]))
            elif key not in before:
                yield _one_side(path, after=json_text(after[key]))
            else:
                yield from _walk(path, before[key], after[key])
    elif isinstance(before, list) and isinstance(after, list):
        yield from _walk_lists(where, before, after)
    elif before != after or isinstance(before, bool) != isinstance(after, bool):
        # 1 and "1" would read the same, and differ.
        quoted = isinstance(before, str) != isinstance(after, str)
        yield Change(
            where=where,
            before=_shown(before, quoted=quoted),
            after=_shown(after, quoted=quoted),
            kind="wording" if isinstance(before, str) and not quoted else "structure",
        )


def _walk_lists(where: str, before: list[Json], after: list[Json]) -> Iterator[Change]:
    head, tail = common_ends(before, after, _alike)
    old, new = before[head : len(before) - tail], after[head : len(after) - tail]
    paired = min(len(old), len(new))
    for index in range(paired):
        yield from _walk(f"{where}[{head + index}]", old[index], new[index])
    for index in range(paired, len(old)):
        yield _one_side(f"{where}[{head + index}]", before=json_text(old[index]))
    for index in range(paired, len(new)):
        yield _one_side(f"{where}[{head + index}]", after=json_text(new[index]))


def _one_side(where: str, *, before: str | None = None, after: str | None = None) -> Change:
    return Change(where=where, before=before, after=after, kind="structure")


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
