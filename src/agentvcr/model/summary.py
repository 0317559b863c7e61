"""How a recording or a replay went, for the lines at its end and for `--report`.

Owns those shapes, and what counts as missed. Does not draw them (`reporters`).
"""

from __future__ import annotations

import msgspec

from agentvcr.model.results import RunDiff


class HostCount(msgspec.Struct, frozen=True, kw_only=True):
    """Exchanges with one address."""

    host: str
    """`HOST`, or `HOST:PORT` where the port is not the scheme's own."""
    exchanges: int
    internal: bool
    """The address is a server of the run itself."""


class ClientCount(msgspec.Struct, frozen=True, kw_only=True):
    """Exchanges made through one client library."""

    client: str
    exchanges: int


class ProcessCount(msgspec.Struct, frozen=True, kw_only=True):
    """Exchanges of the processes that were started by one command."""

    command: str
    """In one line, shortened."""
    processes: int
    exchanges: int


class NotRecorded(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened and is not in the cassette."""

    kind: str
    """As of a note, `broken` for what came after the recording broke, `silent` for a command of
    which nothing was heard."""
    what: str
    why: str
    count: int
    by_choice: bool
    """Somebody decided so: it was named with `--live`, or is telemetry."""


class RecordSummary(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="agentvcr.record/1"
):
    """How a recording went."""

    path: str
    exchanges: int
    processes: int
    bytes_sent: int
    """Of the bodies of requests, as they went over the network."""
    bytes_received: int
    """Of the bodies of answers, as they came over the network."""
    by_host: tuple[HostCount, ...]
    """The most first, as below; calls of recorded functions have no host."""
    by_client: tuple[ClientCount, ...]
    by_process: tuple[ProcessCount, ...]
    credentials: int
    """How many credentials were replaced by placeholders."""
    unrecorded: tuple[str, ...]
    """Addresses that the program reached past every interceptor."""
    not_recorded: tuple[NotRecorded, ...]
    """All that is not in the cassette, each with the reason; what was chosen stands last."""
    broken: str | None
    """Why the recording stopped before the program did."""
    unsealed: str | None
    """Why the recording was left as a journal, which is whole."""
    exit_status: int
    """As a shell says it: 128 + n for a signal."""

    @property
    def missed(self) -> tuple[NotRecorded, ...]:
        """What was not recorded though nobody chose so: what `--strict` is about."""
        return tuple(one for one in self.not_recorded if not one.by_choice)


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
    """Requests that `--on-miss nearest` answered with another's answer."""
    added: tuple[str, ...]
    """Requests that it answered with an error, since nothing recorded is like them."""
    asked_live: tuple[str, ...]
    """Requests that `--on-miss live` let go out; their answers are in `kept_as`."""
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
    """Requests that `--on-miss nearest` answered with another's answer."""
    added: tuple[str, ...]
    """Requests that it answered with an error, since nothing recorded is like them."""
    other_order: tuple[str, ...] = ()
    """Where callers went on in another order than the recorded one, which did not come."""
    signals: tuple[str, ...] = ()
    """Those that the recorded program got, and that come again."""
    asked_live: tuple[str, ...]
    """Requests that `--on-miss live` let go out; their answers are in `replayed_as`."""
    changed: tuple[str, ...]
    """Of a fork: what was changed, and of which step."""
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
    trace: str | None = None
    """The same word for each replay that took the same course, of those made with `--times`."""
