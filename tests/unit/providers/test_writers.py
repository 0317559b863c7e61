"""What a writer puts into an answer is what its dialect reads there, and all else stays."""

from __future__ import annotations

import gzip
import json
import re

import msgspec
import pytest

from agentvcr.model.exchange import Chunk, Request, Response
from agentvcr.providers import dialect_of
from agentvcr.providers.rewriting import rewritten
from agentvcr.providers.writers import WRITERS, writer_of
from tests.unit.providers.test_real_traffic import FAMILIES, spoken

WANTED = "Something else: “no”.\nThen → more, in several words than before. " * 3
ARGUMENTS = '{"city": "Oslo", "days": [1, 2]}'

CHAT = "https://api.openai.com/v1/chat/completions"
MESSAGES = "https://api.anthropic.com/v1/messages"
RESPONSES = "https://api.openai.com/v1/responses"
GEMINI = "https://g.example/v1beta/models/gemini-2.0:generateContent"
OLLAMA = "http://127.0.0.1:11434/api/chat"
COHERE = "https://api.cohere.com/v2/chat"
BEDROCK = "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/converse"


SERVICES_OWN = re.compile(
    rb'"(?!function_call"|function_call_arguments)\w+_call"|"executableCode"|"toolCall"'
)
"""Calls that the service makes and answers itself: nobody's to change."""


def asked(url, body=b"{}"):
    return Request(method="POST", url=url, headers=(), body=body)


def answer(body, *, kind=b"application/json", chunks=1, encoded=False):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = [(b"content-type", kind)]
    if encoded:
        data = gzip.compress(data)
        headers.append((b"content-encoding", b"gzip"))
    headers.append((b"Content-Length", b"%d" % len(data)))
    size = -(-len(data) // chunks)
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    return Response(
        at_ns=5,
        status=200,
        reason=b"OK",
        http_version=b"HTTP/1.1",
        headers=tuple(headers),
        chunks=tuple(Chunk(at_ns=10 + n, data=one) for n, one in enumerate(pieces)),
    )


def events(*objects, names=False, end="\n\n"):
    told = []
    for one in objects:
        line = "data: " + (one if isinstance(one, str) else json.dumps(one))
        name = f"event: {one['type']}{end[: len(end) // 2]}" if names else ""
        told.append(name + line + end)
    return "".join(told).encode()


def delta(**more):
    return {"model": "m", "choices": [{"index": 0, "delta": more, "finish_reason": None}]}


CALL = {"id": "call_1", "function": {"name": "look", "arguments": '{"a":1}'}}
STREAM = [
    delta(role="assistant", content=""),
    delta(content="one "),
    delta(content="two"),
    {"model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    "[DONE]",
]
CALL_STREAM = [
    delta(tool_calls=[{"index": 0, "id": "c", "function": {"name": "look", "arguments": ""}}]),
    delta(tool_calls=[{"index": 0, "function": {"arguments": '{"a"'}}]),
    delta(tool_calls=[{"index": 0, "function": {"arguments": ":1}"}}]),
    "[DONE]",
]
BLOCKS = [
    {"type": "message_start", "message": {"model": "m", "content": [], "usage": {}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    *(
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": one}}
        for one in ("one ", "two")
    ),
    {"type": "content_block_stop", "index": 0},
    {
        "type": "content_block_start",
        "index": 1,
        "content_block": {"type": "tool_use", "id": "t", "name": "look", "input": {}},
    },
    *(
        {
            "type": "content_block_delta",
            "index": 1,
            "delta": {"type": "input_json_delta", "partial_json": one},
        }
        for one in ('{"a"', ":1}")
    ),
    {"type": "content_block_stop", "index": 1},
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {}},
    {"type": "message_stop"},
]
PARTS = [{"text": "one "}, {"functionCall": {"name": "look", "args": {"a": 1}}}]
SAID = {"content": "one two", "tool_calls": [{"function": {"name": "look", "arguments": {"a": 1}}}]}
CASES = {
    "chat": (
        CHAT,
        answer({"choices": [{"message": {"content": "one", "tool_calls": [CALL]}}]}, encoded=True),
    ),
    "chat, streamed": (CHAT, answer(events(*STREAM), kind=b"text/event-stream", chunks=7)),
    "messages": (
        MESSAGES,
        answer(
            {
                "content": [
                    {"type": "text", "text": "one"},
                    {"type": "tool_use", "id": "t", "name": "look", "input": {"a": 1}},
                    {"type": "text", "text": "two"},
                ]
            }
        ),
    ),
    "messages, streamed": (
        MESSAGES,
        answer(events(*BLOCKS, names=True), kind=b"text/event-stream", chunks=9),
    ),
    "gemini": (GEMINI, answer({"candidates": [{"content": {"parts": PARTS}}]})),
    "gemini, streamed": (
        GEMINI,
        answer(
            events(*({"candidates": [{"content": {"parts": [one]}}]} for one in PARTS),
                   end="\r\n\r\n"),
            kind=b"text/event-stream",
        ),
    ),
    "ollama": (OLLAMA, answer({"message": SAID})),
    "ollama, streamed": (
        OLLAMA,
        answer(
            b'{"message":{"content":"one "}}\n{"message":{"content":"two"}}\n{"message":'
            + json.dumps({**SAID, "content": ""}).encode()
            + b',"done":true}\n',
            kind=b"application/x-ndjson",
        ),
    ),
    "cohere": (
        COHERE,
        answer({"message": {"content": [{"type": "text", "text": "one"}], "tool_calls": [CALL]}}),
    ),
    "bedrock": (
        BEDROCK,
        answer(
            {
                "output": {
                    "message": {
                        "content": [
                            {"text": "one"},
                            {"toolUse": {"toolUseId": "t", "name": "look", "input": {"a": 1}}},
                        ]
                    }
                }
            }
        ),
    ),
}  # fmt: skip


def read(url, response):
    return dialect_of(asked(url)).read_answer(response)


@pytest.mark.parametrize("case", CASES)
def test_a_text_is_read_as_it_was_put_and_nothing_else_differs(case):
    url, response = CASES[case]
    changed = rewritten(response, lambda parts: writer_of(asked(url)).set_text(parts, WANTED))
    before, after = read(url, response), read(url, changed)
    assert after.message.text == WANTED
    assert after == msgspec.structs.replace(
        before, message=msgspec.structs.replace(before.message, text=WANTED)
    )


@pytest.mark.parametrize("case", [*(one for one in CASES if one != "chat, streamed"), "calls"])
def test_a_calls_arguments_are_read_as_they_were_put_and_nothing_else_differs(case):
    calls = CHAT, answer(events(*CALL_STREAM), kind=b"text/event-stream")
    url, response = CASES.get(case, calls)
    changed = rewritten(
        response, lambda parts: writer_of(asked(url)).set_call(parts, 0, "arguments", ARGUMENTS)
    )
    before, after = read(url, response), read(url, changed)
    assert json.loads(after.message.tool_calls[0].arguments) == json.loads(ARGUMENTS)
    assert after.message.text == before.message.text
    named = rewritten(
        response, lambda parts: writer_of(asked(url)).set_call(parts, 0, "name", "go")
    )
    assert read(url, named).message.tool_calls[0].name == "go"
    with pytest.raises(ValueError, match="nothing of that kind"):
        rewritten(response, lambda parts: writer_of(asked(url)).set_call(parts, 5, "name", "go"))


@pytest.mark.parametrize("case", CASES)
def test_the_headers_tell_the_new_length_and_no_encoding(case):
    url, response = CASES[case]
    changed = rewritten(response, lambda parts: writer_of(asked(url)).set_text(parts, WANTED))
    headers = dict(changed.headers)
    assert headers[b"Content-Length"] == b"%d" % len(changed.body)
    assert b"content-encoding" not in headers


def test_a_stream_stays_one_and_its_pieces_come_as_they_came():
    url, response = CASES["chat, streamed"]
    changed = rewritten(response, lambda parts: writer_of(asked(url)).set_text(parts, WANTED))
    assert len(changed.chunks) == len(STREAM)
    assert changed.body.endswith(b"data: [DONE]\n\n")
    times = [chunk.at_ns for chunk in changed.chunks]
    assert times == sorted(times)
    assert len(set(times)) > 3
    told = [json.loads(one.data[6:]) for one in changed.chunks[:-1]]
    said = [one["choices"][0]["delta"].get("content", "") for one in told]
    assert [bool(one) for one in said] == [False, True, True, False]


def test_arguments_that_are_no_object_are_refused_where_they_are_one():
    url, response = CASES["messages"]
    with pytest.raises(ValueError, match="JSON object"):
        rewritten(
            response, lambda parts: writer_of(asked(url)).set_call(parts, 0, "arguments", "[1")
        )


def test_every_dialect_has_a_writer():
    from agentvcr.providers import DIALECTS

    assert {one.NAME for one in DIALECTS} == set(WRITERS)


def test_every_real_answer_can_be_made_to_say_something_else(corpora):
    seen = set()
    for recording in spoken(corpora):
        if recording.status >= 400:
            continue
        request = asked(
            f"https://provider.example{recording.path}", msgspec.json.encode(recording.asked)
        )
        dialect = dialect_of(request)
        headers = tuple((name.encode(), value.encode()) for name, value in recording.headers)
        response = Response(
            at_ns=0, status=200, reason=b"", http_version=b"", headers=headers,
            chunks=(Chunk(at_ns=0, data=recording.body),),
        )  # fmt: skip
        before = dialect.read_answer(response)
        if dialect.NAME == "bedrock" and before.streamed:
            continue  # binary
        writer = writer_of(request)
        if before.message.text:
            changed = rewritten(response, lambda parts, w=writer: w.set_text(parts, WANTED))
            after = dialect.read_answer(changed)
            assert after.message.text == WANTED, recording.name
            assert after == msgspec.structs.replace(
                before, message=msgspec.structs.replace(before.message, text=WANTED)
            ), recording.name
            seen.add((recording.family, before.streamed))
        of_the_program = not SERVICES_OWN.search(recording.body)
        if before.message.tool_calls and of_the_program:
            changed = rewritten(
                response, lambda parts, w=writer: w.set_call(parts, 0, "arguments", ARGUMENTS)
            )
            found = dialect.read_answer(changed).message.tool_calls[0]
            assert json.loads(found.arguments) == json.loads(ARGUMENTS), recording.name
            assert found.name == before.message.tool_calls[0].name
    both = {(family, streamed) for family in FAMILIES for streamed in (True, False)}
    assert seen == both - {("converse", True)}
