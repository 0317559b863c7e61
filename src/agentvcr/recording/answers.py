"""The records of an answer: its head, and its chunks without their credentials.

Owns what is written of what came back. Does not know what a credential is (`redaction`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from agentvcr.cassette import format as fmt
from agentvcr.cassette.chunks import chunk_records
from agentvcr.model.exchange import Headers
from agentvcr.recording.cleaning import Cleaner
from agentvcr.recording.sink import RecordingSink

_FIRST_ERROR = 400


def answer_records(
    sink: RecordingSink, cleaner: Cleaner, since_start: Callable[[int], int]
) -> Iterator[fmt.Record]:
    """Give the records of an answer that has begun; `since_start` turns times into theirs."""
    if sink.answer is None:
        return
    at_ns, status, raw_headers, reason, http_version = sink.answer
    times = [at for at, _ in sink.chunks]
    chunks = [data for _, data in sink.chunks]
    if sink.is_clean:
        headers: Headers = tuple(raw_headers)
    else:
        headers, chunks = cleaner.answer(raw_headers, chunks)
        if sink.is_call:
            is_error = status >= _FIRST_ERROR
            chunks = [cleaner.result(chunk, is_error=is_error) for chunk in chunks]
    if len(chunks) != len(times):  # a decoded body comes as one chunk
        times = times[-1:]
    head_us = since_start(at_ns)
    yield fmt.Head(sink.number, head_us, status, reason, http_version, headers)
    yield from chunk_records(sink.number, head_us, [since_start(at) for at in times], chunks)
