"""What differs between two requests, or two exchanges.

Owns what counts as a difference: the request as its fingerprint sees it, and the answer's status,
meaning and ending. Headers, latency, token counts and ids that a provider makes up do not count.
Does not pair exchanges (`align`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qsl, urlsplit

from agentvcr.diff.json_paths import json_changes, text_changes
from agentvcr.diff.messages import answer_changes, prompt_changes
from agentvcr.matching.rpc import without_ids
from agentvcr.matching.shown import shown
from agentvcr.model.credentials import PLACEHOLDER, times_among
from agentvcr.model.results import Change
from agentvcr.providers import dialect_of, mcp
from agentvcr.providers.body import (
    Json,
    fields,
    header,
    json_of,
    request_content,
    response_content,
    value_of,
)
from agentvcr.providers.sse import events, is_stream

if TYPE_CHECKING:
    from agentvcr.matching.rules import RuleBook
    from agentvcr.model.exchange import Ending, Exchange, Headers, Request, Response
    from agentvcr.model.run import NamedStep
    from agentvcr.model.verdict import DifferenceKind

_IN_MESSAGES = {
    *("messages", "system", "input", "instructions"),
    *("contents", "systemInstruction", "system_instruction"),
}
"""Fields of a body that a dialect reads as messages: what differs in them is told by message."""
INPUT = "step.input"
"""Where a change of a named step stands at its beginning; all others are at its end."""
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def explain(recorded: Request, live: Request, rules: RuleBook | None = None) -> list[Change]:
    """Say where two requests differ, the most telling first; nothing where they do not.

    The address comes first, then headers that `rules` say count, then a model's messages, then the
    rest of the body by path. What the rules ignore is not told.
    """
    kind = _asked_otherwise(recorded)
    if rules is None:
        return [*_address_changes(recorded, live, kind), *_body_changes(recorded, live)]
    a, b = shown(recorded, rules), shown(live, rules)
    return [
        *_address_changes(a.request, b.request, kind),
        *_header_changes(a.headers, b.headers, kind),
        *_body_changes(a.request, b.request),
    ]


def _asked_otherwise(request: Request) -> DifferenceKind:
    """Say what it is that differs where a request does, but for a model's messages.

    Whom a model's request goes to is a setting; of any other request, all that it holds is what a
    tool is called with.
    """
    return "tool_call" if dialect_of(request) is None else "setting"


def exchange_changes(a: Exchange, b: Exchange, rules: RuleBook | None = None) -> list[Change]:
    """Say where two exchanges differ: the request, the answer, the ending."""
    changes: list[Change] = []
    if a.fingerprint != b.fingerprint:
        changes += request_changes(a.request, b.request, rules)
    if _was_left(a) and _was_left(b):
        return changes
    changes += _response_changes(a, b)
    return changes + _ending_changes(a.ending, b.ending)


def named_changes(a: NamedStep, b: NamedStep) -> list[Change]:
    """Say where two steps that the program named differ: what they were given, gave, raised."""
    changes = _value_changes(INPUT, a.input, b.input)
    changes += _value_changes("step.output", a.output, b.output)
    types = [one.failure.type if one.failure else None for one in (a, b)]
    if types[0] != types[1]:
        told = [
            f"{one.failure.type}: {one.failure.message}" if one.failure else None for one in (a, b)
        ]
        changes += _changed("error", *told, kind="ending")
    ends = ["in progress" if one.ended_ns is None else "done" for one in (a, b)]
    return changes + _changed("ending", *ends, kind="ending")


def _value_changes(where: str, before: bytes, after: bytes) -> list[Change]:
    if before == after:
        return []
    parsed = value_of(before), value_of(after)
    if isinstance(parsed[0], dict | list) and isinstance(parsed[1], dict | list):
        return json_changes(f"{where} $", *parsed)
    told = [_plain_text(data, value) for data, value in zip((before, after), parsed, strict=True)]
    is_text = isinstance(parsed[0], str) and isinstance(parsed[1], str)
    return _changed(where, *told, kind="wording" if is_text else "structure")


def _plain_text(data: bytes, value: Json) -> str | None:
    if not data:
        return None
    return value if isinstance(value, str) else data.decode("utf-8", "backslashreplace")


def _was_left(exchange: Exchange) -> bool:
    """Whether the program dropped the answer, or ended in the middle of it.

    How much of it had arrived by then is chance, and so is which of the two was seen.
    """
    return exchange.ending is None or exchange.ending.kind in ("abandoned", "cut")


def request_changes(a: Request, b: Request, rules: RuleBook | None = None) -> list[Change]:
    """Say where two requests of different fingerprints differ: at least one change."""
    unseen = Change(
        where="request",
        before="(as recorded)",
        after="(differs in its canonical form)",
        kind=_asked_otherwise(a),
    )
    return explain(a, b, rules) or [unseen]


def _address_changes(a: Request, b: Request, kind: DifferenceKind) -> list[Change]:
    changes = _changed("request.method", a.method.upper(), b.method.upper(), kind=kind)
    try:
        url_a, url_b = urlsplit(a.url), urlsplit(b.url)
        changes += _changed("request.host", _host(url_a), _host(url_b), kind=kind)
    except ValueError:
        return changes + _changed("request.url", a.url, b.url, kind=kind)
    changes += _changed("request.path", url_a.path or "/", url_b.path or "/", kind=kind)
    return changes + _form_changes("request.query", url_a.query, url_b.query, kind)


def _header_changes(a: dict[str, str], b: dict[str, str], kind: DifferenceKind) -> list[Change]:
    return [
        change
        for name in sorted({*a, *b})
        for change in _changed(f"request.headers.{name}", a.get(name), b.get(name), kind=kind)
    ]


def _host(url: SplitResult) -> str:
    # A loopback port is another one in each run.
    name = (url.hostname or "").lower()
    if name in _LOOPBACK:
        return "loopback"
    port = {"http": 80, "https": 443}.get(url.scheme) if url.port is None else url.port
    return f"{url.scheme}://{name}:{port}"


def _form_changes(where: str, before: str, after: str, kind: DifferenceKind) -> list[Change]:
    if before == after:
        return []
    left, right = _form(before), _form(after)
    times = times_among(left) & times_among(right)
    return [
        Change(where=f"{where}.{name}", before=left.get(name), after=right.get(name), kind=kind)
        for name in [*left, *(name for name in right if name not in left)]
        if name.lower() not in times and _told(left, name) != _told(right, name)
    ]


def _told(form: dict[str, str], name: str) -> str | None:
    """Give a field's value; one word for each credential, as the fingerprint has it."""
    value = form.get(name)
    return None if value is None else PLACEHOLDER.sub(b"redacted", value.encode()).decode()


def _form(encoded: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True):
        values[name] = f"{values[name]}, {value}" if name in values else value
    return values


def _body_changes(a: Request, b: Request) -> list[Change]:
    if a.body == b.body:
        return []
    before, after = request_content(a), request_content(b)
    kind = _asked_otherwise(a)
    parsed = json_of(before), json_of(after)
    if parsed[0] is not None and parsed[1] is not None:
        where = "arguments $" if a.url.startswith("tool:") else "request.body $"
        return _chat_changes(a, b) or json_changes(where, *map(without_ids, parsed), kind=kind)
    if _is_form(a.headers) and _is_form(b.headers):
        return _form_changes("request.form", _lossy(before), _lossy(after), kind)
    return _bytes_changes("request.body", before, after, kind)


def _chat_changes(a: Request, b: Request) -> list[Change]:
    dialect = dialect_of(a)
    if dialect is None or dialect is not dialect_of(b):
        return []
    left, right = dialect.read_prompt(a), dialect.read_prompt(b)
    if left is None or right is None:
        return []
    settings = _settings(a), _settings(b)
    return prompt_changes(left, right) + json_changes("request.body $", *settings, kind="setting")


def _settings(request: Request) -> Json:
    body = fields(json_of(request_content(request)))
    return {name: value for name, value in body.items() if name not in _IN_MESSAGES}


def _response_changes(a: Exchange, b: Exchange) -> list[Change]:
    left, right = a.response, b.response
    if left is None or right is None:
        return _changed("response", _head(left), _head(right), kind="ending")
    changes = _changed("response.status", str(left.status), str(right.status), kind="status")
    if left.body == right.body:
        return changes
    before, after = response_content(left), response_content(right)
    if before == after:
        return changes
    dialect = dialect_of(a.request)
    if dialect is not None and dialect is dialect_of(b.request):
        answers = dialect.read_answer(left), dialect.read_answer(right)
        if answers[0] is not None and answers[1] is not None:
            return changes + answer_changes(answers[0], answers[1])
    if mcp.read_said(a.request) is not None and mcp.read_said(b.request) is not None:
        said = mcp.read_messages(left), mcp.read_messages(right)
        return changes + json_changes("response.messages $", *said)
    return changes + _content_changes(left.headers, before, right.headers, after)


def _content_changes(
    headers_a: Headers, before: bytes, headers_b: Headers, after: bytes
) -> list[Change]:
    if is_stream(headers_a, before) and is_stream(headers_b, after):
        return json_changes("response.events $", _event_data(before), _event_data(after))
    parsed = json_of(before), json_of(after)
    if parsed[0] is not None and parsed[1] is not None:
        return json_changes("response.body $", parsed[0], parsed[1])
    return _bytes_changes("response.body", before, after)


def _event_data(content: bytes) -> list[Json]:
    found: list[Json] = []
    for event in events(content):
        parsed = json_of(event.data.encode())
        found.append(event.data if parsed is None else parsed)
    return found


def _ending_changes(a: Ending | None, b: Ending | None) -> list[Change]:
    failures = a.failure if a else None, b.failure if b else None
    types = tuple(failure.type if failure else None for failure in failures)
    if types[0] != types[1]:
        told = [f"{failure.type}: {failure.message}" if failure else None for failure in failures]
        return _changed("error", *told, kind="ending")
    ends = [one.kind if one else "in flight" for one in (a, b)]
    return _changed("ending", *ends, kind="ending")


def _bytes_changes(
    where: str, before: bytes, after: bytes, kind: DifferenceKind | None = None
) -> list[Change]:
    try:
        texts = before.decode(), after.decode()
    except UnicodeDecodeError:
        texts = "\0", ""
    if "\0" not in texts[0] + texts[1]:
        return text_changes(where, texts[0], texts[1], kind)
    if before == after:
        return []
    sizes = [f"{len(one):,} bytes" for one in (before, after)]
    return [Change(where=where, before=sizes[0], after=sizes[1], kind=kind or "structure")]


def _changed(
    where: str, before: str | None, after: str | None, *, kind: DifferenceKind
) -> list[Change]:
    if before == after:
        return []
    return [Change(where=where, before=before, after=after, kind=kind)]


def _head(response: Response | None) -> str | None:
    return None if response is None else str(response.status)


def _is_form(headers: Headers) -> bool:
    kind = header(headers, b"content-type").lower()
    return kind.startswith("application/x-www-form-urlencoded")


def _lossy(content: bytes) -> str:
    return content.decode("utf-8", "backslashreplace")
