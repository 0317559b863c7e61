"""Put a run together from its records, in whatever state the recording ended.

Owns the order in which records of concurrent exchanges interleave. Does not read files (`journal`
and `sealed` states: `reader`).
"""

from __future__ import annotations

from collections.abc import Iterator

from agentvcr.cassette import format as fmt
from agentvcr.cassette.chunks import ChunkReader
from agentvcr.cassette.frames import BrokenError
from agentvcr.cassette.world import WorldRecord
from agentvcr.model.exchange import Ending, Exchange, Exchanges, Failure, Request, Response
from agentvcr.model.run import (
    NamedStep,
    Note,
    Outcome,
    Output,
    Process,
    Run,
    RunInfo,
    WorldPart,
)

NS_PER_US = 1000


class _Open:
    """An exchange whose records are still coming."""

    def __init__(self, begin: fmt.ExchangeBegin) -> None:
        self.begin = begin
        self.body: list[bytes] = []
        self.head: fmt.Head | None = None
        self.chunks: ChunkReader | None = None

    @property
    def is_whole(self) -> bool:
        """Whether its body is there: a torn journal may end between the pieces of a long one."""
        return sum(map(len, self.body)) == self.begin.body_size

    def add(self, record: fmt.Body | fmt.Head | fmt.Chunks) -> None:
        if isinstance(record, fmt.Body):
            self.body.append(record.data)
        elif isinstance(record, fmt.Head):
            self.head = record
            self.chunks = ChunkReader(record.at_us)
        elif self.chunks is None:
            raise BrokenError(f"the answer of exchange {record.number} has no head")
        else:
            self.chunks.add(record)

    def build(self, end: fmt.ExchangeEnd | None) -> Exchange:
        begin = self.begin
        return Exchange(
            number=begin.number,
            process=begin.process,
            lane=begin.lane,
            client=begin.client,
            began_ns=begin.at_us * NS_PER_US,
            request=Request(
                method=begin.method,
                url=begin.url,
                headers=begin.headers,
                body=b"".join(self.body),
            ),
            fingerprint=begin.fingerprint,
            raw_hash=begin.raw_hash,
            internal=begin.internal,
            served_from=begin.served_from,
            place=begin.place,
            response=self._response(),
            ending=ending_of(end.at_us, end) if end else None,
        )

    def _response(self) -> Response | None:
        head, chunks = self.head, self.chunks
        if head is None or chunks is None:
            return None
        return Response(
            at_ns=head.at_us * NS_PER_US,
            status=head.status,
            reason=head.reason,
            http_version=head.http_version,
            headers=head.headers,
            chunks=tuple(chunks.chunks),
        )


def ending_of(at_us: int, end: fmt.ExchangeEnd | fmt.Closing) -> Ending:
    """Give the end of an exchange, from either state's record."""
    failure = None
    if end.failure_type is not None:
        failure = Failure(type=end.failure_type, message=end.failure_message or "")
    return Ending(at_ns=at_us * NS_PER_US, kind=end.kind, failure=failure)


class Assembler:
    """Puts exchanges together; each is given away once, when its end has come."""

    def __init__(self) -> None:
        """Start before the first record."""
        self._open: dict[int, _Open] = {}
        self._seen: set[int] = set()

    def add(self, record: fmt.ExchangeRecord) -> Exchange | None:
        """Take the next record; gives the exchange that it ends.

        Raises:
            BrokenError: It belongs to no exchange that is open.
        """
        number = record.number
        if isinstance(record, fmt.ExchangeBegin):
            if number in self._seen:
                raise BrokenError(f"exchange {number} began twice")
            if len(record.raw_hash) not in (0, fmt.HASH):
                raise BrokenError(f"the raw hash of exchange {number} is none")
            self._seen.add(number)
            self._open[number] = _Open(record)
            return None
        opened = self._open.get(number)
        if opened is None:
            raise BrokenError(f"exchange {number} never began, or was over")
        if not isinstance(record, fmt.ExchangeEnd):
            opened.add(record)
            return None
        if not opened.is_whole:
            raise BrokenError(f"exchange {number} ended before its request was whole")
        del self._open[number]
        return opened.build(record)

    def rest(self) -> Iterator[Exchange]:
        """Give the exchanges that were in flight."""
        return (one.build(None) for one in self._open.values() if one.is_whole)


class Story:
    """What is told of a run besides its exchanges."""

    def __init__(self) -> None:
        """Start before the first record."""
        self.info: RunInfo | None = None
        self._processes: list[Process] = []
        self._outputs: list[Output] = []
        self._notes: list[Note] = []
        self._outcome: Outcome | None = None
        self._world: list[WorldPart] = []
        self._steps: dict[str, fmt.StepBegin] = {}
        self._ends: dict[str, fmt.StepEnd] = {}

    def add(self, record: fmt.Record | fmt.SealedRecord) -> None:
        """Take the next record.

        Raises:
            BrokenError: It is not one of a story.
        """
        match record:
            case fmt.RunBegin():
                fields = {name: getattr(record, name) for name in record.__struct_fields__}
                self.info = RunInfo(**fields)
            case fmt.ProcessBegin():
                self._processes.append(_process(record))
            case fmt.OutputPiece(process, stream, at_us, data):
                at_ns = at_us * NS_PER_US
                self._outputs.append(Output(process=process, stream=stream, at_ns=at_ns, data=data))
            case fmt.NoteRecord(kind, at_us, process, text, count):
                at_ns = at_us * NS_PER_US
                self._notes.append(
                    Note(kind=kind, at_ns=at_ns, process=process, text=text, count=count)
                )
            case WorldRecord(kind, process, lane, data):
                part = WorldPart(kind=kind, process=process, lane=lane, data=data)
                self._world.append(part)
            case fmt.RunEnd(at_us, exit_status, signal):
                at_ns = at_us * NS_PER_US
                self._outcome = Outcome(at_ns=at_ns, exit_status=exit_status, signal=signal)
            case fmt.StepBegin():
                self._steps.setdefault(record.path, record)
            case fmt.StepEnd():  # it may come before its beginning, over another connection
                self._ends.setdefault(record.path, record)
            case fmt.ProcessEnd():
                pass
            case _:
                raise BrokenError(f"a {type(record).__name__} stands where none belongs")

    def _named_steps(self) -> Iterator[NamedStep]:
        begun = sorted(self._steps.values(), key=lambda one: (one.at_us, one.path))
        return (_named(one, self._ends.get(one.path)) for one in begun)

    def run(self, path: str, exchanges: Exchanges, torn_bytes: int = 0) -> Run | None:
        """Make the run; None where none began."""
        if self.info is None:
            return None
        return Run(
            path=path,
            info=self.info,
            processes=tuple(self._processes),
            exchanges=exchanges,
            # Pieces of one thread may travel by several connections, and overtake each other.
            outputs=tuple(sorted(self._outputs, key=lambda piece: piece.at_ns)),
            notes=tuple(self._notes),
            outcome=self._outcome,
            steps=tuple(self._named_steps()),
            world=tuple(self._world),
            torn_bytes=torn_bytes,
        )


def _named(begin: fmt.StepBegin, end: fmt.StepEnd | None) -> NamedStep:
    failure = None
    if end is not None and end.failure_type is not None:
        failure = Failure(type=end.failure_type, message=end.failure_message or "")
    return NamedStep(
        path=begin.path,
        name=begin.name,
        kind=begin.kind,
        agent=begin.agent,
        process=begin.process,
        lane=begin.lane,
        began_ns=begin.at_us * NS_PER_US,
        after=begin.after,
        input=begin.content,
        ended_ns=end.at_us * NS_PER_US if end else None,
        output=end.content if end else b"",
        failure=failure,
    )


def _process(record: fmt.ProcessBegin) -> Process:
    return Process(
        index=record.index,
        pid=record.pid,
        parent_pid=record.parent_pid,
        lane=record.lane,
        argv=record.argv,
        python=record.python,
        began_ns=record.at_us * NS_PER_US,
    )
