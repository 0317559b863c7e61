"""What a run, or a step of it, took, and that it was not too much: tokens, time, steps, calls.

Owns the sums, and that an unknown number is no small one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from agentvcr.assertions.calls import lines_of
from agentvcr.assertions.failing import failed
from agentvcr.assertions.tree import Part
from agentvcr.model.results import StepRow
from agentvcr.steps.outline import FIRST_ERROR_STATUS, NS_PER_MS

_WHOLE: Final = ("eof", "closed")


def tokens(part: Part) -> int:
    """Sum up all tokens that the providers told."""
    return input_tokens(part) + output_tokens(part)


def input_tokens(part: Part) -> int:
    """Sum up the tokens of what models were asked."""
    return sum(row.input_tokens or 0 for row in part.rows)


def output_tokens(part: Part) -> int:
    """Sum up the tokens of what models answered."""
    return sum(row.output_tokens or 0 for row in part.rows)


def latency_ms(part: Part) -> float | None:
    """Say how long a step took, or a run: as far as it has come. None while a step is under way."""
    tree = part.tree
    if part.root is not None:
        return next(row.latency_ms for row in tree.rows if row.id == part.root)
    if tree.run.outcome is not None:
        return tree.run.outcome.at_ns / NS_PER_MS
    return max((row.began_ms + (row.latency_ms or 0.0) for row in tree.rows), default=0.0)


def llm_calls(part: Part) -> int:
    """Count the requests to models."""
    return sum(place.kind == "llm" and place.named is None for place in part.places)


def steps(part: Part) -> int:
    """Count the steps; of a step, those inside it."""
    return len(part.indexes) - (part.root is not None)


def tool_calls(part: Part) -> int:
    """Count the calls of tools."""
    return len(part.calls())


TAKEN: Final[Mapping[str, Callable[[Part], float | None]]] = {
    "tokens": tokens,
    "input_tokens": input_tokens,
    "output_tokens": output_tokens,
    "latency_ms": latency_ms,
    "steps": steps,
    "llm_calls": llm_calls,
    "tool_calls": tool_calls,
}
"""What there can be a budget for."""


def untold(part: Part) -> Sequence[StepRow]:
    """Give the answers of models that say no number of tokens."""
    return [
        row
        for row in part.rows
        if row.kind == "llm"
        and row.ending in _WHOLE
        and row.status is not None
        and row.status < FIRST_ERROR_STATUS
        and row.input_tokens is None
        and row.output_tokens is None
    ]


def expect_within(part: Part, limits: Mapping[str, float | None]) -> None:
    """Pass where nothing took more than its limit; None is no limit.

    Raises:
        ExpectationFailed: Something did, or nobody can tell.
    """
    __tracebackhide__ = True
    given = {name: limit for name, limit in limits.items() if limit is not None}
    silent = untold(part) if any(name.endswith("tokens") for name in given) else ()
    if silent:
        raise failed(
            "expected to know how many tokens were used, found answers that do not say so",
            where=part.name,
            title="they say no number of tokens",
            lines=[f"{row.number} {row.id}  {row.action}" for row in silent],
        )
    taken = {name: TAKEN[name](part) for name in given}
    over = [name for name, limit in given.items() if (used := taken[name]) is None or used > limit]
    if over:
        told = " and ".join(f"at most {_number(given[name], name)}" for name in over)
        found = " and ".join(_number(taken[name], name) for name in over)
        raise failed(
            f"expected {told}, found {found}",
            where=part.name,
            title="the most of it",
            lines=_greatest(part, over[0]),
        )


def _number(value: float | None, name: str) -> str:
    if value is None:
        return "no end yet"
    if name == "latency_ms":
        return f"{value:,.0f} ms"
    return f"{value:,} {name.replace('_', ' ')}"


def _greatest(part: Part, name: str) -> list[str]:
    """Give the steps of which there was most, in a line each."""
    inner = [row for row in part.rows if row.id != part.root]
    if name in {"tokens", "input_tokens", "output_tokens"}:
        used = {row.number: _tokens_of(row, name) for row in inner}
        rows = sorted((row for row in inner if used[row.number]), key=lambda one: -used[one.number])
        return [f"{row.number} {row.id}  {used[row.number]:,} {row.action}" for row in rows]
    if name == "latency_ms":
        timed = sorted(inner, key=lambda one: -(one.latency_ms or 0.0))
        return [f"{row.number} {row.id}  {_number(row.latency_ms, name)}" for row in timed]
    if name == "tool_calls":
        return lines_of(part.calls())
    rows = [row for row in inner if name == "steps" or row.kind == "llm"]
    return [f"{row.number} {row.id}  {row.action}" for row in rows]


def _tokens_of(row: StepRow, name: str) -> int:
    told = {"input_tokens": row.input_tokens or 0, "output_tokens": row.output_tokens or 0}
    return told.get(name, sum(told.values()))
