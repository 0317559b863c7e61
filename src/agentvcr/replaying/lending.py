"""Which recorded answer is lent to a request that the recording does not have: `nearest`.

Owns who may answer for whom: the same lane, method, host and path, and alike enough, of another
model only where nearly all else is the same; and which of several: the most alike, and of equals
the next that has answered nobody. Likeness itself is `matching.nearest`. What is lent is not used
up: who asks for it exactly still gets it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator
from itertools import islice
from urllib.parse import quote

import msgspec

from agentvcr.matching.canonical import canonical_place, content_type_of
from agentvcr.matching.nearest import Leaves, leaf_likeness, leaves_of
from agentvcr.model.exchange import Exchange, Exchanges, Key, Request
from agentvcr.providers import model_of
from agentvcr.providers.mcp import read_said

LIKE_ENOUGH = 0.3
"""Below this likeness nothing is lent. Calls of one function or tool are always like enough: what
they are given is often one short value."""
_OTHER_MODEL = 0.4
"""What another model takes from the likeness of all else, which so has to be 0.7 at least."""
_CLEARLY = 0.25
"""By so much a used exchange has to be more alike than any that is left: each agent of a lane has
an answer of its own, and its neighbour's that came before is no better one."""
_MOST_LENT = 10
"""Times that one answer is lent: who asks on for another one, asks in vain."""
_WINDOW = 100
"""Exchanges compared at most: those that have answered nobody, from the first of the lane on."""
_FEW = 20
"""And of those that were lent, the last ones."""
_MOST_KEPT = 512
_EQUAL = 0.001
"""Two that differ in likeness by less are equally alike."""


class _Traits(msgspec.Struct, frozen=True, gc=False):
    """What of a request has to be the same, and what has to be alike."""

    same: tuple[str, ...]
    model: str
    leaves: Leaves
    is_call: bool


def _traits(request: Request) -> _Traits:
    place, _, query = canonical_place(request.method, request.url).partition("?")
    said = read_said(request)
    model = model_of(request) if said is None else ""
    leaves = leaves_of(request.body, content_type_of(request.headers))
    if model and leaves.pop(".model", None) is None:  # some APIs have it in the path
        for name in (model, quote(model, safe="")):
            place = place.replace(f"/{name}", "/{model}")
    for number, field in enumerate(query.split("&") if query else ()):
        name, _, value = field.partition("=")
        leaves[f"?{number}.{name}"] = value.encode("utf-8", "surrogateescape")
    same = (place, *((said.method, said.target) if said is not None else ()))
    return _Traits(same, model, leaves, said is not None or request.method == "CALL")


class Lender:
    """Lends answers, and knows to how many."""

    def __init__(
        self,
        exchanges: Exchanges,
        keys: Iterable[Key],
        unused: Container[int],
        *,
        any_lane: bool = False,
    ) -> None:
        """Lend from `keys`, whose numbers are in `unused` until somebody asked for them exactly.

        With `any_lane`, lanes do not count: who asks has none of the recorded program's.
        """
        self._exchanges = exchanges
        self._unused = unused
        self._any_lane = any_lane
        self._lanes: dict[str, list[int]] = {}
        for one in keys:
            self._lanes.setdefault("" if any_lane else one.lane, []).append(one.number)
        self._start: Counter[str] = Counter()
        self._known: dict[int, _Traits] = {}
        self._lent: Counter[int] = Counter()
        self._lent_in: dict[str, list[int]] = {}

    def has_lent(self, number: int) -> bool:
        """Whether an exchange has answered a request that is not its own."""
        return number in self._lent

    def lend(self, lane: str, request: Request, same: Exchange | None = None) -> Exchange | None:
        """Give the recorded exchange that answers for `request`; None where nothing is like it.

        Args:
            lane: The caller.
            request: What it asks.
            same: An exchange of the very same request that has answered already.
        """
        found = self.closest(lane, request, same)
        if found is not None:
            self._lent[found.number] += 1
            self._lent_in.setdefault("" if self._any_lane else lane, []).append(found.number)
        return found

    def closest(self, lane: str, request: Request, same: Exchange | None = None) -> Exchange | None:
        """Find that exchange without lending it."""
        if same is not None:
            return same if self._lent[same.number] < _MOST_LENT else None
        wanted = _traits(request)
        lane = "" if self._any_lane else lane
        lent = [one for one in self._lent_in.get(lane, ())[-_FEW:] if one in self._unused]
        found, like = self._best(wanted, [*islice(self._waiting(lane), _WINDOW), *lent])
        used = [one for one in self._lanes.get(lane, ()) if one not in self._unused]
        again, how = self._best(wanted, used[-_FEW:])  # asked once more than in the recording
        if found is None or how >= like + _CLEARLY:
            found, like = again, how
        if found is None or (like < LIKE_ENOUGH and not wanted.is_call):
            return None
        return self._exchanges.numbered(found)

    def _waiting(self, lane: str) -> Iterator[int]:
        """Give what has answered nobody yet, the first first."""
        numbers = self._lanes.get(lane, [])
        while self._start[lane] < len(numbers) and self._is_past(numbers[self._start[lane]]):
            self._start[lane] += 1
        return (one for one in islice(numbers, self._start[lane], None) if not self._is_past(one))

    def _is_past(self, number: int) -> bool:
        return number not in self._unused or number in self._lent

    def _best(self, wanted: _Traits, numbers: Iterable[int]) -> tuple[int | None, float]:
        """Find the most alike, and say how much it is; 0 where there is none."""
        ranked = [
            (self._alike(wanted, traits), number)
            for number in numbers
            if self._lent[number] < _MOST_LENT
            and (traits := self._traits_of(number)).same == wanted.same
        ]
        if not ranked:
            return None, 0.0
        most = max(like for like, _ in ranked)
        equals = [number for like, number in ranked if like >= most - _EQUAL]
        return min(equals, key=lambda one: (self._lent[one], one)), max(most, 0.0)

    @staticmethod
    def _alike(wanted: _Traits, traits: _Traits) -> float:
        like = leaf_likeness(wanted.leaves, traits.leaves)
        return like if traits.model == wanted.model else like - _OTHER_MODEL

    def _traits_of(self, number: int) -> _Traits:
        traits = self._known.get(number)
        if traits is None:
            traits = _traits(self._exchanges.numbered(number).request)
            if len(self._known) >= _MOST_KEPT:
                del self._known[next(iter(self._known))]
            self._known[number] = traits
        return traits
