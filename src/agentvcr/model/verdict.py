"""What the differences between two runs amount to.

Owns the kinds of differences and what a verdict is. Does not find differences (`diff.compare`) and
does not weigh them (`diff.verdict`).
"""

from __future__ import annotations

from typing import Literal

import msgspec

DifferenceKind = Literal[
    "wording",
    "output",
    "tool_call",
    "structure",
    "setting",
    "status",
    "order",
    "missing",
    "added",
    "ending",
    "stopped",
]
"""What it is that differs.

- `wording`: text for people or models: a prompt, an answer, a string in a JSON body.
- `output`: what the program printed.
- `tool_call`: which tool was called, or with what.
- `structure`: keys, types, numbers, how many messages, a text that was JSON and is not.
- `setting`: the model, its parameters, the tools on offer, the address of its API.
- `status`: the HTTP status, or what a provider refused with.
- `order`: steps of one caller in another order.
- `missing`, `added`: a step that is there in one run alone.
- `ending`: how an answer, a step or the program ended: why the model stopped, an exception, an
  exit status.
- `stopped`: the replay could not follow.
"""

Weight = Literal["regression", "benign", "ignore"]
"""What a difference of some kind counts as."""

VerdictName = Literal["identical", "benign", "regression"]
"""Nothing differs that counts; it says otherwise what it said; it does something else."""


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Something that differs, of one kind and in one step."""

    kind: DifferenceKind
    weight: Literal["regression", "benign"]
    step: str | None
    """The id of the step; None for what is the whole run's."""
    text: str
    """Where it is, or what it is, in a line."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a run's differences from its recording amount to, and why."""

    verdict: VerdictName
    reasons: tuple[Reason, ...] = ()
    """The first divergence first, then what came after it and beside it."""
    ignored: int = 0
    """How many differences were declared to count for nothing."""
