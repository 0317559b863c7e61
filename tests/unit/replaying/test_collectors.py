"""Telemetry is answered in a replay as its collector answered while recording."""

import pytest

from agentvcr.inside.exchange import Request
from agentvcr.model.run import Note
from agentvcr.replaying.collectors import Collectors

URL = "https://o1.ingest.sentry.io/api/1/envelope/"


def note(text, kind="telemetry"):
    return Note(kind=kind, at_ns=0, process=0, text=text)


def ask(method="POST", url=URL):
    return Request(method, url, [], b"", "main", "httpx")


def test_answers_come_in_their_order_and_the_last_one_stays():
    collectors = Collectors([note(f"POST {URL} -> {status}") for status in (429, 204)])
    assert [collectors.answer(ask()).status for _ in range(4)] == [429, 204, 204, 204]


@pytest.mark.parametrize(
    ("method", "status", "body"), [("POST", 200, b"{}"), ("POST", 204, b""), ("HEAD", 200, b"")]
)
def test_a_status_comes_without_content(method, status, body):
    serve = Collectors([note(f"{method} {URL} -> {status}")]).answer(ask(method))
    assert (serve.status, b"".join(serve.chunks), serve.end_kind) == (status, body, "eof")
    assert dict(serve.headers)[b"content-length"] == b"%d" % len(body)


def test_a_failure_comes_as_the_same_failure():
    said = "httpx.ConnectTimeout: [Errno 110] timed out: really"
    serve = Collectors([note(f"POST {URL} -> {said}")]).answer(ask())
    assert (serve.status, serve.end_kind) == (0, "failed")
    assert serve.failure == ("httpx.ConnectTimeout", "[Errno 110] timed out: really")


def test_another_path_of_the_same_collector_is_answered_the_same():
    collectors = Collectors([note("PATCH https://api.smith.langchain.com/runs/1 -> 202")])
    serve = collectors.answer(ask("PATCH", "https://api.smith.langchain.com/runs/2"))
    assert serve.status == 202


@pytest.mark.parametrize(
    "notes",
    [[], [note(f"POST {URL}")], [note(f"POST {URL} -> cut")], [note(f"POST {URL} -> 200", "live")]],
)
def test_a_collector_that_nobody_knows_refuses(notes):
    serve = Collectors(notes).answer(ask())
    assert serve.failure == ("httpx.ConnectError", "[Errno 111] Connection refused")
