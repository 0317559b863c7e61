from __future__ import annotations

import json
from typing import Any

import pytest

from agentvcr.model.conversation import Answer, Message, ToolCall, ToolResult
from agentvcr.providers import gemini
from tests.unit.build import EVENTS, request, response

HOST = "https://generativelanguage.googleapis.com/v1beta"
GENERATE = f"{HOST}/models/gemini-2.5-flash:generateContent"
VERTEX = "https://aiplatform.googleapis.com/v1/projects/p/locations/l"


def chunk(*parts: dict[str, Any], index: int = 0, finish: str | None = None, **beside: Any) -> Any:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": index}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], **beside}


def events(*chunks: Any) -> bytes:
    return "".join(
        f"data: {json.dumps(one, ensure_ascii=False)}\r\n\r\n" for one in chunks
    ).encode()


def answer(*chunks: Any, **details: Any) -> Answer:
    found = gemini.read_answer(response(*chunks, **details))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("url", "model"),
    [
        (GENERATE, "gemini-2.5-flash"),
        (f"{HOST}/models/gemini-2.5-flash:streamGenerateContent?alt=sse", "gemini-2.5-flash"),
        (f"{HOST}/tunedModels/mine:generateContent", "mine"),
        (f"{VERTEX}/publishers/google/models/gemini-3-pro:streamGenerateContent", "gemini-3-pro"),
        (f"{VERTEX}/endpoints/123:generateContent", "123"),
        (f"{HOST}/models/gemini-2.5-flash:countTokens", ""),
        (f"{HOST}/models/gemini-2.5-flash:batchGenerateContent", ""),
        (f"{VERTEX}/publishers/anthropic/models/claude:rawPredict", ""),
        (f"{HOST}/models", ""),
    ],
)
def test_a_post_that_generates_content_is_recognised_and_names_the_model(url, model):
    asked = request(url=url)
    assert (gemini.recognises(asked), gemini.model_of(asked)) == (bool(model), model)


@pytest.mark.parametrize(
    "names",
    [
        ("systemInstruction", "functionDeclarations", "functionCall", "functionResponse"),
        ("system_instruction", "function_declarations", "function_call", "function_response"),
    ],
)
def test_the_prompt_has_its_system_messages_and_tools_in_either_spelling(names):
    system, declarations, call, result = names
    asked = request(
        {
            system: {"parts": [{"text": "Be"}, {"text": "brief."}]},
            "contents": [
                {"parts": [{"text": "Weather?"}], "role": "user"},
                {
                    "role": "model",
                    "parts": [
                        {"text": "hm", "thought": True},
                        {"thoughtSignature": "s", call: {"name": "get", "args": {"a": 1}}},
                    ],
                },
                {"parts": [{result: {"name": "get", "response": {"sky": "clear"}}}]},
            ],
            "tools": [{declarations: [{"name": "get"}, {"name": "put"}]}, {"googleSearch": {}}],
        },
        url=GENERATE,
    )
    prompt = gemini.read_prompt(asked)
    assert prompt is not None
    assert (prompt.model, prompt.system) == ("gemini-2.5-flash", "Be\nbrief.")
    assert prompt.tools == ("get", "put", "googleSearch")
    assert prompt.messages == (
        Message(role="user", text="Weather?"),
        Message(
            role="model",
            thinking="hm",
            tool_calls=(ToolCall(id="", name="get", arguments='{"a":1}'),),
        ),
        Message(role="user", tool_results=(ToolResult(call_id="get", text='{"sky":"clear"}'),)),
    )


def test_two_different_images_do_not_look_alike_and_a_spelling_is_no_difference():
    spelled = ("inlineData", "inlineData", "inline_data")
    parts = [{name: {"data": data}} for name, data in zip(spelled, ("AA", "AB", "AA"), strict=True)]
    prompt = gemini.read_prompt(request({"contents": [{"parts": parts}]}, url=GENERATE))
    assert prompt is not None
    one, other, same = prompt.messages[0].attachments
    assert one == same != other
    assert one.startswith("inlineData, ")


def test_thoughts_count_as_output_and_what_tools_gave_as_input():
    usage = {
        "promptTokenCount": 10,
        "toolUsePromptTokenCount": 5,
        "candidatesTokenCount": 3,
        "thoughtsTokenCount": 40,
        "totalTokenCount": 58,
    }
    found = answer(
        chunk({"text": "Hi"}, finish="STOP", usageMetadata=usage, modelVersion="gemini-2.5")
    )
    assert (found.input_tokens, found.output_tokens) == (15, 43)
    assert (found.message.text, found.finish, found.model) == ("Hi", "STOP", "gemini-2.5")
    assert not found.streamed


def test_what_the_service_ran_itself_is_a_call_and_a_result():
    found = answer(
        chunk(
            {"executableCode": {"language": "PYTHON", "code": "print(1)"}},
            {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
            {"text": "One."},
        )
    )
    call = ToolCall(
        id="", name="code_execution", arguments='{"language":"PYTHON","code":"print(1)"}'
    )
    assert found.message.tool_calls == (call,)
    assert found.message.tool_results == (ToolResult(call_id="", text="1"),)
    assert found.message.text == "One."


CHUNKS = (
    chunk({"text": "let me ", "thought": True}, usageMetadata={"promptTokenCount": 14}),
    chunk({"text": "see", "thought": True}),
    chunk({"text": "Sch"}),
    chunk({"text": "ön"}),
    chunk({"functionCall": {"id": "t", "name": "get", "args": {"city": "Köln"}}}),
    chunk(
        {"text": ""},
        finish="STOP",
        usageMetadata={"promptTokenCount": 14, "candidatesTokenCount": 9},
        modelVersion="gemini-2.5-flash",
    ),
)
WHOLE = Answer(
    message=Message(
        role="model",
        text="Schön",
        thinking="let me see",
        tool_calls=(ToolCall(id="t", name="get", arguments='{"city":"Köln"}'),),
    ),
    model="gemini-2.5-flash",
    finish="STOP",
    input_tokens=14,
    output_tokens=9,
    streamed=True,
)


def test_a_stream_reads_as_text_thinking_and_calls_with_the_last_usage():
    content = events(*CHUNKS)
    assert answer(content, headers=EVENTS) == WHOLE
    for cut in range(0, len(content), 5):
        assert answer(content[:cut], content[cut:], headers=EVENTS) == WHOLE


def test_a_stream_that_is_an_array_reads_the_same():
    assert answer(json.dumps(CHUNKS, indent=1)) == WHOLE


def test_of_a_cut_array_the_whole_chunks_are_kept():
    content = json.dumps(CHUNKS[:4])
    assert answer(content[:-20]).message.text == "Sch"
    assert answer("[").message == Message(role="model")


def test_candidates_are_told_apart_by_their_index():
    found = answer(
        events(chunk({"text": "A"}), chunk({"text": "B"}, index=1), chunk({"text": "a"})),
        headers=EVENTS,
    )
    assert (found.message.text, [other.text for other in found.others]) == ("Aa", ["B"])


def test_a_refusal_is_told_and_so_is_a_prompt_that_was_blocked():
    error = {"error": {"code": 404, "message": "No such model.", "status": "NOT_FOUND"}}
    assert answer(error, status=404).error == "NOT_FOUND: No such model."
    assert answer([error], status=404).error == "NOT_FOUND: No such model."
    assert answer(events(CHUNKS[2], error), headers=EVENTS).error == "NOT_FOUND: No such model."
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {}}
    assert answer(blocked).finish == "SAFETY"


@pytest.mark.parametrize(
    "odd",
    [
        b"",
        b"<html>",
        b"{}",
        b"[",
        b"[3, null, {]",
        b'[{"a": ' + b"[" * 100_000,
        b'{"candidates": 3}',
        b'{"candidates": [null, {"content": {"parts": [3, null, {"functionCall": 4}]}}]}',
        b'{"candidates": [{"content": {"parts": [{"functionResponse": []}, {"text": 3}, {}]}}]}',
        b'{"contents": [null, 3, {"role": [], "parts": {}}], "tools": [3], "systemInstruction": 4}',
        b'{"contents": "Hi", "tools": [{"functionDeclarations": [3]}]}',
        b'{"error": 3}',
        b'data: {"candidates": [{"index": "x", "content": 4}]}\n\n',
        b'data: {"candidates": {}, "usageMetadata": []}\n\n',
        b"\xff\xfe\x00",
    ],
)
def test_an_odd_body_never_raises(odd):
    gemini.read_answer(response(odd))
    gemini.read_prompt(request(odd, url=GENERATE))
