"""Name the steps of a run, and find one by its name or number.

Owns step paths: the same run gives the same paths, whatever the scheduler did. Does not say what
a step was about (`outline`).
"""

from __future__ import annotations

import difflib
from collections import Counter
from typing import TYPE_CHECKING, get_args

from agentvcr.errors import NoSuchStepError
from agentvcr.model.step import Step, StepKind
from agentvcr.providers import dialect_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agentvcr.model.exchange import Exchange, Exchanges, Key, Request
    from agentvcr.model.run import Run

ROOT_LANE = "main"
_KINDS: dict[str, StepKind] = {kind: kind for kind in get_args(StepKind)}


def steps_of(run: Run) -> tuple[Step, ...]:
    """Give the run's steps in the order in which they began.

    Each exchange is a step of its own: its path is its lane without the root, its kind, and how
    many of that kind its lane had before.
    """
    return tuple(each_step(run))


def each_step(run: Run) -> Iterator[Step]:
    """Give the same steps one at a time, so that none has to stay in memory."""
    places = _places(run.exchanges.list_keys(), run.exchanges)
    for (number, path, kind), exchange in zip(places, run.exchanges, strict=True):
        yield _step(number, path, kind, exchange)


def steps_by_lane(run: Run) -> Iterator[Step]:
    """Give the same steps lane by lane, one at a time: an order that no scheduler has a say in."""
    keys = run.exchanges.list_keys()
    places = zip(keys, _places(keys, run.exchanges), strict=True)
    for key, (number, path, kind) in sorted(places, key=lambda one: _natural(one[0].lane)):
        yield _step(number, path, kind, run.exchanges.numbered(key.number))


def _natural(lane: str) -> list[tuple[str, int, str]]:
    """Order `task2` before `task10`."""
    parts = [(part, part.rstrip("0123456789")) for part in lane.split("/")]
    return [(stem, len(part), part[len(stem) :]) for part, stem in parts]


def _step(number: int, path: str, kind: StepKind, exchange: Exchange) -> Step:
    return Step(id=path, number=number, kind=kind, lane=exchange.lane, exchange=exchange)


def _places(keys: Sequence[Key], exchanges: Exchanges) -> Iterator[tuple[int, str, StepKind]]:
    """Give number, path and kind of each step; reads an exchange only to learn its kind."""
    seen: Counter[str] = Counter()
    for number, key in enumerate(keys, 1):
        known = _KINDS.get(key.kind)
        kind = known or kind_of(exchanges.numbered(key.number).request)
        stem = _below_root(key.lane) + kind
        yield number, f"{stem}[{seen[stem]}]", kind
        seen[stem] += 1


def kind_of(request: Request) -> StepKind:
    """Tell what kind of step a request is on its own."""
    return "tool" if dialect_of(request) is None else "llm"


def find_step(run: Run, wanted: str) -> Step:
    """Find a step by its path or by its number, and read no other where that can be.

    Raises:
        NoSuchStepError: No step has that path or number.
    """
    keys = run.exchanges.list_keys()
    name = wanted.strip().removeprefix(f"{ROOT_LANE}/")
    paths: list[str] = []
    for number, path, kind in _places(keys, run.exchanges):
        if name in (path, str(number)):
            exchange = run.exchanges.numbered(keys[number - 1].number)
            return _step(number, path, kind, exchange)
        paths.append(path)
    near = difflib.get_close_matches(name, paths, n=3, cutoff=0.5)
    if near:
        cure = f"did you mean {' or '.join(near)}?"
    else:
        cure = "agentvcr show FILE lists the steps with their numbers"
    raise NoSuchStepError(
        f"there is no step {wanted}", where=f"the run has {len(paths)} steps", cure=cure
    )


def _below_root(lane: str) -> str:
    if lane == ROOT_LANE:
        return ""
    return lane.removeprefix(f"{ROOT_LANE}/") + "/"
