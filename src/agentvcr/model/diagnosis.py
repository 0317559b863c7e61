"""What `doctor` found out about a program: on what its requests depend, besides its code.

Owns the shape. Does not find anything (`detectors`) and does not draw (`reporters`).
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

WITNESS: Final = "witness"
"""The kind of a part of a recording: what its program told of one request."""

Cause = Literal[
    "clock", "chance", "hash-order", "race", "environment", "address", "process-id", "unknown"
]
"""The clock; random numbers and ids; the order of sets; which of several callers comes first; a
variable of the environment; where an object lies in memory; a process's number; something else."""

Control = Literal["clock", "chance", "hash-order", "race", "nothing"]
"""What was another in a replay than in the recording: `nothing` where all was the same."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the program."""

    file: str
    line: int
    function: str = ""
    code: str = ""
    """As it stands in the file; empty where that is not known."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a request was another."""

    step: str
    number: int
    action: str
    lane: str
    where: str
    """As a diff names it: a path in the request, or what became of the whole step."""
    recorded: str | None
    now: str | None
    request: Line | None
    """The line that made the request; None where nobody saw it."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that the program's requests depend on."""

    cause: Cause
    lines: tuple[Line, ...]
    """Where it comes in; empty where that is not known."""
    is_certain: bool
    """Whether the value that these lines read stands in the request; else they are likely."""
    places: tuple[Place, ...]
    """The requests in which it shows."""
    comes_back: bool = True
    """Whether a replay brings it back as recorded; else each replay has another, too."""
    variable: str = ""
    """Of an environment: its name."""
    racers: tuple[Place, ...] = ()
    """Of a race: requests of the callers of which now one, now another comes first."""


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """A replay, and what was another in it."""

    control: Control
    differs: bool
    stopped: str | None = None
    """Why it did not come to its end."""
    ended: str | None = None
    """How the program ended, where that is another way than the recorded one's."""


class Diagnosis(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="agentvcr.doctor/1"
):
    """What the requests of a program depend on."""

    command: tuple[str, ...]
    exit_status: int | None
    """How the program itself ended, when it was recorded."""
    signal: int | None
    exchanges: int
    trials: tuple[Trial, ...]
    findings: tuple[Finding, ...]
    kept_as: str | None = None
    """The recording, where it was kept."""

    @property
    def has_failed(self) -> bool:
        """Whether the program failed before it asked anything: nothing was looked at."""
        return not self.exchanges and (self.exit_status != 0 or self.signal is not None)
