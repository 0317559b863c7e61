"""Say what is unlike the recording, where one of vcrpy's cassettes has no answer.

Owns which stored request is set beside the one that was made. Whether there is an answer is
vcrpy's to say.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from agentvcr.diff.compare import explain
from agentvcr.diff.excerpt import around_difference
from agentvcr.matching.canonical import canonical_body, content_type_of, shown_path
from agentvcr.matching.nearest import likeness
from agentvcr.model.address import path_of
from agentvcr.model.exchange import Headers, Request
from agentvcr.model.report import FailureReport
from agentvcr.model.verdict import Reason
from agentvcr.redaction.key import user_key
from agentvcr.redaction.redactor import Redactor
from agentvcr.session.recording import new_redactor

_MOST: Final = 200
"""Stored requests that are looked at."""
_MOST_SHOWN: Final = 2_000
_NEAR: Final = 300


def failure_of_miss(asked: Any, cassette: Any) -> FailureReport:  # noqa: ANN401  (vcrpy has no types)
    """Tell of a request that a cassette has no answer for, beside the stored one most like it."""
    redactor = new_redactor(user_key())
    filtered = cassette.filter_request(asked) or asked
    live = _clean(filtered, redactor)
    stored = [(number, _clean(one, redactor)) for number, one in _looked_at(filtered, cassette)]
    title = f"the cassette has no answer to {live.method} {shown_path(live.url)}"
    if not stored:
        return FailureReport(title="nothing was recorded", kind="stopped", text=title)
    number, closest = max(stored, key=lambda one: _likeness(one[1], live))
    changes = explain(closest, live)
    step = f"{number + 1} {closest.method} {shown_path(closest.url)}"
    if not changes:
        text = "It is recorded, and was answered before: it is asked once more than recorded."
        return FailureReport(title=title, kind="stopped", step=step, text=text)
    sides = around_difference(
        changes[0].before, changes[0].after, most=_MOST_SHOWN, near=_NEAR, behind=_NEAR
    )
    others = [
        Reason(kind="wording", weight="regression", step=None, text=one.where)
        for one in changes[1:]
    ]
    return FailureReport(
        title=title,
        kind="stopped",
        step=step,
        where=changes[0].where,
        before=sides[0],
        after=sides[1],
        others=tuple(others),
    )


def _looked_at(asked: Any, cassette: Any) -> Iterable[tuple[int, Any]]:  # noqa: ANN401  (as above)
    stored = list(enumerate(cassette.requests))
    same = [one for one in stored if one[1].method == asked.method and one[1].uri == asked.uri]
    return (same or stored)[:_MOST]


def _clean(one: Any, redactor: Redactor) -> Request:  # noqa: ANN401  (as above)
    headers: Headers = tuple(
        (str(name).encode(), str(value).encode()) for name, value in one.headers.items()
    )
    body = one.body if isinstance(one.body, bytes) else str(one.body or "").encode()
    kind = content_type_of(headers)
    return Request(
        method=one.method,
        url=redactor.url(one.uri),
        headers=redactor.headers(headers),
        body=redactor.body(body, kind),
    )


def _likeness(stored: Request, live: Request) -> tuple[bool, bool, float]:
    bodies = [canonical_body(one.body, content_type_of(one.headers)) for one in (stored, live)]
    return (
        stored.method == live.method,
        path_of(stored.url) == path_of(live.url),
        likeness(*bodies),
    )
