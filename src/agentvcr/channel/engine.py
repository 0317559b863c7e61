"""What the hub needs of an engine, so that it knows no recorder and no replayer.

Owns these protocols. `recording.recorder.Recorder` and `replaying.ledger.Ledger` fit them.
"""

from __future__ import annotations

from typing import Protocol

from agentvcr.inside.exchange import (
    Forward,
    HeaderList,
    ReplayHalt,
    Request,
    Serve,
    StepBegan,
    StepEnded,
)
from agentvcr.model.run import Stream


class TimedSink(Protocol):
    """A sink that is told when things happened, in nanoseconds of the monotonic clock."""

    number: int
    """That of the exchange in the cassette; 0 where it is none."""

    def head(
        self, status: int, headers: HeaderList, reason: bytes, http_version: bytes, at_ns: int = 0
    ) -> None:
        """Take the head."""

    def chunk(self, data: bytes, at_ns: int = 0) -> None:
        """Take a chunk."""

    def end(self, kind: str, error: BaseException | None = None) -> None:
        """Take the end, with the exception itself."""

    def end_as(self, kind: str, failure: tuple[str, str] | None, at_ns: int = 0) -> None:
        """Take the end, with the name and message of an exception elsewhere."""


class Engine(Protocol):
    """A handler that also takes down what is no exchange, and can make all of it safe."""

    def begin(self, request: Request) -> Serve | Forward:
        """Decide about a request."""

    def recorded_sink(self, decision: Forward) -> TimedSink | None:
        """Give the sink of a forwarded exchange; None where it is not recorded."""

    def process(self, fields: dict[str, object], at_ns: int) -> int:
        """Take down a process; returns its index."""

    def process_end(self, index: int) -> None:
        """Take down that a process has closed its last connection."""

    def step_began(self, step: StepBegan) -> None:
        """Take down that a step began."""

    def step_ended(self, step: StepEnded) -> None:
        """Take down that a step is over."""

    def output(self, process: int, stream: Stream, data: bytes, at_ns: int) -> None:
        """Take down what the program said."""

    def note(
        self,
        kind: str,
        text: str,
        request: Request | None = None,
        process: int = 0,
        *,
        count: int = 1,
    ) -> None:
        """Take down something else, and how often it was seen."""

    def world(self, kind: str, process: int, lane: str, data: bytes) -> None:
        """Take down a part of what surrounds a process's exchanges."""

    def lane_name(self, lane: str) -> str:
        """Give a lane's name without credentials."""

    def unentered(self, argv: list[str], process: int, *, seen: bool) -> None:
        """Take down a command that does not let us in, unless it is known."""

    def failed(self, error: Exception) -> None:
        """Stop recording over an error of our own."""

    def lost(self, text: str) -> None:
        """Take down that an exchange passed unrecorded, over an error of our own."""

    def flush(self) -> None:
        """Hand everything taken down to the operating system."""


class SignalSource(Protocol):
    """Signals that a replayed program is to get."""

    @property
    def timeout_s(self) -> float | None:
        """Seconds until it is time to look; None when nothing is to come."""

    def due(self) -> list[int]:
        """Take the signals whose time has come."""


class Divergences(Protocol):
    """Where a replay's divergences are taken down."""

    telemetry: int
    """How often telemetry was not sent."""
    goes_on: bool
    """Whether the replay goes on after a divergence."""

    @property
    def is_over(self) -> bool:
        """Whether a fatal divergence ended the replay."""

    def diverged(self, kind: str, message: str, *, fatal: bool = True) -> ReplayHalt:
        """Take down a divergence."""


class Worlds(Protocol):
    """What a recording holds of its processes besides their exchanges."""

    def parts(self, kind: str, process: int, lane: str = "") -> list[tuple[str, bytes]]:
        """Give what was recorded of the process that a replayed one stands for: lane and data.

        With a `lane`, what was recorded of that, in whichever process.
        """
