"""What a client hears in a server's place, and when."""

import json

import pytest

from agentvcr.inside.exchange import ReplayHalt
from agentvcr.inside.mcp.replayed import Replayed
from tests.unit.inside.mcp.conversation import Replaying, line

SESSION = "mcp:s/session"


def session(*told):
    return {SESSION: [([json.dumps(one).encode() + b"\n" for one in told], "eof", 0)]}


class Client:
    """A client of a replayed server: what it heard, and how the server ended."""

    def __init__(self, answers, *told):
        self.heard, self.status = [], None
        self.handler = Replaying({**session(*told), **answers})
        self.server = Replayed(self.handler, "s", self.heard.append, self.leave)
        self.server.begin()

    def leave(self, status):
        self.status = status

    def says(self, **fields):
        self.heard.clear()
        self.server.client_says(line(**fields))
        return [json.loads(one) for one in self.heard]


def test_after_a_question_nothing_more_comes_until_it_is_answered():
    question = line(id=9, method="roots/list")
    progress = line(method="notifications/progress", params={"progressToken": 1})
    client = Client(
        {
            "mcp:s/a": [([progress, question, line(id=1, result=2)], "eof", 1)],
            "mcp:s/response/roots/list": [([], "eof", 0)],
        }
    )
    heard = client.says(id=5, method="a")
    assert [one.get("method") for one in heard] == ["notifications/progress", "roots/list"]
    assert heard[0]["params"] == {"progressToken": 5}
    assert client.says(id=9, result={}) == [{"jsonrpc": "2.0", "id": 5, "result": 2}]


def test_unprompted_lines_come_as_late_as_they_did():
    hello, change = line(method="hello").decode(), line(method="change").decode()
    client = Client(
        {"mcp:s/a": [([line(id=1, result=1)], "eof", 1)]},
        {"after": 0, "lines": 0, "line": hello},
        {"after": 1, "lines": 2, "line": change},
    )
    assert client.heard == [hello.encode()]
    assert [one.get("method") for one in client.says(id=1, method="a")] == [None, "change"]


def test_a_late_answer_to_a_cancelled_request_gets_its_live_id():
    late = line(id=1, error={"code": 0}).decode()
    client = Client(
        {
            "mcp:s/a": [([], "cancelled", 1)],
            "mcp:s/notifications/cancelled": [([], "eof", 0)],
        },
        {"after": 2, "lines": 0, "line": late},
    )
    assert client.says(id=7, method="a") == []
    heard = client.says(method="notifications/cancelled", params={"requestId": 7})
    assert heard == [{"jsonrpc": "2.0", "id": 7, "error": {"code": 0}}]
    assert ("mcp:s/a", 0, "cancelled") in client.handler.taken


@pytest.mark.parametrize(("told", "status"), [({"exit": 3}, 3), ({"signal": 9}, -9)])
def test_a_server_that_ended_ends_after_the_same_message(told, status):
    client = Client({"mcp:s/a": [([], "failed", 1)]}, {"after": 1, "lines": 0, **told})
    assert client.status is None
    client.says(id=1, method="a")
    assert client.status == status


def test_a_server_that_ended_with_its_client_ends_with_it():
    client = Client({}, {"after": 1, "lines": 0, "exit": 5})
    client.server.client_left()
    assert client.status == 5
    assert client.handler.taken == [(SESSION, 1, "eof")]


def test_an_unrecorded_message_is_a_halt():
    with pytest.raises(ReplayHalt, match="mcp:s/b"):
        Client({}).says(id=1, method="b")
