"""What counts as a call of a tool: what was done, and what was asked for where none was done."""

import json

import pytest

from agentvcr.assertions import checked
from tests.unit.build import chat, completion, exchange, request, response
from tests.unit.build import run as built

NO_TOKENS = {"jsonrpc": "2.0", "id": 1}


def mcp(name, arguments, answer, *, url="mcp:calc/tools/call/add"):
    params = {"name": name, "arguments": arguments}
    asked = {**NO_TOKENS, "method": "tools/call", "params": params}
    method = "MCP" if url.startswith("mcp:") else "POST"
    return exchange(request(asked, url=url, method=method), response({**NO_TOKENS, **answer}))


def asking(*calls):
    told = [
        {"id": ident, "type": "function", "function": {"name": name, "arguments": arguments}}
        for ident, name, arguments in calls
    ]
    return exchange(
        request({"model": "m", "messages": [{"role": "user", "content": "Go."}]}),
        response(completion({"role": "assistant", "content": None, "tool_calls": told})),
    )


def test_what_was_asked_for_and_done_is_counted_once(run):
    assert len(run.calls("search", times=3)) == 3
    assert [call.how for call in run.calls("search")] == ["done"] * 3
    assert [call.name for call in run.step("plan").calls()] == ["lookup", "search"]


def test_what_nobody_did_is_counted_as_the_model_asked_for_it(run):
    first, second = run.calls("lookup", times=2)
    assert (first.how, first.arguments) == ("asked", {"place": "Oslo", "days": 2})
    assert (first.step, first.caller, second.caller) == ("plan/llm[0]", "planner", "critic")
    assert (first.result, first.latency_ms, second.result) == ("cold", None, None)


def test_a_step_in_which_the_model_asked_tells_so_where_another_did_it():
    run = checked(built(asking(("c1", "add", '{"a": 1}')), mcp("add", {"a": 1}, {"result": {}})))
    assert run.calls("add", times=1)[0].how == "done"
    assert run.step("llm[0]").calls("add", times=1)[0].how == "asked"


def test_a_call_says_what_it_was_given_and_gave(run):
    (call,) = run.step("plan").calls("search")
    assert (call.name, call.arguments) == ("search", {"query": "trees", "limit": 2})
    assert (call.result, call.error, call.step) == (["trees", "trees"], "", "plan/search")
    assert call.latency_ms > 0
    paid, refused = run.calls("pay")
    assert (paid.result, paid.caller) == (True, "main")
    assert (refused.result, refused.error) == (
        None,
        "tests.support.crew.RefusedError: too much for order-8",
    )
    assert str(paid) == 'pay({"order":"order-7","cents":250})'
    assert str(refused).endswith('"cents":2500}): RefusedError: too much for order-8')


@pytest.mark.parametrize("url", ["mcp:calc/tools/call/add", "http://127.0.0.1:7/mcp"])
@pytest.mark.parametrize(
    ("answer", "result", "error"),
    [
        ({"result": {"content": [{"type": "text", "text": "a  b"}]}}, "a  b", ""),
        ({"result": {"content": [], "structuredContent": {"sum": 3}}}, {"sum": 3}, ""),
        ({"result": {"isError": True, "content": [{"text": "no"}]}}, None, "no"),
        ({"error": {"code": -32602, "message": "odd"}}, None, "error -32602: odd"),
        ({}, None, ""),
    ],
)
def test_a_tool_of_an_mcp_server_is_a_call(url, answer, result, error):
    run = checked(built(mcp("add", {"a": 1}, answer, url=url)))
    (call,) = run.calls("add")
    assert (call.arguments, call.result, call.error) == ({"a": 1}, result, error)
    assert (call.how, call.step) == ("done", "tool[0]")


def test_arguments_that_were_cut_short_are_text():
    run = checked(built(asking(("c1", "add", '{"a": '), ("c2", "add", ""), ("c3", "add", "{}"))))
    assert [call.arguments for call in run.calls("add")] == ['{"a": ', None, {}]


def test_a_hostile_name_is_shown_and_does_not_steer():
    run = checked(built(asking(("c1", "a\x1b[2J\nb", json.dumps({"x": "\u202e\n"})))))
    (call,) = run.calls()
    assert str(call) == 'a\\x1b[2J b({"x":"\\u202e\\n"})'


def test_what_asks_no_model_and_no_tool_calls_nothing():
    assert checked(built(chat("Why?"))).calls(at_least=0) == ()
