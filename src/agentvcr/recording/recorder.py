"""The recorder: a handler that takes down every exchange, and what another handler answered.

Owns the order of records and their redaction. Does not answer requests itself (a replayer inside it
does) and does not know processes or sockets (`channel`).

Nothing reaches the disk before `flush`: whoever drives the recorder flushes when a request began
and before the program sees an exchange's end.
"""

from __future__ import annotations

from time import monotonic_ns

import msgspec

from agentvcr.boundary import Boundary
from agentvcr.cassette import format as fmt
from agentvcr.cassette.journal import Journal, JournalBrokenError, RecordTooLargeError
from agentvcr.inside.exchange import (
    Forward,
    Handler,
    HeaderList,
    NullSink,
    ReplayHalt,
    Request,
    Serve,
    failure_of,
)
from agentvcr.matching.canonical import content_type_of
from agentvcr.matching.fingerprint import Fingerprinter, Identity, hash_raw
from agentvcr.model.exchange import EndKind, Headers
from agentvcr.model.run import Stream
from agentvcr.model.text import storable
from agentvcr.redaction.redactor import Redactor

_MOST_TEXT = 65536
"""Characters kept of a note."""


class _Clean(msgspec.Struct, frozen=True):
    """A request without its credentials, and its identity."""

    url: str
    headers: Headers
    body: bytes
    identity: Identity


class Recorder:
    """Writes a run into a journal, as it goes."""

    def __init__(
        self,
        journal: Journal,
        redactor: Redactor,
        *,
        boundary: Boundary,
        fingerprinter: Fingerprinter,
        inner: Handler | None = None,
    ) -> None:
        """Record into `journal`; with `inner`, record what that handler decides."""
        self._journal = journal
        self.redactor = redactor
        self._boundary = boundary
        self._fingerprinter = fingerprinter
        self._inner = inner
        self._origin_ns = monotonic_ns()
        self._open: dict[int, RecordingSink] = {}
        self.processes = 0
        """How many processes spoke."""
        self.exchanges = 0
        """How many exchanges began."""
        self.broken: Exception | None = None
        """Why the recording stopped early, if it did."""
        self.losses: list[str] = []
        """Errors of our own over which single exchanges passed unrecorded."""

    @property
    def is_replaying(self) -> bool:
        """Whether another handler answers."""
        return self._inner is not None

    def since_start(self, at_ns: int | None) -> int:
        """Turn a reading of the monotonic clock (None or 0: now) into time since the run began."""
        return max(0, (at_ns or monotonic_ns()) - self._origin_ns)

    def add(self, record: fmt.Record) -> None:
        """Put a record into the journal's next frame."""
        if self.broken is None:
            try:
                self._journal.add(record)
            except (JournalBrokenError, RecordTooLargeError) as error:
                self.broken = error

    def flush(self) -> None:
        """Hand what was added to the operating system; a full disk ends the recording alone."""
        if self.broken is None:
            try:
                self._journal.flush()
            except JournalBrokenError as error:
                self.broken = error

    def failed(self, error: Exception) -> None:
        """Stop recording over an error of our own; the program goes on."""
        self.broken = self.broken or error

    def lost(self, text: str) -> None:
        """Take down that an exchange passed unrecorded, over an error of our own."""
        self.losses.append(text)
        self.note("lost", text)

    def begin(self, request: Request) -> Serve | Forward:
        """Take down a request, and how it is to be answered."""
        place = self._boundary.place_of(request.url)
        if place in ("live", "telemetry"):
            self.note(place, f"{request.method} {self.redactor.url(request.url)}", request)
            return self._inner.begin(request) if self._inner else Forward(NullSink())
        clean = self._clean(request)
        self.exchanges += 1
        number = self.exchanges
        if self._inner is not None and place != "internal":
            return self._replayed(self._inner, number, request, clean)
        self._begin(number, request, clean, internal=place == "internal")
        sink = RecordingSink(self, number)
        self._open[number] = sink
        return Forward(sink)

    def _replayed(
        self, inner: Handler, number: int, request: Request, clean: _Clean
    ) -> Serve | Forward:
        # The inner handler sees no credential either: it words what it cannot answer.
        asked = Request(
            request.method,
            clean.url,
            list(clean.headers),
            clean.body,
            request.lane,
            request.client,
        )
        asked.fingerprint = clean.identity.fingerprint
        try:
            decision = inner.begin(asked)
        except ReplayHalt as halt:
            self._begin(number, request, clean)
            self.note("divergence", str(halt), request)
            raise
        served_from = decision.number if isinstance(decision, Serve) else None
        self._begin(number, request, clean, served_from=served_from)
        if isinstance(decision, Serve):
            decision.taken = _TakenDown(self, number, decision)
        return decision

    def _clean(self, request: Request) -> _Clean:
        """Redact a request and identify it by what is left.

        A credential that an answer gave comes back in a replay as its placeholder, so the request
        must be identified as it is written and not as it was sent.
        """
        redactor = self.redactor
        content_type = content_type_of(request.headers)
        raw_hash = hash_raw(content_type, request.body)
        url = redactor.url(request.url)
        headers = redactor.headers(request.headers)
        body = request.body
        if self._fingerprinter.known(raw_hash) is None:
            body = redactor.body(request.body, content_type)
            if body != request.body:
                # A hash of a body with a short password in it would let one try passwords out.
                raw_hash = b""
        identity = self._fingerprinter.identify(request.method, url, content_type, raw_hash, body)
        return _Clean(url, headers, body, identity)

    def _begin(
        self,
        number: int,
        request: Request,
        clean: _Clean,
        *,
        internal: bool = False,
        served_from: int | None = None,
    ) -> None:
        identity = clean.identity
        self.add(
            fmt.ExchangeBegin(
                number=number,
                process=request.process,
                lane=request.lane,
                client=request.client,
                at_ns=self.since_start(request.at_ns),
                method=request.method,
                url=clean.url,
                headers=clean.headers,
                fingerprint=identity.fingerprint,
                raw_hash=identity.raw_hash,
                canonical_hash=identity.canonical_hash,
                internal=internal,
                served_from=served_from,
                body_size=len(clean.body),
            )
        )
        for start in range(0, len(clean.body), fmt.PIECE):
            self.add(fmt.Body(number, clean.body[start : start + fmt.PIECE]))

    def finish(self, sink: RecordingSink, end: fmt.ExchangeEnd) -> None:
        """Write an exchange's answer and its end."""
        self._open.pop(sink.number, None)
        self._write_answer(sink)
        self.add(end)

    def _write_answer(self, sink: RecordingSink) -> None:
        if sink.answer is None:
            return
        at_ns, status, raw_headers, reason, http_version = sink.answer
        times = [at for at, _ in sink.chunks]
        headers, chunks = self.redactor.answer(raw_headers, [data for _, data in sink.chunks])
        if len(chunks) != len(times):  # a decoded body comes as one chunk
            times = times[-1:]
        self.add(
            fmt.Head(sink.number, self.since_start(at_ns), status, reason, http_version, headers)
        )
        for at, data in zip(times, chunks, strict=True):
            elapsed = self.since_start(at)
            for start in range(0, max(len(data), 1), fmt.PIECE):
                piece = data[start : start + fmt.PIECE]
                more = start + fmt.PIECE < len(data)
                self.add(fmt.ChunkPiece(sink.number, elapsed, piece, more))

    def cut(self) -> None:
        """End the exchanges that are open: their processes are gone."""
        for sink in list(self._open.values()):
            sink.end("cut")

    @staticmethod
    def recorded_sink(decision: Forward) -> RecordingSink | None:
        """Give the sink of a forwarded exchange; None where it is not recorded."""
        return decision.sink if isinstance(decision.sink, RecordingSink) else None

    def process(self, fields: dict[str, object], at_ns: int) -> int:
        """Take down a process; returns its index."""
        index = self.processes
        self.processes += 1
        argv = [storable(word) for word in fields["argv"]]  # type: ignore[attr-defined]
        self.add(
            fmt.ProcessBegin(
                index=index,
                pid=int(str(fields["pid"])),
                parent_pid=int(str(fields["ppid"])),
                lane=str(fields["lane"]),
                argv=self.redactor.argv(argv),
                python=str(fields["python"]),
                at_ns=self.since_start(at_ns),
            )
        )
        return index

    def output(self, process: int, stream: Stream, data: bytes, at_ns: int) -> None:
        """Take down what the program said."""
        clean = self.redactor.output(data)
        self.add(fmt.OutputPiece(process, stream, self.since_start(at_ns), clean))

    def process_end(self, index: int) -> None:
        """Take down that a process has closed its last connection."""
        self.add(fmt.ProcessEnd(index, self.since_start(None)))

    def note(self, kind: str, text: str, request: Request | None = None, process: int = 0) -> None:
        """Take down something that is no exchange."""
        at_ns = self.since_start(request.at_ns if request else None)
        text = text[:_MOST_TEXT]
        clean = self.redactor.output(text.encode("utf-8", "backslashreplace")).decode()
        self.add(fmt.NoteRecord(kind, at_ns, request.process if request else process, clean, 1))

    def close(self, exit_status: int | None, signal: int | None) -> None:
        """Cut what is open, write how the command ended, and close the journal."""
        self.cut()
        self.add(fmt.RunEnd(self.since_start(None), exit_status, signal))
        self.flush()
        try:
            self._journal.close()
        except OSError as error:
            self.broken = self.broken or JournalBrokenError(*error.args)


class RecordingSink:
    """Collects one exchange's answer until its end; times are monotonic nanoseconds, 0 for now."""

    __slots__ = ("_recorder", "answer", "chunks", "ended", "number")

    def __init__(self, recorder: Recorder, number: int) -> None:
        """Collect for exchange `number`."""
        self._recorder = recorder
        self.number = number
        self.answer: tuple[int, int, HeaderList, bytes, bytes] | None = None
        self.chunks: list[tuple[int, bytes]] = []
        self.ended = False

    def head(
        self, status: int, headers: HeaderList, reason: bytes, http_version: bytes, at_ns: int = 0
    ) -> None:
        """Take the head."""
        self.answer = (at_ns or monotonic_ns(), status, headers, reason, http_version)

    def chunk(self, data: bytes, at_ns: int = 0) -> None:
        """Take a chunk."""
        self.chunks.append((at_ns or monotonic_ns(), data))

    def end(self, kind: str, error: BaseException | None = None) -> None:
        """Take the end, from code in this process."""
        failed = error is not None and kind in ("failed", "cancelled")
        self.end_as(kind, failure_of(error) if failed and error is not None else None)

    def end_as(self, kind: str, failure: tuple[str, str] | None, at_ns: int = 0) -> None:
        """Take the end, once, with the failure's class and message."""
        if self.ended:
            return
        self.ended = True
        recorder = self._recorder
        failure_type, message = failure or (None, None)
        if message is not None:
            message = recorder.redactor.output(message.encode("utf-8", "replace")).decode()
        how: EndKind = kind  # type: ignore[assignment]  # from this package's own interceptors
        end = fmt.ExchangeEnd(self.number, recorder.since_start(at_ns), how, failure_type, message)
        recorder.finish(self, end)


class _TakenDown:
    """Records a served answer, as much of it as the program took."""

    def __init__(self, recorder: Recorder, number: int, serve: Serve) -> None:
        self._recorder = recorder
        self._number = number
        self._serve = serve
        self._inner = serve.taken

    def __call__(self, chunks: int, kind: str) -> None:
        serve = self._serve
        sink = RecordingSink(self._recorder, self._number)
        if serve.status:
            sink.head(serve.status, serve.headers, serve.reason, serve.http_version)
            for data in serve.chunks[:chunks]:
                sink.chunk(data)
        if self._inner is not None:
            self._inner(chunks, kind)
        sink.end_as("cut" if kind == "overrun" else kind, serve.failure)
