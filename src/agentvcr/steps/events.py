"""A run as a row of events: its beginning, each step in full, its end.

Owns what an event holds and how bytes become text without loss. Keeps one exchange at a time. Does
not write anything (`reporters.jsonl`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agentvcr.model.events import Content, Inputs, Outputs, RunEndEvent, RunEvent, StepEvent
from agentvcr.model.results import NoteRow
from agentvcr.providers import read
from agentvcr.providers.body import decoded, json_of
from agentvcr.providers.sse import is_stream
from agentvcr.steps.detail import is_text
from agentvcr.steps.outline import NS_PER_MS, exchange_of, row, summary
from agentvcr.steps.path import steps_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agentvcr.model.conversation import Conversation
    from agentvcr.model.events import ContentKind, Encoding, Event, HeaderTexts
    from agentvcr.model.exchange import Headers, Request, Response
    from agentvcr.model.results import StepRow
    from agentvcr.model.run import NamedStep, Run
    from agentvcr.model.step import Step


def events(run: Run, steps: Iterable[Step] | None = None) -> Iterator[Event]:
    """Give a run's events, in the order in which its steps began.

    Args:
        run: The run.
        steps: Its steps, one at a time where they are read from a file; by default all at once.
    """
    yield _beginning(run)
    rows: list[StepRow] = []
    for step in steps_of(run) if steps is None else steps:
        rows.append(row(step))
        yield _step(run, step, rows[-1])
    yield _end(run, rows)


def _beginning(run: Run) -> RunEvent:
    info = run.info
    return RunEvent(
        run_id=info.run_id,
        started=summary(run, ()).started,
        command=info.argv,
        cwd=info.cwd,
        cassette=run.path,
        agentvcr=info.agentvcr,
        platform=info.platform,
    )


def _named(run: Run, named: NamedStep, line: StepRow) -> StepEvent:
    output = Outputs(body=_content((), named.output)) if named.ended_ns is not None else None
    return StepEvent(
        run_id=run.info.run_id,
        step=line.id,
        number=line.number,
        parent=line.parent,
        lane=line.lane,
        agent=line.agent,
        kind=line.kind,
        action=line.action,
        inputs=Inputs(body=_content((), named.input)),
        outputs=output,
        began_ms=line.began_ms,
        latency_ms=line.latency_ms,
        ending=line.ending,
        error=named.failure,
    )


def _step(run: Run, step: Step, line: StepRow) -> StepEvent:
    if step.named is not None:
        return _named(run, step.named, line)
    exchange = exchange_of(step)
    response, conversation = exchange.response, read(exchange)
    return StepEvent(
        run_id=run.info.run_id,
        step=line.id,
        number=line.number,
        parent=line.parent,
        lane=line.lane,
        agent=line.agent,
        kind=line.kind,
        action=line.action,
        client=exchange.client,
        dialect=conversation.dialect if conversation else None,
        inputs=_inputs(exchange.request, conversation),
        outputs=_outputs(response, conversation) if response else None,
        began_ms=line.began_ms,
        first_byte_ms=(response.at_ns - exchange.began_ns) / NS_PER_MS if response else None,
        latency_ms=line.latency_ms,
        ending=line.ending,
        error=exchange.ending.failure if exchange.ending else None,
        internal=line.internal,
        served_from=line.served_from,
    )


def _end(run: Run, rows: list[StepRow]) -> RunEndEvent:
    whole = summary(run, rows)
    return RunEndEvent(
        run_id=whole.run_id,
        state=whole.state,
        duration_ms=whole.duration_ms,
        exit_status=whole.exit_status,
        signal=whole.signal,
        totals=whole.totals,
        notes=tuple(NoteRow(kind=one.kind, text=one.text, count=one.count) for one in run.notes),
    )


def _inputs(request: Request, conversation: Conversation | None) -> Inputs:
    encoding = _encoding_of(*(part for pair in request.headers for part in pair))
    return Inputs(
        method=request.method,
        url=request.url,
        headers=_header_texts(request.headers, encoding),
        encoding=encoding,
        body=_content(request.headers, request.body),
        prompt=conversation.prompt if conversation else None,
    )


def _outputs(response: Response, conversation: Conversation | None) -> Outputs:
    encoding = _encoding_of(response.reason, *(part for pair in response.headers for part in pair))
    answer = conversation.answer if conversation else None
    return Outputs(
        status=response.status,
        reason=_text(response.reason, encoding),
        headers=_header_texts(response.headers, encoding),
        encoding=encoding,
        chunks=len(response.chunks),
        body=_content(response.headers, response.body),
        answer=answer,
        tool_calls=answer.message.tool_calls if answer else (),
        input_tokens=answer.input_tokens if answer else None,
        output_tokens=answer.output_tokens if answer else None,
    )


# --- bytes as text --------------------------------------------------------------------------------


def _content(headers: Headers, body: bytes) -> Content:
    content = decoded(headers, body)
    if json_of(content) is not None:
        line = msgspec.Raw(msgspec.json.format(content, indent=-1))
        return Content(kind="json", encoding="utf-8", bytes=len(body), value=line)
    encoding = _encoding_of(content)
    return Content(
        kind=_kind(headers, content),
        encoding=encoding,
        bytes=len(body),
        value=msgspec.Raw(msgspec.json.encode(_text(content, encoding))),
    )


def _kind(headers: Headers, content: bytes) -> ContentKind:
    if not content:
        return "empty"
    if is_stream(headers, content):
        return "events"
    return "text" if is_text(content) else "binary"


def _encoding_of(*parts: bytes) -> Encoding:
    """Tell how bytes become text: one way for all that stands together."""
    try:
        for part in parts:
            part.decode()
    except UnicodeDecodeError:
        return "backslash"
    return "utf-8"


def _text(data: bytes, encoding: Encoding) -> str:
    """Make text of bytes so that they can be had again from it."""
    if encoding == "utf-8":
        return data.decode()
    return data.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")


def _header_texts(headers: Headers, encoding: Encoding) -> HeaderTexts:
    return tuple((_text(name, encoding), _text(value, encoding)) for name, value in headers)
