"""Pair the steps of two runs: which step of the one is which of the other.

Owns the pairing. Does not say whether a pair differs (`compare`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, TypeVar

import msgspec

from agentvcr.matching.canonical import content_type_of
from agentvcr.matching.nearest import leaf_likeness, leaves_of
from agentvcr.steps.outline import address, exchange_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence

    from agentvcr.model.step import Step

Item = TypeVar("Item")

MAX_CANDIDATES = 2_000_000
"""Equal pairs that a sequence match may look at: far above any real run, below a second of work."""


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """A step and its counterpart; None where there is none."""

    a: Step | None
    b: Step | None


def align(a: Sequence[Step], b: Sequence[Step]) -> list[Pair]:
    """Pair the steps of two runs, in the order of `a`; an added step follows its predecessor.

    Steps of one lane and kind are a sequence. Equal requests in it pair first; an equal request
    that is left over pairs with one in another lane, as a replay would serve it; what is left
    between two pairs then pairs in order: first with the one whose answer it was lent, then those
    of one address, then any.
    """
    partner: dict[int, Step] = {}
    groups = _sequences(a, b)
    for left, right in groups:
        _pair(left, right, _fingerprint, partner)
    _pair_across_lanes(a, b, partner)
    for left, right in groups:
        for key in (_lent_by(*_unpaired(left, right, partner)), _route, _any):
            for gap_a, gap_b in list(_gaps(left, right, partner)):
                _pair(gap_a, gap_b, key, partner)
    return _ordered(a, b, partner)


def matches(
    a: Sequence[Item], b: Sequence[Item], key: Callable[[Item], Hashable]
) -> list[tuple[Item, Item]]:
    """Give the items of a common subsequence of `a` and `b`, equal by `key`."""
    keys_a = [key(item) for item in a]
    keys_b = [key(item) for item in b]
    start = 0
    while start < min(len(a), len(b)) and keys_a[start] == keys_b[start]:
        start += 1
    end_a, end_b = len(a), len(b)
    while min(end_a, end_b) > start and keys_a[end_a - 1] == keys_b[end_b - 1]:
        end_a, end_b = end_a - 1, end_b - 1
    found = list(zip(a[:start], b[:start], strict=True))
    found += _matched_middle(
        a[start:end_a], b[start:end_b], keys_a[start:end_a], keys_b[start:end_b]
    )
    found += zip(a[end_a:], b[end_b:], strict=True)
    return found


def _matched_middle(
    a: Sequence[Item], b: Sequence[Item], keys_a: list[Hashable], keys_b: list[Hashable]
) -> Iterator[tuple[Item, Item]]:
    count_a, count_b = Counter(keys_a), Counter(keys_b)
    if sum(count * count_b[key] for key, count in count_a.items()) > MAX_CANDIDATES:
        places = increasing(_numbered(keys_a), _numbered(keys_b))
        yield from ((a[left], b[right]) for left, right in places)
        return
    for block in SequenceMatcher(None, keys_a, keys_b, autojunk=False).get_matching_blocks():
        for offset in range(block.size):
            yield a[block.a + offset], b[block.b + offset]


def increasing(keys_a: Sequence[Hashable], keys_b: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Give the longest common subsequence of unique keys, as places in both."""
    place = {key: index for index, key in enumerate(keys_b)}
    common = [(index, place[key]) for index, key in enumerate(keys_a) if key in place]
    ends: list[int] = []
    last: list[int] = []
    before: list[int | None] = []
    for number, (_, right) in enumerate(common):
        length = bisect_left(ends, right)
        before.append(last[length - 1] if length else None)
        ends[length : length + 1] = [right]
        last[length : length + 1] = [number]
    found: list[tuple[int, int]] = []
    at = last[-1] if last else None
    while at is not None:
        found.append(common[at])
        at = before[at]
    return found[::-1]


def _numbered(keys: list[Hashable]) -> list[Hashable]:
    # Thousands of equal requests: numbered, each has one candidate and not all of them.
    seen: Counter[Hashable] = Counter()
    numbered: list[Hashable] = []
    for key in keys:
        numbered.append((key, seen[key]))
        seen[key] += 1
    return numbered


def _sequences(a: Sequence[Step], b: Sequence[Step]) -> list[tuple[list[Step], list[Step]]]:
    groups: dict[tuple[str, str], tuple[list[Step], list[Step]]] = {}
    for side, steps in enumerate((a, b)):
        for step in steps:
            groups.setdefault((step.lane, step.kind), ([], []))[side].append(step)
    return list(groups.values())


def _pair(
    a: Sequence[Step],
    b: Sequence[Step],
    key: Callable[[Step], Hashable],
    partner: dict[int, Step],
) -> None:
    for left, right in matches(a, b, key):
        partner[id(left)] = right
        partner[id(right)] = left


def _pair_across_lanes(a: Sequence[Step], b: Sequence[Step], partner: dict[int, Step]) -> None:
    free: defaultdict[Hashable, list[Step]] = defaultdict(list)
    for right in reversed(b):
        if id(right) not in partner:
            free[right.kind, _fingerprint(right)].append(right)
    for left in a:
        candidates = free.get((left.kind, _fingerprint(left)))
        if candidates and id(left) not in partner:
            right = candidates.pop()
            partner[id(left)] = right
            partner[id(right)] = left


def _unpaired(
    a: list[Step], b: list[Step], partner: dict[int, Step]
) -> tuple[list[Step], list[Step]]:
    left, right = ([one for one in steps if id(one) not in partner] for steps in (a, b))
    return left, right


def _gaps(
    a: list[Step], b: list[Step], partner: dict[int, Step]
) -> Iterator[tuple[list[Step], list[Step]]]:
    """Give what has no partner between one pair of the sequence and the next."""
    position = {id(step): index for index, step in enumerate(b)}
    after = 0
    gap: list[Step] = []
    for left in a:
        match = partner.get(id(left))
        if match is None:
            gap.append(left)
        elif id(match) in position:
            before = position[id(match)]
            yield gap, [step for step in b[after:before] if id(step) not in partner]
            gap, after = [], before + 1
    yield gap, [step for step in b[after:] if id(step) not in partner]


def _ordered(a: Sequence[Step], b: Sequence[Step], partner: dict[int, Step]) -> list[Pair]:
    # An added step stands behind the step before it in its lane; the first of a lane, behind
    # whatever began before it.
    behind: defaultdict[int | None, list[Step]] = defaultdict(list)
    place: dict[int, int | None] = {}
    last: dict[str, int] = {}
    previous: int | None = None
    for right in b:
        match = partner.get(id(right))
        if match is not None:
            place[id(right)] = id(match)
        else:
            before = last.get(right.lane, previous)
            place[id(right)] = place[before] if before is not None else None
            behind[place[id(right)]].append(right)
        last[right.lane] = previous = id(right)
    pairs = [Pair(a=None, b=added) for added in behind[None]]
    for left in a:
        pairs.append(Pair(a=left, b=partner.get(id(left))))
        pairs += [Pair(a=None, b=added) for added in behind[id(left)]]
    return pairs


def _fingerprint(step: Step) -> Hashable:
    return step.id if step.exchange is None else step.exchange.fingerprint


def _route(step: Step) -> Hashable:
    if step.exchange is None:
        return step.named and step.named.name
    request = step.exchange.request
    return request.method, address(request.url)


def _lent_by(recorded: Sequence[Step], replayed: Sequence[Step]) -> Callable[[Step], Hashable]:
    """Pair a step with the recorded one that answered it, though it did not ask the same.

    Of several that one answer was lent to, its own is the one that asked most alike.
    """
    asked = {one.exchange.number: one for one in recorded if one.exchange is not None}
    keys: dict[int, Hashable] = {id(one): number for number, one in asked.items()}
    best: dict[int, tuple[float, Step]] = {}
    for step in replayed:
        number = step.exchange.served_from if step.exchange is not None else None
        lender = asked.get(number or 0)
        if number and lender is not None and _route(lender) == _route(step):
            like = _likeness(lender, step)
            if number not in best or like > best[number][0]:
                best[number] = like, step
    keys |= {id(step): number for number, (_, step) in best.items()}
    return lambda step: (True, keys[id(step)]) if id(step) in keys else (False, id(step))


def _likeness(one: Step, other: Step) -> float:
    bodies = []
    for step in (one, other):
        request = exchange_of(step).request
        bodies.append(leaves_of(request.body, content_type_of(request.headers)))
    return leaf_likeness(*bodies)


def _any(step: Step) -> Hashable:
    return step.kind
