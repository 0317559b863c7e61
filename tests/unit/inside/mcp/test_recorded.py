"""Which exchange a server's message belongs to."""

import json

import pytest

from agentvcr.inside.mcp.recorded import Recorded
from tests.unit.inside.mcp.conversation import Recording, line

SESSION = "mcp:s/session"


@pytest.fixture
def handler():
    return Recording()


@pytest.fixture
def told(handler):
    return Recorded(handler, "s")


def test_progress_goes_by_its_token_and_other_messages_to_the_latest(handler, told):
    told.client_says(line(id=1, method="a", params={"_meta": {"progressToken": 1}}))
    told.client_says(line(id=2, method="b"))
    progress = line(method="notifications/progress", params={"progressToken": 1})
    log = line(method="notifications/message")
    for one in (progress, log, line(id=1, result=1), line(id=2, result=2)):
        told.server_says(one)
    assert handler["mcp:s/a"].chunks == [progress, line(id=1, result=1)]
    assert handler["mcp:s/b"].chunks == [log, line(id=2, result=2)]
    assert {handler["mcp:s/a"].ended, handler["mcp:s/b"].ended} == {"eof"}


def test_what_comes_while_nothing_is_asked_is_the_sessions(handler, told):
    told.client_says(line(id=1, method="a"))
    told.server_says(line(id=1, result=1))
    told.server_says(b"no json\n")
    told.client_left()
    told.over(-9)
    chunks = [json.loads(one) for one in handler[SESSION].chunks]
    assert chunks == [
        {"after": 1, "lines": 1, "line": "no json\n"},
        {"after": 2, "lines": 2, "signal": 9},
    ]
    assert handler[SESSION].ended == "eof"


def test_a_cancelled_request_ends_there_and_its_late_answer_is_the_sessions(handler, told):
    told.client_says(line(id=1, method="a"))
    told.client_says(line(method="notifications/cancelled", params={"requestId": 1}))
    told.server_says(line(id=1, error={"code": 0}))
    assert (handler["mcp:s/a"].ended, handler["mcp:s/a"].chunks) == ("cancelled", [])
    assert json.loads(handler[SESSION].chunks[0])["after"] == 2


def test_what_is_unanswered_when_the_server_ends_has_failed(handler, told):
    told.client_says(line(id=1, method="a"))
    told.server_left()
    told.over(3)
    assert handler["mcp:s/a"].ended == "failed"
    assert json.loads(handler[SESSION].chunks[-1])["exit"] == 3


def test_an_answer_of_the_client_is_an_exchange_without_an_answer(handler, told):
    told.client_says(line(id=1, method="a"))
    told.server_says(line(id=1, method="roots/list"))  # its own count of ids
    told.client_says(line(id=1, result={}))
    sink = handler["mcp:s/response/roots/list"]
    assert (sink.status, sink.ended, sink.chunks) == (202, "eof", [])
    assert handler["mcp:s/a"].ended is None


def test_what_the_client_says_because_the_server_ended_is_not_before_that_end(handler, told):
    told.client_says(line(id=1, method="a"))
    told.server_left()
    told.client_left()  # before the process has been waited for
    told.over(3)
    assert json.loads(handler[SESSION].chunks[-1]) == {"after": 1, "lines": 0, "exit": 3}
