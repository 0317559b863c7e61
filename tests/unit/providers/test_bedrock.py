from __future__ import annotations

from typing import Any

import pytest

from agentvcr.model.conversation import Answer, Message, ToolCall, ToolResult
from agentvcr.providers import bedrock
from tests.support import eventstream
from tests.unit.build import JSON, request, response

HOST = "https://bedrock-runtime.us-east-1.amazonaws.com"
CONVERSE = f"{HOST}/model/us.amazon.nova-micro-v1%3A0/converse"
STREAM = ((b"Content-Type", b"application/vnd.amazon.eventstream"),)


def delta(index: int, **parts: Any) -> bytes:
    return eventstream.event("contentBlockDelta", {"contentBlockIndex": index, "delta": parts})


def answer(*chunks: Any, **details: Any) -> Answer:
    found = bedrock.read_answer(response(*chunks, **details))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("url", "model"),
    [
        (CONVERSE, "us.amazon.nova-micro-v1:0"),
        (f"{CONVERSE}-stream", "us.amazon.nova-micro-v1:0"),
        (
            f"{HOST}/model/arn%3Aaws%3Abedrock%3Ax%3A1%3Aprofile%2Fp/converse",
            "arn:aws:bedrock:x:1:profile/p",
        ),
        (f"{HOST}/model/m/invoke", ""),
        (f"{HOST}/converse", ""),
        ("https://[/model/m/converse", ""),
    ],
)
def test_a_post_to_converse_is_recognised_and_names_the_model(url, model):
    asked = request(url=url)
    assert (bedrock.recognises(asked), bedrock.model_of(asked)) == (bool(model), model)
    assert not bedrock.recognises(request(url=url, method="GET"))


CALL = {"toolUseId": "t1", "name": "get", "input": {"a": 1}}
GAVE = {"toolUseId": "t1", "content": [{"text": "sunny"}, {"json": {"degrees": 20}}]}
THOUGHT = {"reasoningText": {"text": "hm", "signature": "s"}}
ASKED = {
    "system": [{"text": "Be"}, {"text": "brief."}, {"cachePoint": {"type": "default"}}],
    "messages": [
        {"role": "user", "content": [{"text": "Weather?"}, {"cachePoint": {}}]},
        {"role": "assistant", "content": [{"reasoningContent": THOUGHT}, {"toolUse": CALL}]},
        {"role": "user", "content": [{"toolResult": GAVE}]},
    ],
    "toolConfig": {
        "tools": [
            {"toolSpec": {"name": "get"}},
            {"systemTool": {"name": "nova_code"}},
            {"cachePoint": {"type": "default"}},
        ]
    },
}


def test_the_prompt_has_its_system_messages_and_tools():
    prompt = bedrock.read_prompt(request(ASKED, url=CONVERSE))
    assert prompt is not None
    assert prompt.model == "us.amazon.nova-micro-v1:0"
    assert (prompt.system, prompt.tools) == ("Be\nbrief.", ("get", "nova_code"))
    call = ToolCall(id="t1", name="get", arguments='{"a":1}')
    result = ToolResult(call_id="t1", text='sunny\n{"degrees":20}')
    assert prompt.messages == (
        Message(role="user", text="Weather?"),
        Message(role="assistant", thinking="hm", tool_calls=(call,)),
        Message(role="user", tool_results=(result,)),
    )


def test_two_different_images_do_not_look_alike():
    images = [{"image": {"format": "png", "source": {"bytes": data}}} for data in ("AA", "AB")]
    body = {"messages": [{"role": "user", "content": images}]}
    prompt = bedrock.read_prompt(request(body, url=CONVERSE))
    assert prompt is not None
    one, other = prompt.messages[0].attachments
    assert one != other
    assert one.startswith("image, ")


def test_input_tokens_count_what_came_from_a_cache():
    body = {
        "output": {"message": {"role": "assistant", "content": [{"text": "Hi"}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 1, "cacheReadInputTokens": 20, "outputTokens": 7},
    }
    found = answer(body)
    assert (found.input_tokens, found.output_tokens) == (21, 7)
    assert (found.message.text, found.finish, found.streamed) == ("Hi", "end_turn", False)


def test_a_stream_reads_as_text_thinking_and_calls_wherever_its_bytes_are_split():
    use = {"toolUse": {"toolUseId": "t", "name": "get"}}
    content = b"".join(
        [
            eventstream.event("messageStart", {"role": "assistant"}),
            delta(0, reasoningContent={"text": "let me "}),
            delta(0, reasoningContent={"text": "see"}),
            delta(0, reasoningContent={"signature": "s"}),
            delta(1, text="Sch"),
            delta(1, text="ön"),
            eventstream.event("contentBlockStop", {"contentBlockIndex": 1}),
            eventstream.event("contentBlockStart", {"contentBlockIndex": 2, "start": use}),
            delta(2, toolUse={"input": '{"city":'}),
            delta(2, toolUse={"input": '"Köln"}'}),
            eventstream.event("messageStop", {"stopReason": "tool_use"}),
            eventstream.event("metadata", {"usage": {"inputTokens": 14, "outputTokens": 9}}),
        ]
    )
    whole = answer(content, headers=STREAM)
    assert whole == Answer(
        message=Message(
            role="assistant",
            text="Schön",
            thinking="let me see",
            tool_calls=(ToolCall(id="t", name="get", arguments='{"city":"Köln"}'),),
        ),
        finish="tool_use",
        input_tokens=14,
        output_tokens=9,
        streamed=True,
    )
    for cut in range(0, len(content), 7):
        assert answer(content[:cut], content[cut:], headers=STREAM) == whole


def test_of_a_cut_stream_half_of_the_arguments_are_kept():
    use = {"toolUse": {"toolUseId": "t", "name": "get"}}
    content = eventstream.event("contentBlockStart", {"contentBlockIndex": 0, "start": use})
    content += delta(0, toolUse={"input": '{"city": "Pa'}) + delta(0, text="lost")[:-3]
    found = answer(content, headers=STREAM)
    assert (found.message.tool_calls[0].arguments, found.finish) == ('{"city": "Pa', "")


def test_a_refusal_is_told_with_its_kind_and_an_exception_within_a_stream():
    headers = (*JSON, (b"x-amzn-ErrorType", b"ValidationException:http://internal.example/"))
    refused = answer({"message": "No such model."}, status=400, headers=headers)
    assert refused.error == "ValidationException: No such model."
    broken = delta(0, text="Once") + eventstream.exception("throttlingException", {"message": "!"})
    found = answer(broken, headers=STREAM)
    assert (found.error, found.message.text) == ("throttlingException: !", "Once")


@pytest.mark.parametrize("headers", [JSON, STREAM])
@pytest.mark.parametrize(
    "odd",
    [
        b"",
        b"<html>",
        b"{}",
        b'{"output": 3, "usage": []}',
        b'{"output": {"message": {"content": [null, 3, {"toolUse": 4}, {"toolResult": [5]}]}}}',
        b'{"messages": [null, {"role": [], "content": [{"reasoningContent": 3}, {}]}]}',
        b'{"messages": 3, "system": {}, "toolConfig": {"tools": [3]}}',
        eventstream.event("contentBlockDelta", {"contentBlockIndex": "x", "delta": 4}),
        eventstream.event("contentBlockStart", [3]),
        eventstream.event("metadata", {"usage": [3]}),
        eventstream.message({}, b"\xff"),
        b"\xff\xfe\x00" * 9,
    ],
)
def test_an_odd_body_never_raises(odd, headers):
    bedrock.read_answer(response(odd, headers=headers))
    bedrock.read_prompt(request(odd, url=CONVERSE))
