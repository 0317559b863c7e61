"""One execution of a program: its processes, exchanges, output and end.

Owns the shape of a run in memory. Does not read or write one (`cassette`), nor judge it (`diff`).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from agentvcr.model.exchange import Exchanges, Failure

Stream = Literal["stdin", "stdout", "stderr"]


class RunInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What was run, where and by whom. Written first."""

    run_id: str
    started_at_ns: int
    """Wall clock at the start, nanoseconds since the Unix epoch."""
    argv: tuple[str, ...]
    """The command, with `{python}` for the interpreter and credentials masked."""
    cwd: str
    """Working directory, relative to the folder that `record` was started in."""
    agentvcr: str
    platform: str
    rules: str
    """Id of the rule set that made the fingerprints."""
    environment: dict[str, str]
    """Values of the variables on the allow list; for all others a keyed hash."""


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """A process of the recorded tree that spoke to the engine."""

    index: int
    pid: int
    parent_pid: int
    lane: str
    argv: tuple[str, ...]
    python: str
    began_ns: int


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """Some bytes that the program wrote, or read from its standard input."""

    process: int
    stream: Stream
    at_ns: int
    data: bytes


class NamedStep(msgspec.Struct, frozen=True, kw_only=True):
    """A step that the program named. `ended_ns` is None where its end was not recorded."""

    path: str
    name: str
    kind: str
    agent: str | None
    process: int
    lane: str
    began_ns: int
    after: int
    """Number of the last exchange that had begun by then; 0 before the first."""
    input: bytes
    """JSON, or nothing."""
    ended_ns: int | None = None
    output: bytes = b""
    """JSON, or nothing."""
    failure: Failure | None = None


ANSWERED = " -> "
"""Stands between a request to a collector and how it was answered, in the text of a note."""


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the recorder or the replayer saw and that is not an exchange.

    `kind` is one of `divergence`, `unrecorded`, `unentered`, `telemetry`, `live`, `lost`, `signal`,
    `order` (a turn that did not come), `gateway` (its address, where somebody came to it).
    """

    kind: str
    at_ns: int
    process: int
    text: str
    count: int = 1


ROOT = "root"
"""The kind of a part: the project's folder, of a run that printed its name."""


class WorldPart(msgspec.Struct, frozen=True, kw_only=True):
    """A part of what surrounds the exchanges of a process, in the encoding of its kind.

    `process` is 0 and `lane` empty where it is the run's.
    """

    kind: str
    process: int
    lane: str
    data: bytes


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How the command ended: an exit status, or the signal that killed it."""

    at_ns: int
    exit_status: int | None
    signal: int | None


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One execution, read from a cassette. `outcome` is None when its end was not recorded."""

    path: str
    info: RunInfo
    processes: tuple[Process, ...]
    exchanges: Exchanges
    outputs: tuple[Output, ...]
    notes: tuple[Note, ...]
    outcome: Outcome | None
    steps: tuple[NamedStep, ...] = ()
    """Those that the program named, in the order in which they began."""
    world: tuple[WorldPart, ...] = ()
    """What a replay needs besides the exchanges, in the order in which it was told."""
    torn_bytes: int = 0
    """Bytes at the end of a journal that are no whole frame: cut, never guessed."""

    def output(self, stream: Stream) -> bytes:
        """Everything the program said on `stream`, in the order in which it was written."""
        return b"".join(piece.data for piece in self.outputs if piece.stream == stream)
