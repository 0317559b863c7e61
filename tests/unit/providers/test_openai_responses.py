from __future__ import annotations

import json
from typing import Any

import pytest
from openai.types.responses import Response as Official

from agentvcr.diff.compare import explain
from agentvcr.model.conversation import Answer, Message, Prompt, ToolCall, ToolResult
from agentvcr.providers import dialect_of, openai_responses
from agentvcr.providers.body import response_content
from agentvcr.providers.sse import event_objects
from tests.support import corpora as recordings
from tests.unit.build import EVENTS, request, response

RESPONSES = "https://api.openai.com/v1/responses"
ELSEWHERE = [
    ("bedrock-mantle.us-east-1.api.aws", "/openai/v1/responses"),
    ("pydantic-ai-realtime-dev.openai.azure.com", "/openai/v1/responses"),
    ("openrouter.ai", "/api/v1/responses"),
    ("api.deepseek.com", "/responses"),
    ("localhost:8787", "/openai/responses"),
]
"""Who else speaks this API in the recordings."""


def stream(*events: dict[str, Any]) -> bytes:
    return "".join(f"data: {json.dumps(one)}\n\n" for one in events).encode()


def event(kind: str, index: int = 0, **details: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", "output_index": index, **details}


def state(kind: str, **details: Any) -> dict[str, Any]:
    told = {"model": "gpt-5", "status": kind, "output": [], **details}
    return {"type": f"response.{kind}", "response": told}


def said(*texts: str) -> dict[str, Any]:
    parts = [{"type": "output_text", "text": text, "annotations": []} for text in texts]
    return {"type": "message", "id": "msg_1", "role": "assistant", "content": parts}


def body(*output: dict[str, Any], **details: Any) -> dict[str, Any]:
    told = {"model": "gpt-5", "status": "completed", "error": None, "output": list(output)}
    return {**told, "usage": {"input_tokens": 12, "output_tokens": 5}, **details}


def answer(*chunks: Any, **details: Any) -> Answer:
    found = openai_responses.read_answer(response(*chunks, **details))
    assert found is not None
    return found


def streamed(*events: dict[str, Any]) -> Answer:
    return answer(stream(*events), headers=EVENTS)


def asked(**details: Any) -> Prompt:
    found = openai_responses.read_prompt(request({"model": "gpt-5", **details}, url=RESPONSES))
    assert found is not None
    return found


def item(**details: Any) -> Message:
    """Read one item of an input."""
    return asked(input=[details]).messages[0]


@pytest.mark.parametrize(
    ("method", "url", "known"),
    [
        ("POST", RESPONSES, True),
        ("POST", "https://x.openai.azure.com/openai/v1/responses?api-version=preview", True),
        ("POST", "https://x.openai.azure.com/openai/responses?api-version=2025-03-01", True),
        ("POST", "http://localhost:8000/v1/responses/", True),
        ("POST", "https://api.deepseek.com/responses", True),
        ("GET", RESPONSES, False),
        ("POST", f"{RESPONSES}/resp_1/cancel", False),
        ("POST", "https://api.survey.example/v3/collectors/12/responses", False),
        ("POST", "https://x.example/?next=/v1/responses", False),
        ("POST", "http://[broken/v1/responses", False),
    ],
)
def test_a_post_to_responses_is_recognised(method, url, known):
    assert openai_responses.recognises(request(method=method, url=url)) is known


def test_a_text_is_the_one_message_and_the_instructions_are_the_system_prompt():
    offered = [{"type": "function", "name": "get"}, {"type": "web_search"}]
    served = {"type": "mcp", "server_label": "docs", "server_url": "https://mcp.example"}
    prompt = asked(instructions="Be brief.", input="Weather?", tools=[*offered, served])
    assert (prompt.model, prompt.system) == ("gpt-5", "Be brief.")
    assert prompt.messages == (Message(role="user", text="Weather?"),)
    assert prompt.tools == ("get", "web_search", "docs")


def test_every_item_of_the_input_keeps_its_place():
    prompt = asked(
        input=[
            {"role": "developer", "content": "Be kind."},
            {"role": "user", "content": [{"type": "input_text", "text": t} for t in ("a", "b")]},
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "h"}]},
            {"type": "function_call", "call_id": "c1", "name": "get", "arguments": '{"a":1}'},
            {"type": "function_call_output", "call_id": "c1", "output": "sunny"},
            said("It is ", "sunny."),
        ]
    )
    assert prompt.messages == (
        Message(role="developer", text="Be kind."),
        Message(role="user", text="a\nb"),
        Message(role="assistant", thinking="h"),
        Message(role="assistant", tool_calls=(ToolCall(id="c1", name="get", arguments='{"a":1}'),)),
        Message(role="tool", tool_results=(ToolResult(call_id="c1", text="sunny"),)),
        Message(role="assistant", text="It is sunny."),
    )


@pytest.mark.parametrize("held", ["previous_response_id", "conversation", "prompt"])
def test_a_request_that_goes_on_from_what_the_service_holds_is_a_prompt(held):
    assert asked(**{held: "x_1"}).messages == ()
    assert openai_responses.read_prompt(request({"answers": [1]}, url=RESPONSES)) is None


def test_images_and_files_are_described_each_in_its_own_way():
    images = [{"type": "input_image", "image_url": url} for url in ("data:a", "data:b")]
    parts = [{"type": "input_text", "text": "a map"}, *images, {"type": "input_file", "id": "f"}]
    sent = item(role="user", content=parts)
    assert sent.text == "a map"
    kinds = [one.partition(",")[0] for one in sent.attachments]
    assert kinds == ["input_image", "input_image", "input_file"]
    assert len(set(sent.attachments)) == 3
    came = item(type="function_call_output", call_id="c1", output=parts)
    assert came.tool_results == (ToolResult(call_id="c1", text="a map"),)
    assert came.attachments == sent.attachments
    shot = item(type="computer_call_output", output={"type": "computer_screenshot", "id": "f"})
    assert shot.attachments[0].startswith("computer_screenshot, ")


FOUND = {"query": "q", "sources": [{"url": "u"}]}
LOGS = [{"type": "logs", "logs": "2"}]


@pytest.mark.parametrize(
    ("kind", "details", "arguments", "result"),
    [
        ("web_search", {"action": {"query": "q"}}, '{"query":"q"}', None),
        ("web_search", {"action": FOUND}, '{"query":"q"}', '[{"url":"u"}]'),
        ("file_search", {"queries": ["q"], "results": ["t"]}, '{"queries":["q"]}', "t"),
        ("code_interpreter", {"code": "1+1", "outputs": LOGS}, '{"code":"1+1"}', "2"),
        ("mcp", {"arguments": '{"n":6}', "output": "4", "error": None}, '{"n":6}', "4"),
        ("mcp", {"arguments": "{}", "error": {"code": 5}}, "{}", '{"code":5}'),
        ("computer", {"action": {"type": "click", "x": 1}}, '{"type":"click","x":1}', None),
        ("shell", {"action": {"commands": ["ls"]}}, '{"commands":["ls"]}', None),
        ("apply_patch", {"operation": {"path": "a"}}, '{"path":"a"}', None),
        ("custom_tool", {"input": "select 1"}, "select 1", None),
        ("image_generation", {"size": "auto", "result": "aGk="}, '{"size":"auto"}', None),
    ],
)
@pytest.mark.parametrize("name", ["", "roll"])
def test_a_call_of_any_tool_has_a_name_arguments_and_what_the_service_got(
    kind, name, details, arguments, result
):
    made = {"type": f"{kind}_call", "id": "x_1", "status": "completed", "name": name, **details}
    told = answer(body(made)).message
    assert told.tool_calls == (ToolCall(id="x_1", name=name or kind, arguments=arguments),)
    assert [one.text for one in told.tool_results] == ([] if result is None else [result])


@pytest.mark.parametrize(
    ("kind", "details", "text"),
    [
        ("shell_call_output", {"output": [{"stdout": "a"}]}, '{"stdout":"a"}'),
        ("tool_search_output", {"tools": [{"name": "f"}]}, '{"tools":[{"name":"f"}]}'),
        ("mcp_approval_response", {"approve": True}, '{"approve":true}'),
        ("custom_tool_call_output", {"output": "7"}, "7"),
    ],
)
def test_what_came_of_any_tool_is_a_result(kind, details, text):
    told = item(type=kind, approval_request_id="c1", **details)
    assert told.tool_results == (ToolResult(call_id="c1", text=text),)
    assert item(type="mcp_approval_request", id="c1", name="f").tool_calls[0].id == "c1"


def test_what_is_neither_said_nor_called_is_attached_whatever_its_id():
    tools = {"type": "mcp_list_tools", "tools": [{"name": "f"}]}
    first, second = (answer(body({**tools, "id": name})).message for name in ("m1", "m2"))
    assert first == second
    assert first.attachments[0].startswith("mcp_list_tools, ")
    assert item(type="item_reference", id="m1") != item(type="item_reference", id="m2")
    assert item(type="image_generation_call", result="aGk=").attachments[0].startswith("image, ")


def test_an_answer_in_one_body_is_read_with_its_usage_and_why_it_ended():
    found = answer(body(said("Hel", "lo.")))
    assert found.message == Message(role="assistant", text="Hello.")
    assert (found.input_tokens, found.output_tokens, found.finish) == (12, 5, "completed")
    assert (found.model, found.streamed, found.error) == ("gpt-5", False, "")
    why = {"reason": "max_output_tokens"}
    assert answer(body(status="incomplete", incomplete_details=why)).finish == "max_output_tokens"
    assert answer(body(status="queued")).finish == "queued"


def test_summaries_and_reasoning_are_the_thinking_and_a_refusal_is_the_text():
    summary = [{"type": "summary_text", "text": text} for text in ("one", "two")]
    thought = {"type": "reasoning", "encrypted_content": "gAAA", "summary": summary}
    raw = [{"type": "reasoning_text", "text": "raw"}]
    refused = {"type": "message", "content": [{"type": "refusal", "refusal": "I can't."}]}
    found = answer(body({**thought, "content": raw}, refused))
    assert found.message == Message(role="assistant", text="I can't.", thinking="one\ntwo\nraw")


def test_messages_before_and_after_a_call_stay_apart():
    found = answer(body(said("I look."), {"type": "web_search_call"}, said("Done."))).message
    assert (found.text, len(found.tool_calls)) == ("I look.\nDone.", 1)


CALL = {"type": "function_call", "call_id": "c1", "name": "get", "arguments": ""}
TOLD: list[dict[str, Any]] = [
    state("in_progress"),
    event("output_item.added", item={"type": "reasoning", "id": "rs_1", "summary": []}),
    event("reasoning_summary_text.delta", summary_index=0, delta="let "),
    event("reasoning_summary_text.delta", summary_index=0, delta="me"),
    event("reasoning_summary_text.delta", summary_index=1, delta="see"),
    event("output_item.added", 1, item={"type": "message", "role": "assistant", "content": []}),
    event("content_part.added", 1, content_index=0, part={"type": "output_text", "text": ""}),
    event("output_text.delta", 1, content_index=0, delta="so "),
    event("output_text.delta", 1, content_index=0, delta="far"),
    event("output_item.added", 2, item=CALL),
    event("function_call_arguments.delta", 2, delta='{"a"'),
    event("function_call_arguments.delta", 2, delta=":1}"),
]


def test_a_stream_that_was_cut_gives_what_arrived():
    found = streamed(*TOLD)
    assert (found.message.text, found.message.thinking) == ("so far", "let me\nsee")
    assert found.message.tool_calls == (ToolCall(id="c1", name="get", arguments='{"a":1}'),)
    assert (found.streamed, found.finish, found.model) == (True, "", "gpt-5")
    assert streamed(*TOLD[:-1]).message.tool_calls[0].arguments == '{"a"'
    content = stream(*TOLD[:9])
    assert answer(content[: content.index(b"far")], headers=EVENTS).message.text == "so "


@pytest.mark.parametrize("output", [[], [said("whole")]])
def test_the_last_event_of_a_stream_says_how_it_ended_and_what_was_said(output):
    usage = {"input_tokens": 3, "output_tokens": 2}
    found = streamed(*TOLD, state("completed", output=output, usage=usage))
    assert found.message.text == ("whole" if output else "so far")
    assert (found.finish, found.input_tokens, found.output_tokens) == ("completed", 3, 2)
    limit = state("incomplete", incomplete_details={"reason": "content_filter"})
    assert streamed(*TOLD, limit).finish == "content_filter"
    done = event("output_item.done", 1, item=said("So it is"))
    assert streamed(*TOLD, done).message.text == "So it is"


@pytest.mark.parametrize("begun", [True, False])
@pytest.mark.parametrize("delta", ["function_call_arguments", "custom_tool_call_input"])
def test_of_every_call_the_arguments_arrive_in_pieces(delta, begun):
    kind, _, name = delta.rpartition("_")
    start = event("output_item.added", item={"type": kind, "name": "f", name: ""})
    pieces = [event(f"{delta}.delta", delta=piece) for piece in ("{", "}")]
    found = streamed(*([start] if begun else []), *pieces)
    assert [one.arguments for one in found.message.tool_calls] == ["{}"]


def test_a_refusal_a_thought_and_code_arrive_in_pieces_too():
    refused, thought, code = (
        streamed(*(event(f"{kind}.delta", delta=piece) for piece in ("1", "+"))).message
        for kind in ("refusal", "reasoning_text", "code_interpreter_call_code")
    )
    assert (refused.text, thought.thinking) == ("1+", "1+")
    assert code.tool_calls[0].arguments == '{"code":"1+"}'


def test_an_error_is_told_from_a_body_a_failure_and_from_within_a_stream():
    refused = {"type": "invalid_request_error", "code": "model_not_found", "message": "No."}
    assert answer({"error": refused}, status=400).error == "invalid_request_error: No."
    failed = {"code": "server_error", "message": "Sorry."}
    assert answer(body(status="failed", error=failed)).error == "server_error: Sorry."
    for last in (state("failed", error=failed), {"type": "error", **failed, "param": None}):
        found = streamed(*TOLD, last)
        assert (found.error, found.message.text) == ("server_error: Sorry.", "so far")
    found = streamed({"type": "error", "error": {"type": "overloaded", "message": "Later."}})
    assert found.error == "overloaded: Later."


def test_what_differs_is_named_by_its_message_and_the_rest_by_its_path():
    def one(text: str, system: str, **more: Any) -> Any:
        told = [{"role": "user", "content": each} for each in ("a", text)]
        return request({"instructions": system, "input": told, **more}, url=RESPONSES)

    changes = explain(one("b", "s"), one("c", "t", user="u"))
    places = ["request.system", "request.messages[1].content", "request.body $.user"]
    assert [change.where for change in changes] == places
    # What no message tells is still told.
    given = [{"input": [{"role": "user", "content": "a", "id": name}]} for name in ("m1", "m2")]
    changes = explain(*(request(one, url=RESPONSES) for one in given))
    assert [change.where for change in changes] == ["request.body $.input[0].id"]


@pytest.mark.parametrize(
    "odd",
    [
        b"",
        b'{"output": 3, "input": 3}',
        b'{"output": [null, 3, {}, {"type": []}, {"type": "message", "content": {"a": 1}}]}',
        b'{"output": [{"type": "function_call", "arguments": [1]}, {"type": "reasoning"}]}',
        b'{"output": [{"type": "web_search_call", "action": 4}, {"type": "_call"}]}',
        b'{"input": [null, "a", [], {"role": 4, "content": [[], 5, {"type": []}]}], "tools": [1]}',
        b'{"input": [{"type": "function_call_output", "output": [null, {}]}, {"role": "user"}]}',
        b'{"output": [], "usage": [], "incomplete_details": 4, "error": []}',
        b'data: {"type": "response.output_text.delta", "output_index": "x", "delta": {}}\n\n',
        b'data: {"type": "response.output_item.done"}\n\ndata: {"type": "error"}\n\n',
        b"\xff\xfe\x00",
        b'{"error": "no"}',
    ],
)
def test_an_odd_body_never_raises(odd):
    openai_responses.read_answer(response(odd))
    openai_responses.read_prompt(request(odd, url=RESPONSES))


@pytest.fixture
def real(corpora, monkeypatch):
    """Give every real exchange of this API, at whichever service it was recorded."""
    for place in ELSEWHERE:
        monkeypatch.setitem(recordings.FAMILIES, place, "responses")
    files = sorted(corpora.rglob("*.yaml"))
    found = [one for path in files for one in recordings.read(path, name=path.name)]
    return [one for one in found if one.family == "responses"]


def answered(recording, content):
    headers = tuple((name.encode(), value.encode()) for name, value in recording.headers)
    return response(content, status=recording.status, headers=headers)


def official(recording) -> Any:
    """Give what OpenAI's own types make of an answer; None where it is a refusal."""
    content = response_content(answered(recording, recording.body))
    if recording.streamed:
        told = [one["response"] for one in event_objects(content) if "response" in one][-1]
    else:
        told = json.loads(content)
    return Official.construct(**told) if "output" in told else None


def test_every_real_exchange_is_recognised_and_its_prompt_keeps_the_order_of_its_input(real):
    for recording in real:
        sent = request(recording.asked, url=f"https://provider.example{recording.path}")
        assert dialect_of(sent) is openai_responses, recording.name
        prompt = openai_responses.read_prompt(sent)
        given = recording.asked["input"]
        assert prompt is not None, recording.name
        assert len(prompt.messages) == (1 if isinstance(given, str) else len(given)), recording.name
        for message, one in zip(prompt.messages, given, strict=False):
            if "role" in one:
                assert message.role == one["role"], recording.name
    assert {recording.path for recording in real} >= {path for _, path in ELSEWHERE}


def test_every_real_answer_says_what_the_official_types_parse(real):
    told = 0
    for recording in real:
        found = openai_responses.read_answer(answered(recording, recording.body))
        parsed = official(recording)
        assert found is not None, recording.name
        assert found.streamed == recording.streamed, recording.name
        assert bool(found.error) == (parsed is None) == (recording.status >= 400), recording.name
        if parsed is None:
            continue
        calls = [(one.id, one.name, one.arguments) for one in found.message.tool_calls]
        called = [one for one in parsed.output if one.type == "function_call"]
        expected = [(one.call_id, one.name, one.arguments) for one in called]
        assert found.message.text == parsed.output_text, recording.name
        ids = {one[0] for one in expected}
        assert [one for one in calls if one[0] in ids] == expected, recording.name
        assert len(calls) == sum(one.type.endswith("_call") for one in parsed.output)
        assert (found.model, found.finish) == (parsed.model, parsed.status), recording.name
        assert found.input_tokens == parsed.usage.input_tokens, recording.name
        assert found.output_tokens == parsed.usage.output_tokens, recording.name
        told += 1
    assert told > 100


def test_every_real_stream_says_the_same_by_its_pieces_as_by_its_end(real):
    streams = [recording for recording in real if recording.streamed]
    assert len(streams) > 30
    for recording in streams:
        pieces = [one for one in event_objects(recording.body) if "response" not in one]
        deltas = [one for one in pieces if not one["type"].endswith(".done")]
        whole, by_items, by_deltas = (
            answer(content, headers=EVENTS).message
            for content in (recording.body, stream(*pieces), stream(*deltas))
        )
        assert by_items == whole, recording.name
        assert (by_deltas.text, by_deltas.thinking) == (whole.text, whole.thinking), recording.name
