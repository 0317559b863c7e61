"""The dialects over real recordings, which belong to other projects and are read where they lie."""

from __future__ import annotations

import msgspec

from agentvcr.model.conversation import Message
from agentvcr.model.exchange import Chunk, Request, Response
from agentvcr.providers import DIALECTS, dialect_of
from tests.support import corpora as recordings

FAMILIES = {
    "chat": "openai_chat",
    "responses": "openai_responses",
    "messages": "anthropic",
    "gemini": "gemini",
    "converse": "bedrock",
    "cohere": "cohere",
    "mistral": "openai_chat",
    "hf_router": "openai_chat",
}
UNCOUNTED = {"chat", "mistral", "hf_router"}
"""Families whose streams count tokens only where they were asked to."""
UNNAMED = {"converse", "cohere"}
"""Families whose answers do not say which model it was."""


def family_of(url):
    return recordings.openai_or_anthropic(url) or recordings.of_another(url)


def spoken(folder):
    for path in sorted(folder.rglob("*.yaml")):
        for found in recordings.read(path, name=path.name, family_of=family_of):
            if found.family in FAMILIES:
                yield found


def read(recording):
    request = Request(
        method="POST",
        url=f"https://provider.example{recording.path}",
        headers=(),
        body=msgspec.json.encode(recording.asked),
    )
    response = Response(
        at_ns=0,
        status=recording.status,
        reason=b"",
        http_version=b"",
        headers=tuple((name.encode(), value.encode()) for name, value in recording.headers),
        chunks=(Chunk(at_ns=0, data=recording.body),),
    )
    dialect = dialect_of(request)
    assert dialect is not None
    assert FAMILIES[recording.family] == dialect.NAME
    return dialect.read_prompt(request), dialect.read_answer(response)


def test_every_real_conversation_is_read_on_both_sides(corpora):
    seen = set()
    for recording in spoken(corpora):
        prompt, answer = read(recording)
        assert prompt is not None, recording.name
        assert prompt.messages, recording.name
        assert answer is not None, recording.name
        # Gemini also streams an array; a refusal is one piece, also where a stream was asked for.
        streamed = recording.streamed or ":streamGenerate" in recording.path
        assert answer.streamed == (streamed and recording.status < 400), recording.name
        seen.add((recording.family, recording.streamed))
    assert seen == {(family, streamed) for family in FAMILIES for streamed in (True, False)}
    # Nobody recorded Ollama's chat.
    assert {dialect.NAME for dialect in DIALECTS} == {*FAMILIES.values(), "ollama"}


def test_every_real_answer_says_something_and_counts_its_tokens(corpora):
    for recording in spoken(corpora):
        _, answer = read(recording)
        if recording.status >= 400:
            assert answer.error, recording.name
            continue
        said = answer.message
        assert answer.model or recording.family in UNNAMED, recording.name
        assert said.text or said.tool_calls or said.thinking or answer.finish, recording.name
        # Where nothing was said, or the service broke off, there is nothing to count.
        silent = answer.finish == "ERROR" or said == Message(role=said.role)
        if not silent and (recording.family not in UNCOUNTED or not recording.streamed):
            assert answer.output_tokens is not None, recording.name


def test_every_real_tool_call_has_a_name_and_whole_arguments(corpora):
    calls = 0
    for recording in spoken(corpora):
        _, answer = read(recording)
        for call in answer.message.tool_calls:
            assert call.name, recording.name
            assert isinstance(msgspec.json.decode(call.arguments or "{}"), dict), recording.name
            calls += 1
    assert calls > 250
