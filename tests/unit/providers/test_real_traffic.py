"""The dialects over real recordings, which belong to other projects and are read where they lie."""

from __future__ import annotations

import msgspec

from agentvcr.model.exchange import Chunk, Request, Response
from agentvcr.providers import DIALECTS, dialect_of
from tests.support import corpora as recordings

FAMILIES = {"chat": "openai_chat", "responses": "openai_responses", "messages": "anthropic"}


def spoken(folder):
    for path in sorted(folder.rglob("*.yaml")):
        for found in recordings.read(path, name=path.name):
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
        assert answer.streamed == recording.streamed, recording.name
        seen.add((recording.family, recording.streamed))
    assert len(seen) == 2 * len(DIALECTS)


def test_every_real_answer_says_something_and_counts_its_tokens(corpora):
    for recording in spoken(corpora):
        _, answer = read(recording)
        if recording.status >= 400:
            assert answer.error, recording.name
            continue
        said = answer.message
        assert answer.model, recording.name
        assert said.text or said.tool_calls or said.thinking or answer.finish, recording.name
        # Chat Completions counts the tokens of a stream only where it was asked to.
        if recording.family != "chat" or not recording.streamed:
            assert answer.output_tokens is not None, recording.name


def test_every_real_tool_call_has_a_name_and_whole_arguments(corpora):
    calls = 0
    for recording in spoken(corpora):
        _, answer = read(recording)
        for call in answer.message.tool_calls:
            assert call.name, recording.name
            assert isinstance(msgspec.json.decode(call.arguments or "{}"), dict), recording.name
            calls += 1
    assert calls > 50
