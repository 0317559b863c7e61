from __future__ import annotations

import json
from typing import Any

import pytest

from agentvcr.model.conversation import Answer, Message, ToolCall, ToolResult
from agentvcr.providers import ollama
from tests.unit.build import JSON, request, response

CHAT = "http://127.0.0.1:11434/api/chat"
LINES = ((b"content-type", b"application/x-ndjson"),)


def line(done: bool = False, **message: Any) -> dict[str, Any]:  # noqa: FBT001, FBT002  (a field)
    return {"model": "llama3.2", "message": {"role": "assistant", **message}, "done": done}


def lines(*values: Any) -> bytes:
    return "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values).encode()


def answer(*chunks: Any, **details: Any) -> Answer:
    found = ollama.read_answer(response(*chunks, **details))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("url", "known"),
    [
        (CHAT, True),
        ("https://ollama.com/api/chat", True),
        ("http://127.0.0.1:11434/v1/chat/completions", False),
        ("http://127.0.0.1:11434/api/tags", False),
    ],
)
def test_a_post_to_the_chat_is_recognised(url, known):
    assert ollama.recognises(request(url=url)) is known


def test_the_prompt_has_its_messages_and_tools():
    asked = request(
        {
            "model": "llama3.2",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Weather?", "images": ["AA", "AB"]},
                {
                    "role": "assistant",
                    "content": "",
                    "thinking": "hm",
                    "tool_calls": [{"function": {"name": "get", "arguments": {"a": 1}}}],
                },
                {"role": "tool", "content": "sunny", "tool_name": "get"},
            ],
            "tools": [{"type": "function", "function": {"name": "get"}}],
        },
        url=CHAT,
    )
    prompt = ollama.read_prompt(asked)
    assert prompt is not None
    assert (ollama.model_of(asked), prompt.model, prompt.tools) == (
        "llama3.2",
        "llama3.2",
        ("get",),
    )
    system, user, assistant, tool = prompt.messages
    assert (system.role, system.text) == ("system", "Be brief.")
    assert (user.text, len(set(user.attachments))) == ("Weather?", 2)
    call = ToolCall(id="", name="get", arguments='{"a":1}')
    assert assistant == Message(role="assistant", thinking="hm", tool_calls=(call,))
    assert tool == Message(role="tool", tool_results=(ToolResult(call_id="get", text="sunny"),))


@pytest.mark.parametrize("headers", [LINES, JSON])
def test_a_stream_reads_as_text_thinking_and_calls_wherever_its_bytes_are_split(headers):
    content = lines(
        line(content="", thinking="let me "),
        line(content="", thinking="see"),
        line(content="Sch"),
        line(content="ön"),
        line(
            content="",
            tool_calls=[{"id": "t", "function": {"name": "get", "arguments": {"city": "Köln"}}}],
        ),
        {
            **line(done=True, content=""),
            "done_reason": "stop",
            "prompt_eval_count": 14,
            "eval_count": 9,
        },
    )
    whole = answer(content, headers=headers)
    assert whole == Answer(
        message=Message(
            role="assistant",
            text="Schön",
            thinking="let me see",
            tool_calls=(ToolCall(id="t", name="get", arguments='{"city":"Köln"}'),),
        ),
        model="llama3.2",
        finish="stop",
        input_tokens=14,
        output_tokens=9,
        streamed=True,
    )
    for cut in range(0, len(content), 5):
        assert answer(content[:cut], content[cut:], headers=headers) == whole


def test_a_whole_answer_is_one_object_also_over_several_lines():
    body = {**line(done=True, content="Hi"), "done_reason": "stop", "eval_count": 2}
    found = answer(json.dumps(body, indent=1))
    assert (found.message.text, found.finish, found.output_tokens) == ("Hi", "stop", 2)
    assert not found.streamed


def test_of_a_cut_stream_the_whole_lines_are_kept():
    content = lines(line(content="Once"), line(content=" upon"))
    assert answer(content[:-5], headers=LINES).message.text == "Once"


def test_a_refusal_is_told_and_so_is_one_within_a_stream():
    assert answer({"error": "model not found"}, status=404).error == "model not found"
    found = answer(lines(line(content="Once"), {"error": "out of memory"}), headers=LINES)
    assert (found.error, found.message.text) == ("out of memory", "Once")


@pytest.mark.parametrize(
    "odd",
    [
        b"",
        b"<html>",
        b"{}",
        b'{"message": 3}',
        b'{"message": {"tool_calls": [null, {"function": 3}], "images": 3}}\n{"message": []}',
        b'{"messages": [null, {"role": [], "images": [null, {}]}], "tools": [3, null]}',
        b'{"messages": 3, "model": []}',
        b"3\nnull\n[]",
        b"\xff\xfe\x00",
    ],
)
def test_an_odd_body_never_raises(odd):
    ollama.read_answer(response(odd))
    ollama.read_answer(response(odd, headers=LINES))
    ollama.read_prompt(request(odd, url=CHAT))
