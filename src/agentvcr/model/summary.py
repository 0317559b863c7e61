"""How a recording or a replay went, for the lines at its end and for `--report`.

Owns those two shapes. Does not draw them (`reporters`).
"""

from __future__ import annotations

import msgspec

from agentvcr.model.results import RunDiff


class RecordSummary(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="agentvcr.record/1"
):
    """How a recording went."""

    path: str
    exchanges: int
    processes: int
    credentials: int
    """How many credentials were replaced by placeholders."""
    unrecorded: tuple[str, ...]
    """Addresses that the program reached past every interceptor."""
    broken: str | None
    """Why the recording stopped before the program did."""
    unsealed: str | None
    """Why the recording was left as a journal, which is whole."""
    exit_status: int
    """As a shell says it: 128 + n for a signal."""


class ServeSummary(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="agentvcr.serve/1"
):
    """How serving a cassette to whoever asked went."""

    path: str
    kept_as: str
    """The cassette that keeps what was asked and answered."""
    exchanges: int
    """How many requests were answered."""
    unanswered: tuple[str, ...]
    """Requests that no recorded exchange answers."""
    accepted: tuple[str, ...]
    """Requests that `--on-miss nearest` answered."""
    unused: tuple[str, ...]
    """Recorded exchanges that no request asked for."""
    broken: str | None


class ReplaySummary(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="agentvcr.replay/1"
):
    """How a replay went."""

    path: str
    replayed_as: str
    """The cassette that keeps this replay."""
    command: tuple[str, ...]
    exchanges: int
    divergence: str | None
    """Where the program left its recording for good; the replay was stopped there."""
    accepted: tuple[str, ...]
    """Requests that `--on-miss nearest` answered."""
    unused: tuple[str, ...]
    """Recorded exchanges that no request asked for."""
    not_replayed: tuple[str, ...]
    """What stayed live, or was refused as telemetry."""
    isolated: bool
    """The program had an empty network namespace; else Python's own connections were guarded."""
    broken: str | None
    exit_status: int
    """Of this command: 0 the same, 1 differs, 4 could not follow."""
    diff: RunDiff
