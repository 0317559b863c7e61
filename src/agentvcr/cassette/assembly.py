"""Put a run together from its records, in whatever state the recording ended.

Owns the order in which records of concurrent exchanges interleave. Does not read files (`reader`).
"""

from __future__ import annotations

from agentvcr.cassette import format as fmt
from agentvcr.errors import CassetteDamagedError, CassetteEmptyError
from agentvcr.model.exchange import Chunk, Ending, Exchange, Failure, Request, Response
from agentvcr.model.run import Note, Outcome, Output, Process, Run, RunInfo


class _Open:
    """An exchange whose records are still coming."""

    def __init__(self, begin: fmt.ExchangeBegin) -> None:
        self.begin = begin
        self.body: list[bytes] = []
        self.head: fmt.Head | None = None
        self.chunks: list[Chunk] = []
        self.part: list[bytes] = []
        self.end: fmt.ExchangeEnd | None = None

    @property
    def is_whole(self) -> bool:
        return sum(map(len, self.body)) == self.begin.body_size

    def add_chunk(self, piece: fmt.ChunkPiece) -> None:
        self.part.append(piece.data)
        if not piece.more:
            self.chunks.append(Chunk(at_ns=piece.at_ns, data=b"".join(self.part)))
            self.part = []

    def build(self) -> Exchange:
        begin, head, end = self.begin, self.head, self.end
        return Exchange(
            number=begin.number,
            process=begin.process,
            lane=begin.lane,
            client=begin.client,
            began_ns=begin.at_ns,
            request=Request(
                method=begin.method,
                url=begin.url,
                headers=begin.headers,
                body=b"".join(self.body),
            ),
            fingerprint=begin.fingerprint,
            raw_hash=begin.raw_hash,
            canonical_hash=begin.canonical_hash,
            internal=begin.internal,
            served_from=begin.served_from,
            response=self._response(head) if head else None,
            ending=_ending(end) if end else None,
        )

    def _response(self, head: fmt.Head) -> Response:
        return Response(
            at_ns=head.at_ns,
            status=head.status,
            reason=head.reason,
            http_version=head.http_version,
            headers=head.headers,
            chunks=tuple(self.chunks),
        )


def _ending(end: fmt.ExchangeEnd) -> Ending:
    failure = None
    if end.failure_type is not None:
        failure = Failure(type=end.failure_type, message=end.failure_message or "")
    return Ending(at_ns=end.at_ns, kind=end.kind, failure=failure)


class RunBuilder:
    """Collects records in file order and builds the run."""

    def __init__(self, path: str) -> None:
        """Start a run that is read from `path`."""
        self.path = path
        self.torn_bytes = 0
        self._info: RunInfo | None = None
        self._processes: list[Process] = []
        self._exchanges: dict[int, _Open] = {}
        self._outputs: list[Output] = []
        self._notes: list[Note] = []
        self._outcome: Outcome | None = None

    def add(self, record: fmt.Record) -> None:  # noqa: C901  (one case a record type)
        """Take the next record.

        Raises:
            CassetteDamagedError: It belongs to an exchange that never began.
        """
        match record:
            case fmt.RunBegin():
                fields = {name: getattr(record, name) for name in record.__struct_fields__}
                self._info = RunInfo(**fields)
            case fmt.ProcessBegin(index, pid, parent_pid, lane, argv, python, at_ns):
                self._processes.append(
                    Process(
                        index=index,
                        pid=pid,
                        parent_pid=parent_pid,
                        lane=lane,
                        argv=argv,
                        python=python,
                        began_ns=at_ns,
                    )
                )
            case fmt.ExchangeBegin():
                self._exchanges[record.number] = _Open(record)
            case fmt.Body(number, data):
                self._open(number).body.append(data)
            case fmt.Head():
                self._open(record.number).head = record
            case fmt.ChunkPiece():
                self._open(record.number).add_chunk(record)
            case fmt.ExchangeEnd():
                self._open(record.number).end = record
            case fmt.OutputPiece(process, stream, at_ns, data):
                self._outputs.append(Output(process=process, stream=stream, at_ns=at_ns, data=data))
            case fmt.NoteRecord(kind, at_ns, process, text, count):
                self._notes.append(
                    Note(kind=kind, at_ns=at_ns, process=process, text=text, count=count)
                )
            case fmt.RunEnd(at_ns, exit_status, signal):
                self._outcome = Outcome(at_ns=at_ns, exit_status=exit_status, signal=signal)
            case fmt.ProcessEnd():
                pass

    def _open(self, number: int) -> _Open:
        try:
            return self._exchanges[number]
        except KeyError:
            raise CassetteDamagedError(
                f"{self.path} is damaged: exchange {number} never began",
                where=f"exchange {number}",
                cure="fetch the file again from where it came, or record the run anew",
            ) from None

    def build(self) -> Run:
        """Make the run of what was collected.

        Raises:
            CassetteEmptyError: No run began in this file.
        """
        if self._info is None:
            raise CassetteEmptyError(
                f"{self.path} holds no run",
                where=self.path,
                cure="record it again with --force",
            )
        # A torn journal may end between the pieces of a long request: then it did not begin.
        whole = [one for one in self._exchanges.values() if one.is_whole]
        exchanges = sorted(whole, key=lambda one: one.begin.number)
        return Run(
            path=self.path,
            info=self._info,
            processes=tuple(self._processes),
            exchanges=tuple(one.build() for one in exchanges),
            outputs=tuple(self._outputs),
            notes=tuple(self._notes),
            outcome=self._outcome,
            torn_bytes=self.torn_bytes,
        )
