"""Recorders and requests in a few words each, for tests of what is written.

Owns the builders and nothing that checks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentvcr.boundary import Boundary
from agentvcr.cassette import format as fmt
from agentvcr.cassette.journal import Journal
from agentvcr.inside.exchange import HeaderList, Request
from agentvcr.matching.fingerprint import Fingerprinter
from agentvcr.recording.recorder import Recorder
from agentvcr.redaction.redactor import Redactor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

JSON = b"application/json"
FORM = b"application/x-www-form-urlencoded"
KEY = b"k" * 32


def recorder_of(path: Path, **options: Any) -> Recorder:
    """Give a recorder into a new file, with the beginning of a run in it."""
    settings = {"boundary": Boundary(), "fingerprinter": Fingerprinter(), **options}
    recorder = Recorder(Journal(path, force=True), Redactor(KEY), **settings)
    environment = {"LANG": "C"}
    recorder.add(fmt.RunBegin("run", 1, ("a", "b"), ".", "0", "p", "1", environment))
    return recorder


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
