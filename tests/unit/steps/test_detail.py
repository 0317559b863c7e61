from __future__ import annotations

import gzip

from agentvcr.model.exchange import Failure
from agentvcr.steps import detail, steps_of
from agentvcr.steps.detail import body_view
from tests.unit.build import EVENTS, JSON, chat, exchange, request, run, tool


def of(one):
    return detail(steps_of(run(one))[0])


def test_a_model_step_is_shown_with_its_conversation():
    found = of(chat("Is it?", "Yes."))
    assert found.conversation is not None
    assert found.conversation.dialect == "openai_chat"
    assert found.request_headers == (("content-type", "application/json"),)


def test_a_tool_step_is_shown_with_its_whole_address_and_bodies():
    found = of(tool("/weather?city=Paris", '{"sky":"blue"}'))
    assert found.url == "https://tools.example/weather?city=Paris"
    assert found.request_body.kind == "empty"
    assert found.response_body.text == '{\n  "sky": "blue"\n}'


def test_a_step_without_an_answer_says_how_it_failed():
    failure = Failure(type="httpx.ReadTimeout", message="too slow")
    found = of(exchange(request(b"{}"), None, kind="failed", failure=failure))
    assert found.failure == "httpx.ReadTimeout: too slow"
    assert found.response_body.kind == "empty"
    assert found.first_byte_ms is None


def test_a_body_is_shown_by_what_it_is():
    packed = gzip.compress(b"[1]")
    assert body_view((*JSON, (b"content-encoding", b"gzip")), packed).text == "[\n  1\n]"
    assert body_view(EVENTS, b"data: 1\n\n").kind == "events"
    assert body_view((), b"hello").kind == "text"
    binary = body_view((), b"\x89PNG\x00\xff")
    assert (binary.kind, binary.bytes) == ("binary", 6)
    assert "\\x89PNG" in binary.text
