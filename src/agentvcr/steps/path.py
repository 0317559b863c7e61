"""Name the steps of a run, and find one by its name or number.

Owns step paths: the same run gives the same paths, whatever the scheduler did. Does not say what
a step was about (`outline`).
"""

from __future__ import annotations

import difflib
from collections import Counter
from typing import TYPE_CHECKING, get_args

import msgspec

from agentvcr.errors import NoSuchStepError
from agentvcr.model.exchange import Key, is_call
from agentvcr.model.run import NamedStep
from agentvcr.model.step import Step, StepKind
from agentvcr.providers import dialect_of

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

    from agentvcr.model.exchange import Exchange, Request
    from agentvcr.model.run import Run

ROOT_LANE = "main"
CALL = "call"
"""The index's word for the exchange of a recorded function: a step under its own path."""
_KINDS: dict[str, StepKind] = {kind: kind for kind in get_args(StepKind)}


def steps_of(run: Run) -> tuple[Step, ...]:
    """Give the run's steps in the order in which they began.

    A step that the program named has the path that it was given. Each exchange is a step of its
    own: its path is its place among those (outside of them, its lane without the root), its kind,
    and how many of that kind this place had before. A recorded function's call is one step.
    """
    return tuple(each_step(run))


def each_step(run: Run) -> Iterator[Step]:
    """Give the same steps one at a time, so that none has to stay in memory."""
    return (step_at(place, run) for place in places_of(run))


def steps_by_lane(run: Run) -> Iterator[Step]:
    """Give the same steps lane by lane, one at a time: an order that no scheduler has a say in."""
    for place in sorted(places_of(run), key=lambda one: _natural(one.lane)):
        yield step_at(place, run)


def _natural(lane: str) -> list[tuple[str, int, str]]:
    """Order `task2` before `task10`."""
    parts = [(part, part.rstrip("0123456789")) for part in lane.split("/")]
    return [(stem, len(part), part[len(stem) :]) for part, stem in parts]


class Place(msgspec.Struct, frozen=True, gc=False):
    """A step, before its exchange is read."""

    number: int
    id: str
    kind: StepKind
    lane: str
    parent: str | None
    agent: str | None
    exchange: int
    """Number of its exchange; 0 where it has none."""
    named: NamedStep | None


def step_at(place: Place, run: Run) -> Step:
    """Give the step at a place, with its exchange read."""
    return Step(
        id=place.id,
        number=place.number,
        kind=place.kind,
        lane=place.lane,
        agent=place.agent,
        parent=place.parent,
        exchange=run.exchanges.numbered(place.exchange) if place.exchange else None,
        named=place.named,
    )


def places_of(run: Run) -> Iterator[Place]:
    """Give the place of each step, in order; reads an exchange only to learn its kind."""
    keys = run.exchanges.list_keys()
    agents = {one.path: one.agent for one in run.steps}
    known = {*agents, *(key.place for key in keys if key.kind == CALL)}
    seen: Counter[str] = Counter()
    for number, one in enumerate(_in_order(run.steps, keys), 1):
        if isinstance(one, Key):
            path, kind = _path_of(one, run, seen)
            named, exchange = None, one.number
        else:
            path, kind = one.path, _KINDS.get(one.kind, "agent")
            named, exchange = one, 0
        around = list(_around(path, known)) if known else []
        doer = next((agents[each] for each in (path, *around) if agents.get(each)), None)
        parent = around[0] if around else None
        yield Place(number, path, kind, one.lane, parent, doer, exchange, named)


def _in_order(named: Sequence[NamedStep], keys: Sequence[Key]) -> Iterable[NamedStep | Key]:
    """Put named steps before the first exchange in them, of which one may have heard first."""
    if not named:
        return keys
    after = {one.path: one.after for one in named}
    for inner, number in [
        *((key.place, key.number - 1) for key in keys if key.place),
        *((one.path, one.after) for one in named),
    ]:
        for path in (inner, *_around(inner, after)):
            if number < after.get(path, 0):
                after[path] = number
    items: list[tuple[int, int, int, NamedStep | Key]] = [(key.number, 0, 0, key) for key in keys]
    items += [(after[one.path], 1, index, one) for index, one in enumerate(named)]
    return (one for *_, one in sorted(items, key=lambda item: item[:3]))


def _around(path: str, known: Container[str]) -> Iterator[str]:
    """Give the steps around one, the innermost first: what its path begins with."""
    end = path.rfind("/")
    while end > 0:
        if path[:end] in known:
            yield path[:end]
        end = path.rfind("/", 0, end)


def _path_of(key: Key, run: Run, seen: Counter[str]) -> tuple[str, StepKind]:
    if key.kind == CALL:
        return key.place, "tool"
    kind = _KINDS.get(key.kind) or kind_of(run.exchanges.numbered(key.number).request)
    stem = f"{key.place}/{kind}" if key.place else _below_root(key.lane) + kind
    seen[stem] += 1
    return f"{stem}[{seen[stem] - 1}]", kind


def key_kind(exchange: Exchange) -> str:
    """Tell what kind of step an exchange is, for the index: `call` for a recorded function's."""
    return CALL if is_call(exchange) else kind_of(exchange.request)


def kind_of(request: Request) -> StepKind:
    """Tell what kind of step a request is on its own."""
    return "tool" if dialect_of(request) is None else "llm"


def find_step(run: Run, wanted: str) -> Step:
    """Find a step by its path, the end of one that no other has, or its number.

    Raises:
        NoSuchStepError: No step has that path or number.
    """
    places = list(places_of(run))
    return step_at(places[_find(places, wanted)], run)


def find_with_others(run: Run, wanted: str) -> tuple[Step, Iterator[Step], Iterator[Step]]:
    """Find a step, those that began before it (the latest first), and those that began after it.

    Raises:
        NoSuchStepError: No step has that path or number.
    """
    places = list(places_of(run))
    found = _find(places, wanted)
    before = (step_at(place, run) for place in places[:found][::-1])
    return step_at(places[found], run), before, (step_at(one, run) for one in places[found + 1 :])


def _find(places: Sequence[Place], wanted: str) -> int:
    name = wanted.strip().removeprefix(f"{ROOT_LANE}/")
    for index, place in enumerate(places):
        if name in (place.id, str(place.number)):
            return index
    ends = [index for index, place in enumerate(places) if place.id.endswith(f"/{name}")]
    if len(ends) == 1:
        return ends[0]
    paths = [place.id for place in places]
    what = f"{len(ends)} steps end in {wanted}" if ends else f"there is no step {wanted}"
    # A row of `show` that is no step itself, such as a task, stands for those within it.
    within = [path for path in paths if f"/{name}/" in f"/{path}"]
    near = [paths[index] for index in ends] or within
    near = near or difflib.get_close_matches(name, paths, n=_MOST_NEAR, cutoff=0.5)
    cure = "agentvcr show FILE lists the steps with their numbers"
    if near:
        more = " or another" * (len(near) > _MOST_NEAR)
        cure = f"did you mean {' or '.join(near[:_MOST_NEAR])}{more}?"
    raise NoSuchStepError(what, where=f"the run has {len(paths)} steps", cure=cure)


_MOST_NEAR = 3


def _below_root(lane: str) -> str:
    if lane == ROOT_LANE:
        return ""
    return lane.removeprefix(f"{ROOT_LANE}/") + "/"
