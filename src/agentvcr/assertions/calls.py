"""The tools that a run called, and those that its models asked for.

Owns what counts as a call of a tool. That one act is not counted twice, `tree` sees to.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal
from urllib.parse import unquote

import msgspec

from agentvcr.assertions.failing import one_line
from agentvcr.model.conversation import ToolCall
from agentvcr.model.exchange import Exchange, is_call
from agentvcr.model.step import Step
from agentvcr.providers import dialect_of, mcp
from agentvcr.providers.body import Json, json_text, value_of
from agentvcr.steps.outline import NS_PER_MS, tool_of


class FoundCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call of a tool."""

    name: str
    arguments: Json
    """Parsed; the text itself where it is no JSON, as of an answer that was cut short."""
    result: Json = None
    """What it gave; of one that was only asked for, what the model was told of it later."""
    error: str = ""
    """What it raised, or was refused with."""
    step: str
    """The path of the step that called it, or asked for it."""
    number: int
    """That step's number."""
    caller: str
    """The agent that did, or the lane where no agent is named."""
    how: Literal["done", "asked"]
    """`done`: a recorded function, or a tool of an MCP server. `asked`: by a model."""
    latency_ms: float | None = None
    """How long it took; None where nobody knows."""
    call_id: str = ""
    """The id that the provider gave to what a model asked for."""

    def __str__(self) -> str:
        arguments = "" if self.arguments in (None, {}) else json_text(self.arguments)
        said = one_line(f"{self.name}({arguments})")
        kind, colon, message = self.error.partition(": ")
        return f"{said}: {kind.rpartition('.')[2]}{colon}{message}" if self.error else said


def calls_of(step: Step) -> tuple[FoundCall, ...]:
    """Give what a step called or asked for: nothing for one that the program named."""
    exchange = step.exchange
    if exchange is None:
        return ()
    if is_call(exchange):
        return (_function(step, exchange),)
    said = mcp.read_said(exchange.request)
    if said is not None:
        return (_tool(step, exchange, said),) if said.is_tool_call else ()
    dialect = dialect_of(exchange.request)
    answer = dialect.read_answer(exchange.response) if dialect and exchange.response else None
    if answer is None:
        return ()
    messages = (answer.message, *answer.others)
    return tuple(_asked(step, call) for one in messages for call in one.tool_calls)


def lines_of(calls: Iterable[FoundCall]) -> list[str]:
    """Give calls in a line each, with the step."""
    return [f"{call.number} {call.step}  {call}" for call in calls]


def _function(step: Step, exchange: Exchange) -> FoundCall:
    failure = exchange.ending.failure if exchange.ending is not None else None
    given = exchange.response.body if exchange.response is not None and failure is None else b""
    return _done(
        step,
        exchange,
        name=unquote(tool_of(exchange.request)),
        arguments=value_of(exchange.request.body),
        result=value_of(given),
        error=f"{failure.type}: {failure.message}" if failure is not None else "",
    )


def _tool(step: Step, exchange: Exchange, said: mcp.Said) -> FoundCall:
    given, error = mcp.result_of(exchange.response) if exchange.response else (None, "")
    return _done(
        step, exchange, name=said.target, arguments=said.arguments, result=given, error=error
    )


def _done(  # noqa: PLR0913  (what a call is made of)
    step: Step, exchange: Exchange, *, name: str, arguments: Json, result: Json, error: str
) -> FoundCall:
    ending = exchange.ending
    return FoundCall(
        name=name,
        arguments=arguments,
        result=result,
        error=one_line(error),
        step=step.id,
        number=step.number,
        caller=step.agent or step.lane,
        how="done",
        latency_ms=(ending.at_ns - exchange.began_ns) / NS_PER_MS if ending else None,
    )


def _asked(step: Step, call: ToolCall) -> FoundCall:
    text = call.arguments
    parsed = value_of(text.encode("utf-8", "replace"))
    return FoundCall(
        name=call.name,
        arguments=text if parsed is None and text else parsed,
        step=step.id,
        number=step.number,
        caller=step.agent or step.lane,
        how="asked",
        call_id=call.id,
    )
