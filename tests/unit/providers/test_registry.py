from __future__ import annotations

from agentvcr import providers
from agentvcr.providers.base import named_model
from tests.unit.build import MESSAGES, chat, exchange, request, tool


def test_an_exchange_is_read_by_the_dialect_of_its_address():
    found = providers.read(chat("Is it?", "Yes."))
    assert found is not None
    assert found.dialect == "openai_chat"
    assert found.prompt is not None
    assert found.prompt.messages[0].text == "Is it?"
    assert found.answer is not None
    assert found.answer.message.text == "Yes."


def test_an_exchange_that_no_dialect_knows_is_no_conversation():
    assert providers.read(tool("/weather")) is None


def test_an_exchange_in_flight_has_a_prompt_and_no_answer():
    asked = request({"model": "claude", "messages": []}, url=MESSAGES)
    found = providers.read(exchange(asked, None, kind=None))
    assert found is not None
    assert found.prompt is not None
    assert found.answer is None


def test_the_model_is_read_without_the_conversation():
    assert named_model(request({"messages": [{"a": [1]}], "model": "gpt-4o"})) == "gpt-4o"
    for odd in (b"", b"{", b'{"model": 3}', b"[]", b"\xff", b'{"messages": []}'):
        assert named_model(request(odd)) == ""


def test_the_model_stands_in_the_body_or_in_the_address():
    asked = request({"contents": []}, url="https://g.example/v1/models/gemini-3:generateContent")
    assert providers.model_of(asked) == "gemini-3"
    assert providers.model_of(request({"model": "claude"}, url=MESSAGES)) == "claude"
    assert providers.model_of(request({"model": "claude"}, url="https://x.example/other")) == ""
