"""What `show`, `ls` and `diff` found out: values, ready to be drawn or written as JSON.

Owns the shapes; each result names its JSON schema. Does not compute one (`outline`, `diff`) and
does not draw one (`reporters`). Times are milliseconds; bytes are text, odd ones as backslash
escapes.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from agentvcr.model.conversation import Conversation
from agentvcr.model.imported import Imported
from agentvcr.model.step import StepKind
from agentvcr.model.verdict import DifferenceKind

RunState = Literal["complete", "unfinished", "torn", "damaged"]
"""Ended as recorded; without a recorded end; cut at its tail; or with bytes that are not whole."""

EntryStatus = Literal["same", "changed", "added", "removed", "not_reached"]
"""`not_reached`: the replay stopped before this step could run."""


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over the steps of a run."""

    steps: int
    llm: int
    tool: int
    input_tokens: int
    output_tokens: int


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A run in a line or two."""

    path: str
    run_id: str
    started: str
    """ISO 8601, UTC."""
    command: tuple[str, ...]
    duration_ms: float | None
    exit_status: int | None
    signal: int | None
    state: RunState
    totals: Totals


class StepRow(msgspec.Struct, frozen=True, kw_only=True):
    """A step in one line."""

    id: str
    number: int
    kind: StepKind
    lane: str
    agent: str | None
    parent: str | None
    action: str
    """What was asked: a model, or a method and an address."""
    result: str
    """What came of it, in a few words."""
    status: int | None
    """The HTTP status of the answer."""
    ending: str | None
    """How the exchange ended; None while it is in flight."""
    error: str | None
    """The exception that ended it, by name."""
    began_ms: float
    latency_ms: float | None
    input_tokens: int | None
    output_tokens: int | None
    internal: bool = False
    served_from: int | None = None


class NoteRow(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was seen and is not a step."""

    kind: str
    text: str
    count: int


class Outline(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="agentvcr.show/1"):
    """A run as its steps, in the order in which they began."""

    run: RunSummary
    steps: tuple[StepRow, ...]
    notes: tuple[NoteRow, ...]


class BodyView(msgspec.Struct, frozen=True, kw_only=True):
    """A body, its content encoding undone where that is known."""

    kind: Literal["json", "events", "text", "binary", "empty"]
    text: str
    bytes: int
    """Length as it was sent."""


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """What one step gave and another was given, word for word: an edge of the data flow."""

    source: str
    """Id of the step that gave it."""
    target: str
    """Id of the step that was given it."""
    where: str
    """Where it stands there, as a diff names it: `request.messages[2]`."""
    text: str
    """The beginning of it."""


class StepDetail(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="agentvcr.step/1"
):
    """One step in full. Of one that the program named, the bodies are its input and its output."""

    step: StepRow
    exchange: int | None
    """Number of the exchange; None for a step that the program named."""
    client: str = ""
    method: str = ""
    url: str = ""
    request_headers: tuple[tuple[str, str], ...] = ()
    request_body: BodyView
    reason: str = ""
    response_headers: tuple[tuple[str, str], ...] = ()
    response_body: BodyView
    first_byte_ms: float | None = None
    chunks: int = 0
    failure: str | None = None
    """The exception's type and its message."""
    conversation: Conversation | None = None
    goes_into: tuple[Use, ...] = ()
    """Where what this step gave is used."""
    comes_from: tuple[Use, ...] = ()
    """What of that which this step was given, others gave."""


class CassetteRow(msgspec.Struct, frozen=True, kw_only=True):
    """A cassette in one line. `run` is None where the file could not be read."""

    name: str
    size: int
    run: RunSummary | None
    exchanges: int = 0
    error: str | None = None
    slug: str | None = None


class Listing(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="agentvcr.ls/1"):
    """The cassettes of a folder, by name."""

    folder: str
    cassettes: tuple[CassetteRow, ...]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One difference: where, and the text on either side. None: it is not there on that side."""

    where: str
    before: str | None
    after: str | None
    kind: DifferenceKind


class DiffEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A step of one run beside its counterpart in the other. At least one side is there."""

    status: EntryStatus
    a: StepRow | None
    b: StepRow | None
    changes: tuple[Change, ...] = ()
    own: bool = False
    """The step gave something else although everything inside it is the same: the program's own
    code decided otherwise."""


class OutputDiff(msgspec.Struct, frozen=True, kw_only=True):
    """The first line in which an output stream differs. None: that side has ended before it."""

    stream: Literal["stdout", "stderr"]
    line: int
    """1-based."""
    before: str | None
    after: str | None


class DiffCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How many entries have each status."""

    same: int = 0
    changed: int = 0
    added: int = 0
    removed: int = 0
    not_reached: int = 0


SurroundingKind = Literal["source", "file", "package", "python", "platform", "environment", "argv"]

SurroundingStatus = Literal["changed", "added", "removed"]


class Surrounding(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a run was made of, and another was not."""

    kind: SurroundingKind
    name: str
    """A file's path, a package, a variable."""
    status: SurroundingStatus
    before: str | None = None
    """A version or a value; None where only its hash is kept, or where it is not there."""
    after: str | None = None


class RunDiff(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="agentvcr.diff/1"):
    """What a run did otherwise than another."""

    same: bool
    a: RunSummary
    b: RunSummary
    halted: str | None
    """Why the replay that made `b` stopped; None when it was not stopped."""
    counts: DiffCounts
    first: int | None
    """Index in `entries` of the first divergence."""
    consequences: tuple[int, ...]
    """Indexes of differing entries that began after the first divergence: its likely effects."""
    concurrent: tuple[int, ...]
    """Indexes of the other differing entries: already under way, so not caused by it."""
    entries: tuple[DiffEntry, ...]
    flow: tuple[Use, ...]
    """Where what the step of the first divergence gave is used."""
    output: tuple[OutputDiff, ...]
    ending: Change | None
    """The exit status or signal, where it differs."""
    changed: tuple[Surrounding, ...] = ()
    """What `b` was made of that `a` was not, also where every step is the same."""


Result = Outline | StepDetail | Listing | RunDiff | Imported
"""What every reporter can render."""
