"""Lines as exchanges: what is compared, and what the server and the client get."""

import json

import pytest

from agentvcr.inside.lane import Lane
from agentvcr.inside.mcp.messages import (
    Message,
    Origin,
    origin_text,
    request_of,
    session_request,
    with_id,
    without_origin,
)

ME = Origin("main/a#0", "agent", covered=False)


def line(**fields):
    return json.dumps({"jsonrpc": "2.0", **fields}).encode() + b"\n"


def call(number, **params):
    return Message(line(id=number, method="tools/call", params={"name": "add", **params}))


@pytest.mark.parametrize(
    "sent", [line(id=1, method="ping"), b'{"id":1.50,"a":"\xc3\xa4 }"}\n', b"{}\n", b"no json\n"]
)
def test_what_names_the_caller_is_taken_out_to_the_byte(sent):
    opening = origin_text(Lane('main/"},{#0')).encode()
    named = opening + sent[1:] if sent[:1] == b"{" and sent != b"{}\n" else sent
    origin, rest = without_origin(named)
    assert rest == sent
    assert (origin.lane if origin else None) in {'main/"},{#0', None}


def test_a_line_without_a_caller_stays():
    sent = line(id=1, method="ping")
    assert without_origin(sent) == (None, sent)


def test_a_request_is_told_without_its_id():
    told = [request_of("calc", call(one, arguments={"a": 1}), ME) for one in (1, "x")]
    assert told[0].body == told[1].body
    assert (told[0].method, told[0].url) == ("MCP", "mcp:calc/tools/call/add")
    assert (told[0].lane, told[0].place) == ("main/a#0", "agent")
    assert told[0].headers[-1] == (b"x-mcp-id", b"1")


def test_a_progress_token_is_neutral_only_where_it_is_the_id():
    own = request_of("calc", call(4, _meta={"progressToken": 4}), ME)
    other = request_of("calc", call(4, _meta={"progressToken": "mine"}), ME)
    assert json.loads(own.body)["params"]["_meta"] == {"progressToken": "$id"}
    assert json.loads(other.body)["params"]["_meta"] == {"progressToken": "mine"}


def test_what_tracing_adds_is_left_out():
    traced = request_of("calc", call(4, _meta={"traceparent": "00-1-2-03"}), ME)
    assert traced.body == request_of("calc", call(4), ME).body


def test_a_cancellation_is_told_without_the_id():
    sent = Message(line(method="notifications/cancelled", params={"requestId": 7, "reason": "r"}))
    told = request_of("calc", sent, ME)
    assert sent.cancels == "7"
    assert json.loads(told.body)["params"] == {"requestId": "$id", "reason": "r"}


def test_an_answer_to_the_server_is_named_by_the_question():
    told = request_of("calc", Message(line(id=1, result={"ok": 1})), ME, "roots/list")
    assert told.url == "mcp:calc/response/roots/list"
    assert json.loads(told.body) == {"method": "roots/list", "result": {"ok": 1}}


def test_a_resource_is_part_of_the_address():
    sent = Message(line(id=1, method="resources/read", params={"uri": "notes://a/b?c=1#d"}))
    assert request_of("c", sent, ME).url == "mcp:c/resources/read/notes://a/b?c=1%23d"


def test_what_is_no_json_is_told_as_it_is():
    told = request_of("calc", Message(b"\xff\xfe\n"), ME)
    assert (told.url, told.body) == ("mcp:calc/message", b"\xff\xfe\n")


def test_the_session_has_an_address_of_its_own():
    assert session_request("calc", ME).url == "mcp:calc/session"


def test_an_answer_gets_the_live_id_and_else_keeps_its_bytes():
    recorded = b'{"jsonrpc": "2.0",  "id": 3, "result": {"x": 1.0}}\n'
    assert with_id(recorded, "3", "3") == recorded
    assert json.loads(with_id(recorded, "3", "4")) == {
        "jsonrpc": "2.0",
        "id": 4,
        "result": {"x": 1.0},
    }
    assert with_id(recorded, "5", "4") == recorded


def test_progress_gets_the_live_token():
    told = line(method="notifications/progress", params={"progressToken": 3, "progress": 1})
    live = json.loads(with_id(told, "3", "9"))
    assert live["params"] == {"progressToken": 9, "progress": 1}


def test_a_question_of_the_server_keeps_its_id():
    asked = line(id=3, method="roots/list")
    assert with_id(asked, "3", "4") == asked
