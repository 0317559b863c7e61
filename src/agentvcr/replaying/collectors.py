"""Answer telemetry as its collector did while recording, so that its client says the same.

Owns those answers: a status without content, or the failure that it was. A client that was refused
would retry, complain on standard error, and hold up the end of the program.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from agentvcr.inside.exchange import Request, Serve
from agentvcr.model.address import address_of
from agentvcr.model.run import ANSWERED, Note

_NO_CONTENT = 204


class Collectors:
    """How each collector answered, in order; its last answer holds for whatever comes after."""

    def __init__(self, notes: Iterable[Note]) -> None:
        """Read the notes of a recording."""
        self._answers: dict[tuple[str, ...], deque[str]] = {}
        for note in notes:
            asked, mark, how = note.text.partition(ANSWERED)
            method, _, url = asked.partition(" ")
            if note.kind == "telemetry" and mark:
                for place in (_place(url), _place(url)[:1]):
                    self._answers.setdefault((method, *place), deque()).append(how)

    def answer(self, request: Request) -> Serve:
        """Answer a request; refuse it where the recording does not know its collector."""
        place = _place(request.url)
        known = self._answers.get((request.method, *place))
        known = known or self._answers.get((request.method, *place[:1]))  # ids may be in the path
        how = "" if not known else known.popleft() if len(known) > 1 else known[0]
        if how.isdigit():
            return _told(request, int(how))
        kind, _, message = how.partition(": ")
        return refusal(request, (kind, message) if "." in kind else None)


def _place(url: str) -> tuple[str, str]:
    address = address_of(url)
    return (address.host, address.path) if address else (url, "")


def _told(request: Request, status: int) -> Serve:
    has_body = request.method != "HEAD" and status != _NO_CONTENT
    body = b"{}" if has_body else b""
    return Serve(
        status=status,
        reason=b"",
        http_version=b"HTTP/1.1",
        headers=[
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ],
        chunks=[body] if body else [],
        delays_ns=[],
        end_kind="eof",
        failure=None,
    )


def refusal(request: Request, failure: tuple[str, str] | None = None) -> Serve:
    """Fail a request before it has an answer: refused, where nothing else is said."""
    return Serve(
        status=0,
        reason=b"",
        http_version=b"",
        headers=[],
        chunks=[],
        delays_ns=[],
        end_kind="failed",
        failure=failure or (f"{request.client}.ConnectError", "[Errno 111] Connection refused"),
    )
