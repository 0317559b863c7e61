"""The recorder: a handler that takes down every exchange, and what another handler answered.

Owns the order of records. Does not answer requests itself (a replayer inside it
does) and does not know processes or sockets (`channel`).

Nothing reaches the disk before `flush`: whoever drives the recorder flushes when a request began
and before the program sees an exchange's end.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import monotonic_ns

from agentvcr.boundary import UPGRADED, Boundary, name_upgrade
from agentvcr.cassette import format as fmt
from agentvcr.cassette.frames import RecordTooLargeError
from agentvcr.cassette.journal import Journal, JournalBrokenError
from agentvcr.cassette.world import WorldRecord
from agentvcr.inside.exchange import (
    Answering,
    Forward,
    Handler,
    NullSink,
    ReplayHalt,
    Request,
    Serve,
    StepBegan,
    StepEnded,
)
from agentvcr.matching.fingerprint import Fingerprinter
from agentvcr.model.exchange import CALL_CLIENT, Exchange
from agentvcr.model.run import ANSWERED, Stream
from agentvcr.model.text import storable_argv
from agentvcr.recording.answers import answer_records
from agentvcr.recording.backlog import Backlog
from agentvcr.recording.cleaning import Clean, Cleaner
from agentvcr.recording.keeping import kept_records
from agentvcr.recording.provenance import Provenance, Unkept
from agentvcr.recording.sink import RecordingSink, ServedSink, TelemetrySink
from agentvcr.recording.steps import step_begin, step_end
from agentvcr.recording.tally import Tally
from agentvcr.redaction.redactor import Redactor

_MOST_TEXT = 65536
"""Characters kept of a note."""


class Recorder:
    """Writes a run into a journal, as it goes."""

    def __init__(  # noqa: PLR0913  (one each for the parts that it joins)
        self,
        journal: Journal,
        redactor: Redactor,
        *,
        boundary: Boundary,
        fingerprinter: Fingerprinter,
        inner: Answering | None = None,
        provenance: Provenance | None = None,
        origin_ns: int | None = None,
    ) -> None:
        """Record into `journal`; with `inner`, record what that handler decides.

        The run begins now, or at `origin_ns` where every moment is told to it.
        """
        self._journal = journal
        self.redactor = redactor
        self._cleaner = Cleaner(redactor, fingerprinter)
        self._boundary = boundary
        self._inner = inner
        self._provenance = provenance or Unkept()
        self._origin_ns = monotonic_ns() if origin_ns is None else origin_ns
        self._closed = False
        self._backlog = Backlog()
        self._open: dict[int, RecordingSink] = {}
        self._told: set[TelemetrySink] = set()
        self.tally = Tally()
        """What was recorded and what was not, counted."""
        self.processes = 0  # of the run, that spoke
        self.lanes: list[str] = []
        """The lane of each process, by its index."""
        self.exchanges = 0
        """How many exchanges began."""
        self.served = 0
        """How many of them a recording answers."""
        self.taken = 0
        """Of how many of these the program has taken the answer, as far as it did."""
        self.printed = 0
        """How many bytes it has written to its standard output."""
        self.refused = 0  # of them, by a replay
        self.broken: Exception | None = None
        """Why the recording stopped early, if it did."""
        self.losses: list[str] = []
        """Errors of our own over which single exchanges passed unrecorded."""

    @property
    def is_replaying(self) -> bool:
        """Whether another handler answers."""
        return self._inner is not None

    def since_start(self, at_ns: int | None) -> int:
        """Turn a reading of the monotonic clock (None or 0: now) into microseconds since the start.

        Rounded down, so that what came first is never said to have come last.
        """
        return max(0, (at_ns or monotonic_ns()) - self._origin_ns) // 1000

    def add(self, record: fmt.Record) -> None:
        """Put a record into the journal's next frame."""
        if self.broken is None and not self._closed:
            try:
                self._journal.add(record)
            except (JournalBrokenError, RecordTooLargeError) as error:
                self.broken = error

    def flush(self, *, at_once: bool = False) -> None:
        """Hand what was added to the operating system; a full disk ends the recording alone.

        A replay's own recording is written in larger pieces, but `at_once`: it can be had again.
        """
        if at_once or self._inner is None or self._backlog.is_urgent:
            self._backlog.catch_up()
            self._flush()
        elif self._backlog.is_long:
            self._backlog.catch_up()

    def later(self, write: Callable[[], None]) -> None:
        """Write now; in a replay, later and many at once, so that no request waits for it."""
        if self._inner is None:
            write()
        else:
            self._backlog.add(write)

    def _flush(self) -> None:
        if self.broken is None and not self._closed:
            try:
                self._journal.flush()
            except (JournalBrokenError, RecordTooLargeError) as error:
                self.broken = error

    def failed(self, error: Exception) -> None:
        """Stop recording over an error of our own; the program goes on."""
        self.broken = self.broken or error

    def lost(self, text: str) -> None:
        """Take down that an exchange passed unrecorded, over an error of our own."""
        self.losses.append(self._cleaner.text(text))  # the summary tells it
        self.note("lost", text)

    def begin(self, request: Request) -> Serve | Forward:
        """Take down a request, and how it is to be answered."""
        request.at_ns = request.at_ns or monotonic_ns()
        place = self._boundary.place_of(request.url)
        if place == "gateway":  # which tells of it itself
            return Forward(NullSink())
        if place == "telemetry":
            return self._telemetry(request)
        if place == "live":
            self.note(place, f"{request.method} {self.redactor.url(request.url)}", request)
            return self._inner.begin(request) if self._inner else Forward(NullSink())
        clean = self._cleaner.request(request)
        self.exchanges += 1
        number = self.exchanges
        if self._inner is not None and place != "internal":
            return self._replayed(self._inner, number, request, clean)
        internal = place == "internal" or request.covered
        forward = self._forwarded(number, request, clean, internal=internal)
        if self._inner is not None:
            lane = self._cleaner.lane(request.lane)
            forward.number = self._inner.internal(lane, clean.identity.fingerprint)
        return forward

    def _telemetry(self, request: Request) -> Serve | Forward:
        """Let a collector be told, and keep how it answered; a replay answers the same."""
        if self._inner is None:
            sink = TelemetrySink(self, request)
            self._told.add(sink)
            return Forward(sink)
        self.note("telemetry", f"{request.method} {self.redactor.url(request.url)}", request)
        return self._inner.begin(request)

    def collector_answered(self, sink: TelemetrySink, how: str) -> None:
        """Take down how a collector answered: a status, or what went wrong."""
        self._told.discard(sink)
        request = sink.request
        text = f"{request.method} {self.redactor.url(request.url)}{ANSWERED}{how}"
        self.note("telemetry", text, request)

    def _replayed(
        self, inner: Handler, number: int, request: Request, clean: Clean
    ) -> Serve | Forward:
        # The inner handler sees no credential either: it words what it cannot answer.
        asked = Request(
            request.method,
            clean.url,
            list(clean.headers),
            clean.body,
            self._cleaner.lane(request.lane),
            request.client,
            covered=request.covered,
        )
        asked.fingerprint = clean.identity.fingerprint
        try:
            decision = inner.begin(asked)
        except ReplayHalt as halt:
            self.refused += 1
            self._begin(number, request, clean)
            self.note("divergence", str(halt), request)
            raise
        if isinstance(decision, Forward):
            return self._live(number, request, clean, decision)
        origin = decision.number or None
        self.later(partial(self._begin, number, request, clean, served_from=origin))
        self.served += 1
        decision.taken = ServedSink(self, number, decision)
        return decision

    def _live(self, number: int, request: Request, clean: Clean, decided: Forward) -> Forward:
        """Record what a replay asks of the real service: it cannot be had again for nothing."""
        self._backlog.hurry()
        out = self._forwarded(number, request, clean, internal=request.covered, is_live=True)
        out.body = decided.change(request.body) if decided.change else None
        out.number = decided.number
        return out

    def _forwarded(
        self, number: int, request: Request, clean: Clean, *, internal: bool, is_live: bool = False
    ) -> Forward:
        self._begin(number, request, clean, internal=internal)
        asked = ("", "") if internal else (clean.url, request.client)
        sink = RecordingSink(self, number, is_call=request.client == CALL_CLIENT, asked=asked)
        self._open[number], sink.is_live = sink, is_live
        return Forward(sink)

    def _begin(
        self,
        number: int,
        request: Request,
        clean: Clean,
        *,
        internal: bool = False,
        served_from: int | None = None,
    ) -> None:
        identity = clean.identity
        sent = len(request.body)
        self.tally.began(clean.url, request.client, request.process, sent, internal=internal)
        self.add(
            fmt.ExchangeBegin(
                number=number,
                process=request.process,
                lane=self._cleaner.lane(request.lane),
                client=request.client,
                at_us=self.since_start(request.at_ns),
                method=request.method,
                url=clean.url,
                headers=clean.headers,
                fingerprint=identity.fingerprint,
                raw_hash=identity.raw_hash,
                internal=internal,
                served_from=served_from,
                body_size=len(clean.body),
                place=self._cleaner.path(request.place) if request.place else "",
            )
        )
        for start in range(0, len(clean.body), fmt.PIECE):
            self.add(fmt.Body(number, clean.body[start : start + fmt.PIECE]))

    def keep(self, exchange: Exchange) -> None:
        """Take over an exchange of an earlier run that this one did not ask for."""
        self._backlog.catch_up()
        self.exchanges += 1
        for record in kept_records(exchange, self.exchanges, self.since_start(None)):
            self.add(record)

    def finish(self, sink: RecordingSink, end: fmt.ExchangeEnd) -> None:
        """Write an exchange's answer and its end."""
        self._open.pop(sink.number, None)
        self._backlog.is_urgent |= sink.is_live
        if sink.asked[0] and sink.answer is not None and sink.answer[1] == UPGRADED:
            self.note("unrecorded", name_upgrade(*sink.asked, sink.answer[2]))
        if sink.answer is not None:
            if not sink.is_call:
                self.tally.received += sum(len(data) for _, data in sink.chunks)
            for record in answer_records(sink, self._cleaner, self.since_start):
                self.add(record)
        self.add(end)

    def cut(self) -> None:
        """End the exchanges that are open: their processes are gone."""
        for sink in list(self._open.values()):
            sink.end("cut")
        for told in list(self._told):
            told.end("cut")

    @staticmethod
    def recorded_sink(decision: Forward) -> RecordingSink | TelemetrySink | None:
        """Give the sink of a forwarded exchange; None where nothing of it is kept."""
        sink = decision.sink
        return sink if isinstance(sink, RecordingSink | TelemetrySink) else None

    def step_began(self, step: StepBegan) -> None:
        """Take down that a step began."""
        at_us, after = self.since_start(step.at_ns), self.exchanges
        self.later(lambda: self.add(step_begin(step, self._cleaner, at_us=at_us, after=after)))

    def step_ended(self, step: StepEnded) -> None:
        """Take down that a step is over."""
        at_us = self.since_start(step.at_ns)
        self.later(lambda: self.add(step_end(step, self._cleaner, at_us=at_us)))

    def process(self, fields: dict[str, object], at_ns: int) -> int:
        """Take down a process; returns its index."""
        index = len(self.lanes)
        self.lanes.append(self._cleaner.lane(str(fields["lane"])))
        self.processes += not fields.get("gateway")
        argv = storable_argv(fields["argv"])  # type: ignore[arg-type]  # a list, from the channel
        clean = self.redactor.argv(argv)
        self.tally.process(index, clean)
        pid, parent = int(str(fields["pid"])), int(str(fields["ppid"]))
        lane, python, at_us = self.lanes[index], str(fields["python"]), self.since_start(at_ns)
        self.add(fmt.ProcessBegin(index, pid, parent, lane, clean, python, at_us))
        return index

    def lane_name(self, lane: str) -> str:
        """Give a lane's name without credentials."""
        return self._cleaner.lane(lane) if lane else ""

    def output(self, process: int, stream: Stream, data: bytes, at_ns: int) -> None:
        """Take down what the program said."""
        clean = self.redactor.output(data)
        self.printed += len(clean) if stream == "stdout" else 0
        for kind, raw in self._provenance.printed(clean):
            self.add(WorldRecord(kind, 0, "", raw))
        self.add(fmt.OutputPiece(process, stream, self.since_start(at_ns), clean))

    def world(self, kind: str, process: int, lane: str, data: bytes) -> None:
        """Take down a part of what surrounds a process's exchanges."""
        clean = self.lane_name(lane)
        for one, raw in self._provenance.take(kind, data):
            self.later(partial(self.add, WorldRecord(one, process, clean, raw)))

    def process_end(self, index: int) -> None:
        """Take down that a process has closed its last connection."""
        self.add(fmt.ProcessEnd(index, self.since_start(None)))

    def note(
        self,
        kind: str,
        text: str,
        request: Request | None = None,
        process: int = 0,
        *,
        count: int = 1,
    ) -> None:
        """Take down something that is no exchange, and that was seen `count` times."""
        at_us = self.since_start(request.at_ns if request else None)
        clean = self._cleaner.text(text[:_MOST_TEXT])
        by = request.process if request else process
        self.add(fmt.NoteRecord(kind, at_us, by, clean, count))
        self.tally.note(kind, clean, count)

    def unentered(self, argv: list[str], process: int, *, seen: bool) -> None:
        """Take down a command that does not let us in, unless it is known."""
        if self.tally.is_new_command(argv, seen=seen):
            self.note("unentered", self._cleaner.command(argv), process=process)

    def abandon(self) -> None:
        """Write nothing any more, in the child of a fork: the journal is its parent's."""
        self._closed = True
        self._backlog = Backlog()
        self._journal.abandon()

    def drop(self) -> None:
        """Close the journal as it is: nobody will read it."""
        self._closed = True
        self._backlog = Backlog()
        self._journal.drop()

    def close(self, exit_status: int | None, signal: int | None, at_ns: int | None = None) -> None:
        """Cut what is open, write how the command ended, and close the journal."""
        self._backlog.catch_up()
        self.cut()
        for kind, data in self._provenance.rest():
            self.add(WorldRecord(kind, 0, "", data))
        self.add(fmt.RunEnd(self.since_start(at_ns), exit_status, signal))
        self._flush()
        self._closed = True  # whoever still reads says nothing any more
        try:
            self._journal.close()
        except OSError as error:
            self.broken = self.broken or JournalBrokenError(*error.args)
