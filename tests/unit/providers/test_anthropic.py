from __future__ import annotations

import json
from typing import Any

import pytest

from agentvcr.model.conversation import Answer, Message, ToolCall, ToolResult
from agentvcr.providers import anthropic
from tests.unit.build import EVENTS, MESSAGES, request, response

START = {
    "type": "message_start",
    "message": {
        "model": "claude",
        "role": "assistant",
        "content": [],
        "usage": {"input_tokens": 10, "cache_read_input_tokens": 4, "output_tokens": 1},
    },
}


def stream(*events: dict[str, Any]) -> bytes:
    lines = [f"event: {e['type']}\r\ndata: {json.dumps(e, ensure_ascii=False)}\r\n" for e in events]
    return "\r\n".join([*lines, ""]).encode()


def block(index: int, **content: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": content}


def delta(index: int, **parts: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": parts}


def answer(*chunks: Any, **details: Any) -> Answer:
    found = anthropic.read_answer(response(*chunks, **details))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("url", "known"),
    [
        (MESSAGES, True),
        (f"{MESSAGES}?beta=true", True),
        (f"{MESSAGES}/count_tokens", False),
        ("https://api.openai.com/v1/threads/t/messages", False),
    ],
)
def test_a_post_to_messages_is_recognised(url, known):
    assert anthropic.recognises(request(url=url)) is known


def test_the_system_prompt_stands_beside_the_messages():
    prompt = anthropic.read_prompt(
        request(
            {
                "model": "claude",
                "system": [{"type": "text", "text": "Be"}, {"type": "text", "text": "brief."}],
                "messages": [
                    {"role": "user", "content": "Weather?"},
                    {
                        "role": "assistant",
                        "content": [
                            {"type": "thinking", "thinking": "hm"},
                            {"type": "tool_use", "id": "t1", "name": "get", "input": {"a": 1}},
                        ],
                    },
                    {
                        "role": "user",
                        "content": [
                            {
                                "type": "tool_result",
                                "tool_use_id": "t1",
                                "content": [{"type": "text", "text": "sunny"}],
                            }
                        ],
                    },
                ],
                "tools": [{"name": "get"}, {"type": "web_search"}],
            },
            url=MESSAGES,
        )
    )
    assert prompt is not None
    assert (prompt.system, prompt.tools) == ("Be\nbrief.", ("get", "web_search"))
    call = ToolCall(id="t1", name="get", arguments='{"a":1}')
    assert prompt.messages == (
        Message(role="user", text="Weather?"),
        Message(role="assistant", thinking="hm", tool_calls=(call,)),
        Message(role="user", tool_results=(ToolResult(call_id="t1", text="sunny"),)),
    )


def test_input_tokens_count_what_came_from_a_cache():
    usage = {
        "input_tokens": 10,
        "cache_creation_input_tokens": 20,
        "cache_read_input_tokens": 30,
        "output_tokens": 7,
    }
    body = {"content": [{"type": "text", "text": "Hi"}], "usage": usage, "stop_reason": "end_turn"}
    found = answer(body)
    assert (found.input_tokens, found.output_tokens) == (60, 7)
    assert (found.message.text, found.finish) == ("Hi", "end_turn")


def test_the_fragments_of_a_cited_answer_are_one_text():
    content = [{"type": "text", "text": text} for text in ("It is ", "sunny", ".")]
    assert answer({"content": content}).message.text == "It is sunny."


def test_a_stream_reads_as_text_thinking_and_calls_with_the_last_usage():
    found = answer(
        stream(
            START,
            block(0, type="thinking", thinking=""),
            delta(0, type="thinking_delta", thinking="let me "),
            delta(0, type="thinking_delta", thinking="see"),
            {"type": "ping"},
            block(1, type="text", text=""),
            delta(1, type="text_delta", text="Schön"),
            block(2, type="tool_use", id="t", name="get", input={}),
            delta(2, type="input_json_delta", partial_json='{"city":'),
            delta(2, type="input_json_delta", partial_json='"Köln"}'),
            {
                "type": "message_delta",
                "delta": {"stop_reason": "tool_use"},
                "usage": {"output_tokens": 9, "input_tokens": None},
            },
        ),
        headers=EVENTS,
    )
    assert found == Answer(
        message=Message(
            role="assistant",
            text="Schön",
            thinking="let me see",
            tool_calls=(ToolCall(id="t", name="get", arguments='{"city":"Köln"}'),),
        ),
        model="claude",
        finish="tool_use",
        input_tokens=14,
        output_tokens=9,
        streamed=True,
    )


def test_a_stream_reads_the_same_wherever_its_bytes_are_split():
    content = stream(
        START, block(0, type="text", text=""), delta(0, type="text_delta", text="né日")
    )
    whole = answer(content, headers=EVENTS)
    assert whole.message.text == "né日"
    for cut in range(len(content)):
        assert answer(content[:cut], content[cut:], headers=EVENTS) == whole


def test_a_call_without_arguments_has_an_empty_object():
    content = stream(START, block(0, type="tool_use", id="t", name="now", input={}))
    assert answer(content, headers=EVENTS).message.tool_calls[0].arguments == "{}"


def test_of_a_cut_stream_half_of_the_arguments_are_kept():
    content = stream(
        START,
        block(0, type="tool_use", id="t", name="get", input={}),
        delta(0, type="input_json_delta", partial_json='{"city": "Pa'),
    )
    found = answer(content, headers=EVENTS)
    assert (found.message.tool_calls[0].arguments, found.finish) == ('{"city": "Pa', "")


def test_an_error_is_told_from_a_body_and_from_within_a_stream():
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    assert answer(error, status=529).error == "overloaded_error: Overloaded"
    assert answer(stream(START, error), headers=EVENTS).error == "overloaded_error: Overloaded"


@pytest.mark.parametrize(
    "odd",
    [
        b"",
        b"<html>",
        b"{}",
        b'{"content": 3}',
        b'{"content": [null, {"type": 5}, {"type": "tool_result", "content": 4}]}',
        b'{"messages": [null, {"role": [], "content": [{"type": "tool_use", "input": 3}]}]}',
        b'data: {"type": "content_block_delta", "index": "x", "delta": 4}\n\n',
        b'data: {"type": "content_block_start", "content_block": []}\n\n',
        b"\xff\xfe\x00",
    ],
)
def test_an_odd_body_never_raises(odd):
    anthropic.read_answer(response(odd))
    anthropic.read_prompt(request(odd))
