"""A run as a row of events, one a line: what other programs read of it.

Owns the shapes; `docs/reference/jsonl-events.md` is their page. Does not make events of a run
(`steps.events`) and does not write them (`reporters.jsonl`). Times are milliseconds.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from agentvcr.model.conversation import Answer, Prompt, ToolCall
from agentvcr.model.exchange import Failure
from agentvcr.model.results import NoteRow, RunState, Totals
from agentvcr.model.step import StepKind

SCHEMA: Final = "agentvcr.events/1"

Encoding = Literal["utf-8", "backslash"]
"""Text as it is; or, of bytes that are no UTF-8, backslashes doubled and odd bytes as `\\xNN`."""

HeaderTexts = tuple[tuple[str, str], ...]


ContentKind = Literal["json", "events", "text", "binary", "empty"]


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """A body, its content encoding undone where that is known."""

    kind: ContentKind
    encoding: Encoding
    bytes: int
    """Length as it was sent."""
    value: msgspec.Raw
    """JSON as JSON, in one line; anything else as a string."""


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """What a step sent; of one that the program named, the body alone: what it was given."""

    method: str = ""
    url: str = ""
    headers: HeaderTexts = ()
    encoding: Encoding = "utf-8"
    """Of `headers`."""
    body: Content
    prompt: Prompt | None = None
    """The same body as a conversation, where a dialect reads it."""


class Outputs(msgspec.Struct, frozen=True, kw_only=True):
    """What came back, as far as it arrived; of a named step, the body alone: what it gave."""

    status: int | None = None
    reason: str = ""
    headers: HeaderTexts = ()
    encoding: Encoding = "utf-8"
    """Of `headers` and `reason`."""
    chunks: int = 0
    """Pieces in which the body arrived."""
    body: Content
    answer: Answer | None = None
    """The same body as a model's answer, where a dialect reads it."""
    tool_calls: tuple[ToolCall, ...] = ()
    input_tokens: int | None = None
    output_tokens: int | None = None


class RunEvent(msgspec.Struct, frozen=True, kw_only=True):
    """The first event: what was run."""

    schema: Literal["agentvcr.events/1"] = SCHEMA
    event: Literal["run"] = "run"
    run_id: str
    started: str
    """ISO 8601, UTC."""
    command: tuple[str, ...]
    cwd: str
    cassette: str
    agentvcr: str
    platform: str


class StepEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One step. `outputs` is None when no answer came, or a named step has no end."""

    event: Literal["step"] = "step"
    run_id: str
    step: str
    number: int
    parent: str | None
    lane: str
    agent: str | None
    kind: StepKind
    action: str
    client: str = ""
    """The client library; empty for a step that the program named."""
    dialect: str | None = None
    inputs: Inputs
    outputs: Outputs | None
    began_ms: float
    first_byte_ms: float | None = None
    """From the request to the head of the answer."""
    latency_ms: float | None
    """From the request to the end of the answer."""
    ending: str | None
    """None while it is in flight."""
    error: Failure | None
    internal: bool = False
    served_from: int | None = None


class RunEndEvent(msgspec.Struct, frozen=True, kw_only=True):
    """The last event: how the run ended, and what was seen beside its steps."""

    event: Literal["run_end"] = "run_end"
    run_id: str
    state: RunState
    duration_ms: float | None
    exit_status: int | None
    signal: int | None
    totals: Totals
    notes: tuple[NoteRow, ...]


Event = RunEvent | StepEvent | RunEndEvent
