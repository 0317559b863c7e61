"""A step: a unit of work of a run, under a path that is the same in every run.

Owns the shape. Does not derive steps from a run (`agentvcr.steps`).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from agentvcr.model.exchange import Exchange
from agentvcr.model.run import NamedStep

StepKind = Literal["agent", "llm", "tool", "handoff", "state", "check", "run"]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A unit of work: an exchange, or what the program named."""

    id: str
    """A deterministic path, for example `main#0/llm[2]`."""
    number: int
    """1, 2, 3 … in the order in which steps began."""
    kind: StepKind
    lane: str
    agent: str | None = None
    """Who does the work, said of this step or of one around it."""
    parent: str | None = None
    """The id of the step around this one."""
    exchange: Exchange | None = None
    named: NamedStep | None = None
    """Of the two, one is there."""
