"""One step in full: what was sent, what came back, as text.

Owns how bodies and headers become text. Does not draw (`reporters`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agentvcr.model.results import BodyView, StepDetail
from agentvcr.providers import read
from agentvcr.providers.body import decoded, json_of
from agentvcr.providers.sse import is_stream
from agentvcr.steps.flow import comes_from, goes_into
from agentvcr.steps.outline import NS_PER_MS, exchange_of, row
from agentvcr.steps.path import find_with_others

if TYPE_CHECKING:
    from agentvcr.model.exchange import Exchange, Headers
    from agentvcr.model.results import StepRow
    from agentvcr.model.run import NamedStep, Run
    from agentvcr.model.step import Step


def detail_of(run: Run, wanted: str) -> StepDetail:
    """Give a step in full, with what it has from other steps and what others have from it.

    Args:
        run: The run.
        wanted: The step's path or number.

    Raises:
        NoSuchStepError: No step has that path or number.
    """
    step, before, after = find_with_others(run, wanted)
    return msgspec.structs.replace(
        detail(step), comes_from=comes_from(step, before), goes_into=goes_into(step, after)
    )


def detail(step: Step) -> StepDetail:
    """Give a step in full, without a look at the others."""
    line = row(step)
    if step.named is not None:
        return _named_detail(step.named, line)
    exchange = exchange_of(step)
    request, response = exchange.request, exchange.response
    return StepDetail(
        step=line,
        exchange=exchange.number,
        client=exchange.client,
        method=request.method,
        url=request.url,
        request_headers=_header_texts(request.headers),
        request_body=body_view(request.headers, request.body),
        reason=as_text(response.reason) if response else "",
        response_headers=_header_texts(response.headers) if response else (),
        response_body=body_view(
            response.headers if response else (), response.body if response else b""
        ),
        first_byte_ms=(response.at_ns - exchange.began_ns) / NS_PER_MS if response else None,
        chunks=len(response.chunks) if response else 0,
        failure=_failure(exchange),
        conversation=read(exchange),
    )


def _named_detail(named: NamedStep, line: StepRow) -> StepDetail:
    failure = named.failure
    return StepDetail(
        step=line,
        exchange=None,
        request_body=body_view((), named.input),
        response_body=body_view((), named.output),
        failure=f"{failure.type}: {failure.message}" if failure else None,
    )


def body_view(headers: Headers, body: bytes) -> BodyView:
    """Show a body as text: JSON indented, an event stream or text as it is, else escaped bytes."""
    content = decoded(headers, body)
    shown = as_text(content)
    if not content:
        return BodyView(kind="empty", text="", bytes=len(body))
    if json_of(content) is not None:
        indented = msgspec.json.format(content, indent=2)
        return BodyView(kind="json", text=as_text(indented), bytes=len(body))
    if is_stream(headers, content):
        return BodyView(kind="events", text=shown, bytes=len(body))
    return BodyView(kind="text" if is_text(content) else "binary", text=shown, bytes=len(body))


def is_text(content: bytes) -> bool:
    """Tell whether bytes are UTF-8 without NUL: worth showing as text."""
    try:
        return "\0" not in content.decode()
    except UnicodeDecodeError:
        return False


def as_text(data: bytes) -> str:
    """Decode as UTF-8; bytes that are not become backslash escapes."""
    return data.decode("utf-8", "backslashreplace")


def _header_texts(headers: Headers) -> tuple[tuple[str, str], ...]:
    return tuple((as_text(name), as_text(value)) for name, value in headers)


def _failure(exchange: Exchange) -> str | None:
    failure = exchange.ending.failure if exchange.ending else None
    if failure is None:
        return None
    return f"{failure.type}: {failure.message}" if failure.message else failure.type
