"""Recorders and requests in a few words each, for tests of what is written.

Owns the builders and nothing that checks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentvcr.boundary import Boundary
from agentvcr.cassette import format as fmt
from agentvcr.cassette.chunks import chunk_records
from agentvcr.cassette.journal import Journal
from agentvcr.inside.exchange import HeaderList, Request
from agentvcr.matching.fingerprint import Fingerprinter
from agentvcr.recording.recorder import Recorder
from agentvcr.redaction.redactor import Redactor

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from agentvcr.model.exchange import Exchange
    from agentvcr.model.run import Run

JSON = b"application/json"
FORM = b"application/x-www-form-urlencoded"
KEY = b"k" * 32


def recorder_of(path: Path, *, rules: str = "1", **options: Any) -> Recorder:
    """Give a recorder into a new file, with the beginning of a run in it."""
    settings = {"boundary": Boundary(), "fingerprinter": Fingerprinter(), **options}
    recorder = Recorder(Journal(path, force=True), Redactor(KEY), **settings)
    environment = {"LANG": "C"}
    recorder.add(fmt.RunBegin("run", 1, ("a", "b"), ".", "0", "p", rules, environment))
    return recorder


def write_journal(path: Path, run: Run, *, each: bool = False) -> None:
    """Write a run as a journal; a frame for each record, or as few as will do."""
    journal = Journal(path, force=True)
    for record in records_of(run):
        journal.add(record)
        if each:
            journal.flush()
    journal.close()


def records_of(run: Run) -> Iterator[fmt.Record]:
    """Give a run as a journal's records, one exchange after the other."""
    info = run.info
    yield fmt.RunBegin(*(getattr(info, name) for name in info.__struct_fields__))
    for one in run.exchanges:
        yield from _exchange_records(one)
    for said in run.outputs:
        yield fmt.OutputPiece(said.process, said.stream, said.at_ns // 1000, said.data)
    for note in run.notes:
        yield fmt.NoteRecord(note.kind, note.at_ns // 1000, note.process, note.text, note.count)
    if run.outcome:
        outcome = run.outcome
        yield fmt.RunEnd(outcome.at_ns // 1000, outcome.exit_status, outcome.signal)


def _exchange_records(one: Exchange) -> Iterator[fmt.Record]:
    asked, answered, ending = one.request, one.response, one.ending
    yield fmt.ExchangeBegin(
        number=one.number,
        process=one.process,
        lane=one.lane,
        client=one.client,
        at_us=one.began_ns // 1000,
        method=asked.method,
        url=asked.url,
        headers=asked.headers,
        fingerprint=one.fingerprint,
        raw_hash=one.raw_hash,
        internal=one.internal,
        served_from=one.served_from,
        body_size=len(asked.body),
    )
    for start in range(0, len(asked.body), fmt.PIECE):
        yield fmt.Body(one.number, asked.body[start : start + fmt.PIECE])
    if answered:
        head_us = answered.at_ns // 1000
        head = (answered.status, answered.reason, answered.http_version, answered.headers)
        yield fmt.Head(one.number, head_us, *head)
        times = [chunk.at_ns // 1000 for chunk in answered.chunks]
        yield from chunk_records(one.number, head_us, times, [one.data for one in answered.chunks])
    if ending:
        failure = ending.failure
        named = (failure.type, failure.message) if failure else (None, None)
        yield fmt.ExchangeEnd(one.number, ending.at_ns // 1000, ending.kind, *named)


def ask(
    url: str = "http://a.example/",
    body: bytes = b"",
    *,
    kind: bytes = JSON,
    headers: HeaderList | None = None,
    lane: str = "main",
) -> Request:
    pairs = [(b"Content-Type", kind)] if headers is None else headers
    return Request("POST", url, pairs, body, lane, "httpx")


def answer(
    sink: Any, chunks: Sequence[bytes] = (), headers: HeaderList | None = None, how: str = "eof"
) -> None:
    """Tell a sink a whole answer."""
    sink.head(200, headers or [], b"OK", b"HTTP/1.1")
    for chunk in chunks:
        sink.chunk(chunk)
    sink.end(how)
