"""What a message of MCP is in words."""

import json

import pytest

from agentvcr.providers import dialect_of, mcp
from tests.unit.build import EVENTS, request, response

URL = "https://tools.example/mcp"


def rpc(**fields):
    return {"jsonrpc": "2.0", **fields}


def call(**arguments):
    return {"method": "tools/call", "params": {"name": "add", "arguments": arguments}}


def test_a_call_over_http_and_one_on_standard_streams_are_the_same_words():
    over_http = mcp.read_said(request(rpc(id=1, **call(a=1)), url=URL))
    on_stdio = mcp.read_said(request(call(a=1), url="mcp:calc/tools/call/add", method="MCP"))
    assert over_http is not None
    assert on_stdio is not None
    assert mcp.title(over_http) == mcp.title(on_stdio) == 'add({"a":1})'
    assert (over_http.server, on_stdio.server) == ("tools.example/mcp", "calc")


@pytest.mark.parametrize(
    ("body", "url", "words"),
    [
        ({"method": "tools/list"}, "mcp:calc/tools/list", "calc tools/list"),
        (
            {"method": "resources/read", "params": {"uri": "a://b"}},
            "mcp:c/x",
            "c resources/read a://b",
        ),
        (
            {"method": "roots/list", "result": {}},
            "mcp:c/response/roots/list",
            "c response/roots/list",
        ),
        (b"", "mcp:c/session", "c session"),
    ],
)
def test_all_else_is_named_quietly(body, url, words):
    said = mcp.read_said(request(body, url=url, method="MCP"))
    assert said is not None
    assert mcp.title(said) == words


@pytest.mark.parametrize("body", [b"", b'{"jsonrpc": "1.0"}', b"[1]", {"model": "m"}])
def test_other_requests_are_not_of_this_protocol(body):
    assert mcp.read_said(request(body, url=URL)) is None


def test_no_model_is_asked():
    assert dialect_of(request(rpc(id=1, **call()), url=URL)) is None


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (rpc(id=1, result={"content": [{"type": "text", "text": "a\n b"}]}), "a b"),
        (rpc(id=1, result={"content": [{"text": "no"}], "isError": True}), "error: no"),
        (rpc(id=1, error={"code": -32602, "message": "bad"}), "error -32602: bad"),
        (rpc(id=1, result={"tools": []}), ""),
    ],
)
def test_an_answer_in_words_as_json_lines_or_events(message, words):
    progress = json.dumps(rpc(method="notifications/progress", params={"progressToken": 1}))
    line = json.dumps(message)
    assert mcp.read_result(response(line)) == words
    assert mcp.read_result(response(progress + "\n", line + "\n")) == words
    events = f"data: {progress}\n\ndata: {line}\n\n"
    assert mcp.read_result(response(events, headers=EVENTS)) == words


def test_messages_are_compared_without_their_ids():
    first, second = (
        mcp.read_messages(
            response(
                json.dumps(rpc(method="notifications/progress", params={"progressToken": n}))
                + "\n",
                json.dumps(rpc(id=n, result={"id": 5})) + "\n",
            )
        )
        for n in (1, 2)
    )
    assert first == second
    assert first[1] == rpc(result={"id": 5})
