"""Runs out of a few words each, for tests of what only reads them.

Owns the builder and nothing that checks.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import msgspec

from agentvcr.model.exchange import Chunk, Ending, Exchange, Failure, Kept, Request, Response
from agentvcr.model.run import Note, Outcome, Output, Run, RunInfo, WorldPart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentvcr.model.exchange import EndKind, Headers

CHAT = "https://api.openai.com/v1/chat/completions"
MESSAGES = "https://api.anthropic.com/v1/messages"
JSON: Headers = ((b"content-type", b"application/json"),)
EVENTS: Headers = ((b"content-type", b"text/event-stream; charset=utf-8"),)
MS = 1_000_000


def encoded(body: Any) -> bytes:
    """Give a body's bytes: bytes as they are, text as UTF-8, anything else as JSON."""
    if isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def request(
    body: Any = b"", *, url: str = CHAT, method: str = "POST", headers: Headers = JSON
) -> Request:
    return Request(method=method, url=url, headers=headers, body=encoded(body))


def response(*chunks: Any, status: int = 200, headers: Headers = JSON, at_ms: int = 0) -> Response:
    return Response(
        at_ns=at_ms * MS,
        status=status,
        reason=b"",
        http_version=b"HTTP/1.1",
        headers=headers,
        chunks=tuple(Chunk(at_ns=at_ms * MS, data=encoded(chunk)) for chunk in chunks),
    )


def exchange(  # noqa: PLR0913 - what an exchange is made of
    asked: Request,
    answered: Response | None,
    *,
    lane: str = "main",
    began_ms: int = 0,
    took_ms: int = 10,
    kind: EndKind | None = "eof",
    failure: Failure | None = None,
    internal: bool = False,
) -> Exchange:
    """Give an exchange; its number is set by `run`, its fingerprint is that of what was asked."""
    mark = hashlib.sha256(f"{asked.method} {asked.url}".encode() + asked.body).digest()
    ending = Ending(at_ns=(began_ms + took_ms) * MS, kind=kind, failure=failure) if kind else None
    return Exchange(
        number=0,
        process=0,
        lane=lane,
        client="httpx",
        began_ns=began_ms * MS,
        request=asked,
        fingerprint=mark[:8],
        raw_hash=hashlib.sha256(asked.body).digest()[:8],
        internal=internal,
        response=answered,
        ending=ending,
    )


def chat(question: str, answer: str = "Yes.", **details: Any) -> Exchange:
    """Give a question to a model and its answer."""
    return exchange(
        request({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": question}]}),
        response(completion({"role": "assistant", "content": answer})),
        **details,
    )


def completion(message: dict[str, Any], *, finish: str = "stop") -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 12, "completion_tokens": 5},
    }


def tool(path: str, answer: Any = b"{}", **details: Any) -> Exchange:
    """Give a GET of a path at a tool's address."""
    status = details.pop("status", 200)
    asked = request(b"", url=f"https://tools.example{path}", method="GET", headers=())
    return exchange(asked, response(answer, status=status), **details)


def run(  # noqa: PLR0913 - what a run is made of
    *exchanges: Exchange,
    stdout: bytes = b"",
    stderr: bytes = b"",
    exit_status: int | None = 0,
    signal: int | None = None,
    ended: bool = True,
    notes: Sequence[tuple[str, str]] = (),
    path: str = "cassettes/trip.avcr",
    argv: tuple[str, ...] = ("{python}", "trip.py"),
    root: bytes = b"",
) -> Run:
    """Give a run; exchanges that say no beginning begin 100 ms after one another."""
    return Run(
        path=path,
        info=RunInfo(
            run_id="0198",
            started_at_ns=1_767_225_600_000_000_000,
            argv=argv,
            cwd=".",
            agentvcr="0.1.0",
            platform="linux",
            rules="1",
            environment={},
        ),
        processes=(),
        exchanges=Kept(_placed(exchange, number) for number, exchange in enumerate(exchanges, 1)),
        outputs=(
            Output(process=0, stream="stdout", at_ns=0, data=stdout),
            Output(process=0, stream="stderr", at_ns=0, data=stderr),
        ),
        notes=tuple(Note(kind=kind, at_ns=0, process=0, text=text) for kind, text in notes),
        outcome=Outcome(at_ns=3400 * MS, exit_status=exit_status, signal=signal) if ended else None,
        world=(WorldPart(kind="root", process=0, lane="", data=root),) if root else (),
    )


def _placed(exchange: Exchange, number: int) -> Exchange:

    began, ending = exchange.began_ns, exchange.ending
    if began:
        return msgspec.structs.replace(exchange, number=number)
    began = number * 100 * MS
    if ending:
        ending = msgspec.structs.replace(ending, at_ns=ending.at_ns + began)
    response = exchange.response
    if response:
        response = msgspec.structs.replace(response, at_ns=response.at_ns + began)
    return msgspec.structs.replace(
        exchange, number=number, began_ns=began, response=response, ending=ending
    )
