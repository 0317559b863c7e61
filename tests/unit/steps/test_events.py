from __future__ import annotations

import gzip
import json

import msgspec
import pytest

from agentvcr.model.exchange import Failure
from agentvcr.steps import steps_of
from agentvcr.steps.events import events
from tests.unit.build import EVENTS, JSON, chat, completion, exchange, request, response, run, tool
from tests.unit.event_text import bytes_of


def told(*exchanges, **details):
    return list(events(run(*exchanges, **details)))


def step(one):
    """Give the one step of a run of one exchange."""
    _, found, _ = told(one)
    return found


def value(content):
    return json.loads(bytes(content.value))


def test_a_run_begins_has_its_steps_and_ends():
    first, *between, last = told(chat("a"), tool("/b"), notes=[("live", "GET x")], exit_status=3)
    assert (first.schema, first.event, first.run_id) == ("agentvcr.events/1", "run", "0198")
    assert (first.started, first.command) == ("2026-01-01T00:00:00Z", ("{python}", "trip.py"))
    assert [(one.step, one.number, one.kind, one.parent) for one in between] == [
        ("llm[0]", 1, "llm", None),
        ("tool[0]", 2, "tool", None),
    ]
    assert {one.run_id for one in (*between, last)} == {"0198"}
    assert (last.event, last.exit_status, last.state) == ("run_end", 3, "complete")
    assert (last.totals.steps, last.totals.input_tokens) == (2, 12)
    assert [(note.kind, note.text, note.count) for note in last.notes] == [("live", "GET x", 1)]


def test_a_conversation_stands_beside_its_json_bodies():
    call = {"id": "c", "type": "function", "function": {"name": "look", "arguments": '{"a":1}'}}
    answer = completion({"role": "assistant", "content": None, "tool_calls": [call]})
    question = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Where?"}]}
    found = step(exchange(request(question), response(answer), began_ms=5, took_ms=20))
    assert (found.dialect, found.action) == ("openai_chat", "gpt-4o-mini")
    assert value(found.inputs.body) == question
    assert found.inputs.prompt.messages[0].text == "Where?"
    assert value(found.outputs.body) == answer
    assert [(one.id, one.name, one.arguments) for one in found.outputs.tool_calls] == [
        ("c", "look", '{"a":1}')
    ]
    assert found.outputs.tool_calls == found.outputs.answer.message.tool_calls
    assert (found.outputs.input_tokens, found.outputs.output_tokens) == (12, 5)
    assert (found.began_ms, found.latency_ms, found.ending, found.error) == (5, 20, "eof", None)


def test_what_no_dialect_reads_has_no_conversation():
    found = step(tool("/b", b"plain"))
    assert (found.dialect, found.inputs.prompt, found.outputs.answer) == (None, None, None)
    assert (found.outputs.tool_calls, found.outputs.input_tokens) == ((), None)
    assert (found.inputs.method, found.inputs.url) == ("GET", "https://tools.example/b")


def test_an_exchange_without_an_answer_has_no_outputs():
    failure = Failure(type="httpx.ReadTimeout", message="slow")
    failed = step(exchange(request(), None, kind="failed", failure=failure))
    assert (failed.outputs, failed.ending, failed.error) == (None, "failed", failure)
    open_ = step(exchange(request(), None, kind=None))
    assert (open_.outputs, open_.ending, open_.latency_ms) == (None, None, None)


@pytest.mark.parametrize(
    ("headers", "body", "kind", "encoding", "expected"),
    [
        (JSON, b'{"a": [1,\n 2.50], "b": "\\n"}', "json", "utf-8", {"a": [1, 2.5], "b": "\n"}),
        (EVENTS, b"data: 1\n\n", "events", "utf-8", "data: 1\n\n"),
        ((), b"plain \\ text", "text", "utf-8", "plain \\ text"),
        ((), b"a\x00b", "binary", "utf-8", "a\x00b"),
        ((), b"\xff\\x41\xc3\xa9", "binary", "backslash", "\\xff\\\\x41é"),
        ((), b"", "empty", "utf-8", ""),
        (JSON, b'{"a": ', "text", "utf-8", '{"a": '),
        (JSON, b"3", "text", "utf-8", "3"),
    ],
)  # fmt: skip
def test_a_body_is_json_or_text_that_says_how_it_was_made(headers, body, kind, encoding, expected):
    content = step(exchange(request(), response(body, headers=headers))).outputs.body
    assert (content.kind, content.encoding, content.bytes) == (kind, encoding, len(body))
    assert value(content) == expected
    assert b"\n" not in bytes(content.value)
    if kind != "json":
        assert bytes_of(expected, encoding) == body


def test_a_packed_body_is_shown_unpacked_with_its_length_as_sent():
    packed = gzip.compress(b'{"a":1}')
    headers = ((b"content-encoding", b"gzip"),)
    content = step(exchange(request(), response(packed, headers=headers))).outputs.body
    assert (content.kind, value(content), content.bytes) == ("json", {"a": 1}, len(packed))


def test_odd_headers_say_their_encoding():
    headers = ((b"a", b"\\"), (b"b", b"caf\xe9"), (b"b", b"c"))
    found = step(exchange(request(headers=headers), response(headers=headers[:1])))
    assert found.inputs.encoding == "backslash"
    assert found.inputs.headers == (("a", "\\\\"), ("b", "caf\\xe9"), ("b", "c"))
    assert [
        tuple(bytes_of(part, found.inputs.encoding) for part in pair)
        for pair in found.inputs.headers
    ] == list(headers)
    assert (found.outputs.encoding, found.outputs.headers) == ("utf-8", (("a", "\\"),))


def test_steps_are_asked_for_one_at_a_time():
    whole = run(chat("a"), chat("b"), chat("c"))
    asked = []

    def one_by_one():
        for found in steps_of(whole):
            asked.append(found.number)
            yield found

    going = events(whole, one_by_one())
    assert (next(going).event, asked) == ("run", [])
    assert (next(going).number, asked) == (1, [1])
    assert (next(going).number, asked) == (2, [1, 2])
    assert [one.event for one in going] == ["step", "run_end"]
    assert msgspec.to_builtins(next(iter(events(whole))))["schema"] == "agentvcr.events/1"
