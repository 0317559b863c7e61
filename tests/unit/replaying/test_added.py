"""What a call gets that nothing recorded is like: an error in its own API's words."""

import json

import pytest

from agentvcr.inside.exchange import Request
from agentvcr.inside.interceptors.tools import _error_of
from agentvcr.inside.mcp.messages import Message, own_origin, request_of, session_request
from agentvcr.providers import DIALECTS
from agentvcr.replaying.added import CODE, added_call

JSON = [(b"content-type", b"application/json")]


def asked(url, method="POST", body=b"{}", headers=JSON, client="httpx2"):
    return Request(method, url, list(headers), body, "main", client)


def said(serve):
    return json.loads(b"".join(serve.chunks))


ERRORS = {
    "https://api.openai.com/v1/chat/completions": lambda body: body["error"]["message"],
    "https://api.openai.com/v1/responses": lambda body: body["error"]["message"],
    "https://api.anthropic.com/v1/messages": lambda body: body["error"]["message"],
    "https://g.example/v1/models/m:generateContent": lambda body: body["error"]["message"],
    "https://b.example/model/m/converse": lambda body: body["message"],
    "http://127.0.0.1:11434/api/chat": lambda body: body["error"],
    "https://api.cohere.com/v2/chat": lambda body: body["message"],
    "https://other.example/search": lambda body: body["error"],
}


@pytest.mark.parametrize("url", ERRORS)
def test_it_is_refused_with_a_status_that_nobody_repeats(url):
    serve = added_call(asked(url))
    assert (serve.status, serve.end_kind, serve.is_lent, serve.number) == (400, "eof", True, 0)
    assert "no recorded answer" in ERRORS[url](said(serve))
    headers = dict(serve.headers)
    assert headers[b"content-length"] == b"%d" % len(b"".join(serve.chunks))
    assert headers[b"x-should-retry"] == b"false"


def test_each_dialect_reads_its_own_refusal_as_an_error():
    from tests.unit import build

    for dialect in DIALECTS:
        body = dialect.refusal(400, "nothing recorded", CODE)
        answer = dialect.read_answer(build.response(json.dumps(body).encode(), status=400))
        assert "nothing recorded" in answer.error, dialect.NAME


def test_the_answer_to_head_has_no_body():
    assert added_call(asked("https://a.example/x", method="HEAD", body=b"")).chunks == []


def test_a_recorded_function_raises():
    serve = added_call(asked("tool:look", method="CALL", client="agentvcr.tool"))
    error = _error_of(b"".join(serve.chunks))
    assert isinstance(error, LookupError)
    assert "call of look" in str(error)
    assert (serve.end_kind, serve.failure[0]) == ("failed", "builtins.LookupError")


def test_a_server_on_standard_streams_answers_with_an_error_of_its_protocol():
    line = b'{"jsonrpc":"2.0","id":"q7","method":"tools/call","params":{"name":"look"}}'
    serve = added_call(request_of("weather", Message(line), own_origin()))
    answer = Message(b"".join(serve.chunks))
    assert (answer.key, answer.value["error"]["code"]) == ('"q7"', -32603)
    told = b'{"jsonrpc":"2.0","method":"notifications/progress","params":{}}'
    assert added_call(request_of("weather", Message(told), own_origin())).chunks == []


def test_a_server_that_was_not_recorded_ends():
    serve = added_call(session_request("weather", own_origin()))
    assert said(serve) == {"exit": 1, "after": 0, "lines": 0}


@pytest.mark.parametrize(
    ("method", "body", "status"),
    [
        ("POST", b'{"jsonrpc":"2.0","id":3,"method":"tools/list"}', 200),
        ("POST", b'{"jsonrpc":"2.0","method":"notifications/initialized"}', 202),
        ("GET", b"", 405),
        ("DELETE", b"", 405),
    ],
)
def test_a_server_over_http_answers_as_its_protocol_says(method, body, status):
    headers = [*JSON, (b"Mcp-Session-Id", b"s")]
    serve = added_call(asked("https://mcp.example/mcp", method, body, headers))
    assert serve.status == status
    if status == 200:
        assert (said(serve)["id"], said(serve)["error"]["code"]) == (3, -32603)
