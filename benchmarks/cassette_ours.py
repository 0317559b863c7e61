"""Our own format: exchanges into a journal as the recorder writes one, the journal sealed, read.

Owns how made-up exchanges become a recording. The format itself is `agentvcr.cassette`.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

import msgspec
from cassette_rivals import Found, Wanted

from agentvcr import __version__
from agentvcr.cassette import format as fmt
from agentvcr.cassette.chunks import chunk_records
from agentvcr.cassette.journal import Journal
from agentvcr.matching.canonical import RULES
from agentvcr.model.exchange import Exchange

_KEPT_ENVIRONMENT = 30
"""Variables of which a recording keeps a keyed hash each."""
_RECORDED = fmt.RunBegin(
    run_id="0f1e2d3c4b5a6978",
    started_at_ns=1_763_816_000_123_456_789,
    argv=("python", "team.py"),
    cwd=".",
    agentvcr=__version__,
    platform="Linux x86_64",
    rules=RULES,
    environment={
        "LANG": "C.UTF-8",
        **{
            f"VARIABLE_{number}": "hmac:" + sha256(b"%d" % number).hexdigest()[:16]
            for number in range(_KEPT_ENVIRONMENT)
        },
    },
)
_IMPORTED = msgspec.structs.replace(_RECORDED, argv=(), platform="", environment={})


def record(path: Path, exchanges: Sequence[Exchange]) -> None:
    """Write a journal in the order of time: each request as it began, its answer at its end."""
    last_us = max((_end_ns(one) // 1000 for one in exchanges), default=0)
    steps = [(one.began_ns, False, one) for one in exchanges]
    steps += [(_end_ns(one), True, one) for one in exchanges]
    steps.sort(key=lambda step: step[:2])
    journal = Journal(path, force=True)
    journal.add(_RECORDED)
    journal.add(fmt.ProcessBegin(0, 4711, 4710, "main", ("python", "team.py"), "3.11.7", 0))
    for _, is_end, one in steps:
        for told in _ending(one) if is_end else _beginning(one):
            journal.add(told)
        journal.flush()
    journal.add(fmt.ProcessEnd(0, last_us + 1000))
    journal.add(fmt.RunEnd(last_us + 2000, 0, None))
    journal.close()


def record_import(path: Path, exchanges: Sequence[Exchange]) -> None:
    """Write the journal of an import, which knows of no process; one exchange after the other."""
    journal = Journal(path, force=True)
    journal.add(_IMPORTED)
    for one in exchanges:
        for told in (*_beginning(one), *_ending(one)):
            journal.add(told)
    journal.add(fmt.RunEnd(_end_ns(exchanges[-1]) // 1000 if exchanges else 0, 0, None))
    journal.close()


def _end_ns(exchange: Exchange) -> int:
    assert exchange.ending is not None
    return exchange.ending.at_ns


def _beginning(one: Exchange) -> Iterator[fmt.Record]:
    """What `Recorder` writes when a request begins."""
    asked = one.request
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


def _ending(one: Exchange) -> Iterator[fmt.Record]:
    """What `Recorder` writes when an exchange is over."""
    answer, ending = one.response, one.ending
    if answer is not None:
        head_us = answer.at_ns // 1000
        yield fmt.Head(
            one.number,
            head_us,
            answer.status,
            answer.reason,
            answer.http_version,
            answer.headers,
        )
        times_us = [chunk.at_ns // 1000 for chunk in answer.chunks]
        chunks = [chunk.data for chunk in answer.chunks]
        yield from chunk_records(one.number, head_us, times_us, chunks)
    assert ending is not None
    yield fmt.ExchangeEnd(one.number, ending.at_ns // 1000, ending.kind, None, None)


def seal(path: Path) -> None:
    """Put the sealed file in the journal's place."""
    kind_of = importlib.import_module("agentvcr.session.sealing").kind_of_step
    importlib.import_module("agentvcr.cassette.seal").seal(path, kind_of=kind_of)


class Sealed:
    """The sealed cassette."""

    name = "sealed cassette"

    def __init__(self) -> None:
        """Import."""
        self._file = importlib.import_module("agentvcr.cassette.sealed").SealedFile

    def write(self, path: Path, exchanges: Sequence[Exchange]) -> None:
        """Record and seal."""
        record(path, exchanges)
        seal(path)

    def by_number(self, path: Path, wanted: Wanted) -> Found:
        """Open the file and find an exchange by its number."""
        with self._file(path) as file:
            return _found(file.numbered(wanted.number))

    def by_request(self, path: Path, wanted: Wanted) -> Found:
        """Open the file and find an exchange by its fingerprint."""
        with self._file(path) as file:
            return _found(file.numbered(file.matching(wanted.fingerprint)[0]))

    def all(self, path: Path) -> Iterator[Found]:
        """Open the file and read every exchange."""
        with self._file(path) as file:
            for exchange in file:
                yield _found(exchange)


def _found(exchange: Exchange) -> Found:
    answer = exchange.response
    return exchange.request.body, answer.body if answer else b""
