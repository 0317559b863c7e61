"""Keep an exchange of an earlier run in the recording of a later one.

Owns its records. What they hold was redacted when it was recorded, and is kept as it is.
"""

from __future__ import annotations

from collections.abc import Iterator

from agentvcr.cassette import format as fmt
from agentvcr.cassette.chunks import chunk_records
from agentvcr.model.exchange import Exchange


def kept_records(exchange: Exchange, number: int, now_us: int) -> Iterator[fmt.Record]:
    """Give the records of an exchange under a new number, as if it had begun just now."""
    request = exchange.request
    yield fmt.ExchangeBegin(
        number=number,
        process=0,
        lane=exchange.lane,
        client=exchange.client,
        at_us=now_us,
        method=request.method,
        url=request.url,
        headers=request.headers,
        fingerprint=exchange.fingerprint,
        raw_hash=exchange.raw_hash,
        internal=exchange.internal,
        served_from=None,
        body_size=len(request.body),
        place=exchange.place,
    )
    for start in range(0, len(request.body), fmt.PIECE):
        yield fmt.Body(number, request.body[start : start + fmt.PIECE])
    yield from _answer(exchange, number, now_us)


def _answer(exchange: Exchange, number: int, now_us: int) -> Iterator[fmt.Record]:
    def at(at_ns: int) -> int:
        return now_us + max(0, at_ns - exchange.began_ns) // 1000

    response, ending = exchange.response, exchange.ending
    if response is not None:
        head_us = at(response.at_ns)
        yield fmt.Head(
            number,
            head_us,
            response.status,
            response.reason,
            response.http_version,
            response.headers,
        )
        times = [at(chunk.at_ns) for chunk in response.chunks]
        yield from chunk_records(number, head_us, times, [one.data for one in response.chunks])
    if ending is not None:
        failure = ending.failure
        yield fmt.ExchangeEnd(
            number,
            at(ending.at_ns),
            ending.kind,
            failure.type if failure else None,
            failure.message if failure else None,
        )
