from __future__ import annotations

import json
from typing import Any

import pytest

from agentvcr.model.conversation import Answer, Message, ToolCall, ToolResult
from agentvcr.providers import cohere
from tests.unit.build import EVENTS, request, response

CHAT = "https://api.cohere.com/v2/chat"
USAGE = {
    "billed_units": {"input_tokens": 3, "output_tokens": 9},
    "tokens": {"input_tokens": 14.0, "output_tokens": 9},
}


def event(kind: str, index: int | None = None, **delta: Any) -> dict[str, Any]:
    return {"type": kind, **({} if index is None else {"index": index}), "delta": delta}


def told(kind: str, index: int | None = None, **message: Any) -> dict[str, Any]:
    return event(kind, index, message=message)


def stream(*events: dict[str, Any]) -> bytes:
    lines = [f"event: {e['type']}\ndata: {json.dumps(e, ensure_ascii=False)}\n\n" for e in events]
    return "".join([*lines, "data: [DONE]\n\n"]).encode()


def answer(*chunks: Any, **details: Any) -> Answer:
    found = cohere.read_answer(response(*chunks, **details))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("url", "known"),
    [
        (CHAT, True),
        ("https://api.cohere.com/v1/chat", False),
        ("https://api.cohere.com/v2/embed", False),
        ("https://api.cohere.com/compatibility/v1/chat/completions", False),
    ],
)
def test_a_post_to_the_chat_is_recognised(url, known):
    assert cohere.recognises(request(url=url)) is known


def test_the_prompt_has_its_messages_and_tools():
    call = {"id": "t", "type": "function", "function": {"name": "get", "arguments": '{"a":1}'}}
    document = {"type": "document", "document": {"id": "0", "data": {"sky": "clear"}}}
    image = {"type": "image_url", "image_url": {"url": "data:,"}}
    asked = request(
        {
            "model": "command-a",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": [{"type": "text", "text": "Weather?"}, image]},
                {"role": "assistant", "tool_plan": "I will look.", "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "t", "content": [document]},
                {"role": "tool", "tool_call_id": "u", "content": "rain"},
            ],
            "tools": [{"type": "function", "function": {"name": "get"}}],
        },
        url=CHAT,
    )
    prompt = cohere.read_prompt(asked)
    assert prompt is not None
    assert (cohere.model_of(asked), prompt.tools) == ("command-a", ("get",))
    system, user, assistant, first, second = prompt.messages
    assert (system.text, user.text, len(user.attachments)) == ("Be brief.", "Weather?", 1)
    assert assistant.thinking == "I will look."
    assert assistant.tool_calls == (ToolCall(id="t", name="get", arguments='{"a":1}'),)
    assert first.tool_results == (ToolResult(call_id="t", text='{"sky":"clear"}'),)
    assert second.tool_results == (ToolResult(call_id="u", text="rain"),)


def test_a_whole_answer_counts_all_tokens_and_not_those_that_are_billed():
    content = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Hi"}]
    body = {"message": {"role": "assistant", "content": content}, "usage": USAGE}
    found = answer({**body, "finish_reason": "COMPLETE"})
    assert (found.input_tokens, found.output_tokens) == (14, 9)
    assert (found.message.text, found.message.thinking) == ("Hi", "hm")
    assert (found.finish, found.streamed) == ("COMPLETE", False)


def test_a_stream_reads_as_text_thinking_and_calls_wherever_its_bytes_are_split():
    start = {"id": "t", "type": "function", "function": {"name": "get", "arguments": ""}}
    content = stream(
        told("message-start", role="assistant", content=[], tool_plan="", tool_calls=[]),
        told("tool-plan-delta", tool_plan="I will"),
        told("tool-plan-delta", tool_plan=" look."),
        told("content-start", 0, content={"type": "thinking", "thinking": "let me "}),
        told("content-delta", 0, content={"thinking": "see"}),
        event("content-end", 0),
        told("content-start", 1, content={"type": "text", "text": ""}),
        told("content-delta", 1, content={"text": "Sch"}),
        told("content-delta", 1, content={"text": "ön"}),
        event("content-end", 1),
        told("tool-call-start", 0, tool_calls=start),
        told("tool-call-delta", 0, tool_calls={"function": {"arguments": '{"city":'}}),
        told("tool-call-delta", 0, tool_calls={"function": {"arguments": '"Köln"}'}}),
        event("tool-call-end", 0),
        event("message-end", finish_reason="TOOL_CALL", usage=USAGE),
    )
    whole = answer(content, headers=EVENTS)
    assert whole == Answer(
        message=Message(
            role="assistant",
            text="Schön",
            thinking="let me see\nI will look.",
            tool_calls=(ToolCall(id="t", name="get", arguments='{"city":"Köln"}'),),
        ),
        finish="TOOL_CALL",
        input_tokens=14,
        output_tokens=9,
        streamed=True,
    )
    for cut in range(0, len(content), 7):
        assert answer(content[:cut], content[cut:], headers=EVENTS) == whole


def test_of_a_cut_stream_half_of_the_arguments_are_kept():
    start = {"id": "t", "function": {"name": "get", "arguments": ""}}
    content = stream(
        told("tool-call-start", 0, tool_calls=start),
        told("tool-call-delta", 0, tool_calls={"function": {"arguments": '{"city": "Pa'}}),
    )
    found = answer(content.removesuffix(b"data: [DONE]\n\n"), headers=EVENTS)
    assert (found.message.tool_calls[0].arguments, found.finish) == ('{"city": "Pa', "")


def test_a_refusal_is_told_and_so_is_one_at_the_end_of_a_stream():
    refused = {"id": "1", "message": "invalid api token"}
    assert answer(refused, status=401).error == "invalid api token"
    end = event("message-end", finish_reason="ERROR", error="no", error_type="INVALID", usage={})
    found = answer(stream(end), headers=EVENTS)
    assert (found.error, found.finish) == ("INVALID: no", "ERROR")


@pytest.mark.parametrize(
    "odd",
    [
        b"",
        b"<html>",
        b"{}",
        b'{"message": {"content": 3, "tool_calls": [null, {"function": 3}]}, "usage": []}',
        b'{"message": {"content": [null, 3, {"type": 5}, {"type": "document"}]}}',
        b'{"messages": [null, {"role": [], "content": [{"type": "text", "text": 3}]}]}',
        b'{"messages": 3, "tools": [3, null]}',
        b'data: {"type": "content-delta", "index": "x", "delta": 4}\n\n',
        b'data: {"type": "tool-call-start", "delta": {"message": {"tool_calls": [3]}}}\n\n',
        b'data: {"type": "message-end", "delta": 3}\n\n',
        b"\xff\xfe\x00",
    ],
)
def test_an_odd_body_never_raises(odd):
    cohere.read_answer(response(odd))
    cohere.read_prompt(request(odd, url=CHAT))
