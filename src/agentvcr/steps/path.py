"""Name the steps of a run, and find one by its name or number.

Owns step paths: the same run gives the same paths, whatever the scheduler did. Does not say what
a step was about (`outline`).
"""

from __future__ import annotations

import difflib
from collections import Counter
from typing import TYPE_CHECKING

from agentvcr.errors import NoSuchStepError
from agentvcr.model.step import Step, StepKind
from agentvcr.providers import dialect_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentvcr.model.exchange import Request
    from agentvcr.model.run import Run

ROOT_LANE = "main"


def steps_of(run: Run) -> tuple[Step, ...]:
    """Give the run's steps in the order in which they began.

    Each exchange is a step of its own: its path is its lane without the root, its kind, and how
    many of that kind its lane had before.
    """
    seen: Counter[str] = Counter()
    steps: list[Step] = []
    for number, exchange in enumerate(run.exchanges, 1):
        kind = kind_of(exchange.request)
        stem = _below_root(exchange.lane) + kind
        path = f"{stem}[{seen[stem]}]"
        seen[stem] += 1
        steps.append(Step(id=path, number=number, kind=kind, lane=exchange.lane, exchange=exchange))
    return tuple(steps)


def kind_of(request: Request) -> StepKind:
    """Tell what kind of step a request is on its own."""
    return "tool" if dialect_of(request) is None else "llm"


def find_step(steps: Sequence[Step], wanted: str) -> Step:
    """Find a step by its path or by its number.

    Raises:
        NoSuchStepError: No step has that path or number.
    """
    by_name = {step.id: step for step in steps} | {str(step.number): step for step in steps}
    name = wanted.strip().removeprefix(f"{ROOT_LANE}/")
    if name in by_name:
        return by_name[name]
    near = difflib.get_close_matches(name, [step.id for step in steps], n=3, cutoff=0.5)
    if near:
        cure = f"did you mean {' or '.join(near)}?"
    else:
        cure = "agentvcr show FILE lists the steps with their numbers"
    raise NoSuchStepError(
        f"there is no step {wanted}", where=f"the run has {len(steps)} steps", cure=cure
    )


def _below_root(lane: str) -> str:
    if lane == ROOT_LANE:
        return ""
    return lane.removeprefix(f"{ROOT_LANE}/") + "/"
