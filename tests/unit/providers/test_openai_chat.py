from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from agentvcr.model.conversation import Answer, Message, ToolCall, ToolResult
from agentvcr.providers import openai_chat
from tests.unit.build import CHAT, EVENTS, JSON, completion, request, response


def stream(*chunks: dict[str, Any]) -> bytes:
    data = [json.dumps(chunk, ensure_ascii=False) for chunk in chunks]
    return "".join(f"data: {line}\n\n" for line in [*data, "[DONE]"]).encode()


def delta(finish: str | None = None, **parts: Any) -> dict[str, Any]:
    return {"model": "m", "choices": [{"index": 0, "delta": parts, "finish_reason": finish}]}


def call(index: int | None, arguments: str, **parts: Any) -> dict[str, Any]:
    name = {"name": parts.pop("name")} if "name" in parts else {}
    place = {} if index is None else {"index": index}
    return delta(tool_calls=[{**place, **parts, "function": {"arguments": arguments, **name}}])


def answer(*chunks: Any, **details: Any) -> Answer:
    found = openai_chat.read_answer(response(*chunks, **details))
    assert found is not None
    return found


def streamed(*chunks: dict[str, Any]) -> Answer:
    return answer(stream(*chunks), headers=EVENTS)


@pytest.mark.parametrize(
    ("method", "url", "known"),
    [
        ("POST", CHAT, True),
        ("POST", "https://x.openai.azure.com/openai/deployments/d/chat/completions?v=1", True),
        ("POST", "http://localhost:8000/v1/chat/completions/", True),
        ("GET", CHAT, False),
        ("POST", "https://x.example/?next=/chat/completions", False),
        ("POST", "https://api.openai.com/v1/responses", False),
        ("POST", "http://[broken/chat/completions", False),
    ],
)
def test_a_post_to_chat_completions_is_recognised(method, url, known):
    assert openai_chat.recognises(request(method=method, url=url)) is known


def test_messages_keep_their_place_calls_and_results():
    prompt = openai_chat.read_prompt(
        request(
            {
                "model": "gpt-4o",
                "messages": [
                    {"role": "system", "content": "Be brief."},
                    {"role": "user", "content": [{"type": "text", "text": "Weather?"}]},
                    {
                        "role": "assistant",
                        "content": None,
                        "tool_calls": [
                            {"id": "c1", "function": {"name": "get", "arguments": '{"a":1}'}}
                        ],
                    },
                    {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
                ],
                "tools": [{"type": "function", "function": {"name": "get"}}, {"type": "web"}],
            }
        )
    )
    assert prompt is not None
    assert prompt.model == "gpt-4o"
    assert prompt.tools == ("get", "web")
    assert prompt.messages == (
        Message(role="system", text="Be brief."),
        Message(role="user", text="Weather?"),
        Message(role="assistant", tool_calls=(ToolCall(id="c1", name="get", arguments='{"a":1}'),)),
        Message(role="tool", tool_results=(ToolResult(call_id="c1", text="sunny"),)),
    )


def test_two_images_of_one_length_are_described_differently():
    parts = [{"type": "image_url", "image_url": {"url": url}} for url in ("data:a", "data:b")]
    prompt = openai_chat.read_prompt(request({"messages": [{"role": "user", "content": parts}]}))
    assert prompt is not None
    first, second = prompt.messages[0].attachments
    assert first.startswith("image_url, ")
    assert first != second


def test_an_answer_in_one_body_is_read_with_its_usage():
    found = answer(completion({"role": "assistant", "content": "Hello."}))
    assert found.message == Message(role="assistant", text="Hello.")
    assert (found.input_tokens, found.output_tokens, found.finish) == (12, 5, "stop")
    assert (found.model, found.streamed) == ("gpt-4o-mini-2024-07-18", False)


def test_a_gzipped_answer_reads_as_the_plain_one():
    plain = json.dumps(completion({"content": "Hello."})).encode()
    headers = (*JSON, (b"content-encoding", b"gzip"))
    assert answer(gzip.compress(plain), headers=headers) == answer(plain)


def test_a_refusal_is_the_text_and_reasoning_is_the_thinking():
    found = answer(completion({"content": None, "refusal": "I can't.", "reasoning": "hm"}))
    assert (found.message.text, found.message.thinking) == ("I can't.", "hm")


def test_further_choices_are_kept():
    body = completion({"content": "a"})
    body["choices"].append({"index": 1, "message": {"content": "b"}})
    assert [message.text for message in answer(body).others] == ["b"]


def test_a_stream_reads_as_its_text_and_the_usage_of_its_last_chunk():
    found = streamed(
        delta(role="assistant", content=""),
        delta(content="Hel"),
        delta(content="lo, wörld"),
        delta(finish="stop"),
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
    )
    assert found.message.text == "Hello, wörld"
    assert (found.finish, found.input_tokens, found.output_tokens) == ("stop", 3, 2)
    assert found.streamed


def test_a_stream_reads_the_same_wherever_its_bytes_are_split():
    content = stream(delta(content="naïve "), delta(content="日本"), delta(finish="stop"))
    whole = answer(content, headers=EVENTS)
    assert whole.message.text == "naïve 日本"
    for cut in range(len(content)):
        assert answer(content[:cut], content[cut:], headers=EVENTS) == whole


def test_of_a_cut_stream_what_arrived_is_read():
    content = stream(delta(content="one "), delta(content="two"))
    cut = content[: content.index(b"two") + 1]
    found = answer(cut, headers=EVENTS)
    assert (found.message.text, found.finish) == ("one ", "")


def test_streamed_tool_calls_are_joined_by_index():
    found = streamed(
        call(0, "", id="a", name="get"),
        call(1, '{"y"', id="b", name="put"),
        call(0, '{"x":1}'),
        call(1, ":2}"),
    )
    assert found.message.tool_calls == (
        ToolCall(id="a", name="get", arguments='{"x":1}'),
        ToolCall(id="b", name="put", arguments='{"y":2}'),
    )


@pytest.mark.parametrize("index", [None, 0])
def test_a_new_id_begins_a_new_call_where_the_index_does_not_tell(index):
    found = streamed(call(index, "{}", id="a", name="get"), call(index, "{}", id="b", name="put"))
    assert [(c.id, c.name) for c in found.message.tool_calls] == [("a", "get"), ("b", "put")]


def test_an_error_is_told_from_a_body_and_from_within_a_stream():
    error = {"error": {"type": "rate_limit", "message": "Slow down."}}
    assert answer(error, status=429).error == "rate_limit: Slow down."
    found = streamed(delta(content="So"), error)
    assert (found.message.text, found.error) == ("So", "rate_limit: Slow down.")


@pytest.mark.parametrize(
    "odd",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"choices": 3}',
        b'{"choices": [null, {"message": {"content": {"a": 1}, "tool_calls": [4, {}]}}]}',
        b'{"messages": [null, 3, {"role": 4, "content": [[], {"type": []}]}], "tools": [1]}',
        b'data: {"choices": [{"delta": {"tool_calls": [{"index": "x"}, 5]}}]}\n\n',
        b'data: {"choices": [{"delta": null, "index": -1}], "usage": []}\n\n',
        b"\xff\xfe\x00",
        b'{"error": "no"}',
    ],
)
def test_an_odd_body_never_raises(odd):
    openai_chat.read_answer(response(odd))
    openai_chat.read_prompt(request(odd))
