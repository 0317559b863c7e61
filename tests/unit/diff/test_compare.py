from __future__ import annotations

import gzip
import json
import time

import msgspec
import pytest

from agentvcr.diff.compare import exchange_changes, explain
from agentvcr.model.exchange import Failure
from tests.unit.build import (
    EVENTS,
    JSON,
    MESSAGES,
    chat,
    completion,
    exchange,
    request,
    response,
    tool,
)

FORM = ((b"content-type", b"application/x-www-form-urlencoded"),)


def told(changes):
    return [(change.where, change.before, change.after) for change in changes]


def asked(*contents, **settings):
    messages = [{"role": "user", "content": content} for content in contents]
    return request({"model": "m", "messages": messages, **settings})


def posted(body, **details):
    return request(body, url="https://tools.example/q", **details)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (asked("a", "b"), asked("a", "c"), [("request.messages[1].content", "b", "c")]),
        (asked("a", "b"), asked("a", "new", "b"), [("request.messages[1]", None, "user: new")]),
        (asked("a", "b"), asked("b"), [("request.messages[0]", "user: a", None)]),
        (asked("a"), asked("a", temperature=1), [("request.body $.temperature", None, "1")]),
        (
            posted({"query": {"limit": 1}}),
            posted({"query": {"limit": 2}}),
            [("request.body $.query.limit", "1", "2")],
        ),
        (
            posted(b"a=1&b=2", headers=FORM),
            posted(b"a=1&b=3", headers=FORM),
            [("request.form.b", "2", "3")],
        ),
        (posted(b"\x00one"), posted(b"\x00"), [("request.body", "4 bytes", "1 bytes")]),
        (posted("plain"), posted("other"), [("request.body", "plain", "other")]),
        (request(method="GET"), request(method="PUT"), [("request.method", "GET", "PUT")]),
        (
            request(url="https://x.example/a?q=1&p=2"),
            request(url="https://x.example/b?p=2&q=3"),
            [("request.path", "/a", "/b"), ("request.query.q", "1", "3")],
        ),
        (
            request(url="https://x.example/a"),
            request(url="https://y.example/a"),
            [("request.host", "https://x.example:443", "https://y.example:443")],
        ),
    ],
)
def test_requests_differ_by_their_parts(before, after, expected):
    assert told(explain(before, after)) == expected


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (asked("a"), asked("a")),
        (posted('{"a": 1, "b": 2}'), posted('{"b":2,"a":1}')),
        (request(url="http://localhost:4001/x"), request(url="http://127.0.0.1:4002/x")),
        (request(url="https://x.example/a"), request(url="https://x.example:443/a")),
        (request(b"", headers=((b"x-id", b"1"),)), request(b"", headers=((b"x-id", b"2"),))),
    ],
)
def test_what_no_fingerprint_sees_is_no_difference(before, after):
    assert explain(before, after) == []


def test_a_url_that_cannot_be_parsed_is_compared_as_text():
    bad = request(url="http://[x/")
    assert [change.where for change in explain(bad, request())] == ["request.url"]


def with_calls(prefix, *cities):
    messages = []
    for index, city in enumerate(cities):
        function = {"name": "get", "arguments": json.dumps({"city": city})}
        call = {"id": f"{prefix}{index}", "function": function}
        messages += [
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": call["id"], "content": f"sunny in {city}"},
        ]
    return request({"messages": messages})


def test_tool_arguments_are_compared_by_path():
    assert told(explain(with_calls("c", "Paris"), with_calls("c", "Rome"))) == [
        ("request.messages[0].tool_calls[0].arguments.city", "Paris", "Rome"),
        ("request.messages[1].tool_results[0]", "sunny in Paris", "sunny in Rome"),
    ]


def test_ids_of_calls_are_no_difference_beside_others():
    before, after = with_calls("c", "Rome", "Oslo"), with_calls("d", "Paris", "Rome", "Oslo")
    assert [change.where for change in explain(before, after)] == [
        "request.messages[0]",
        "request.messages[1]",
    ]


def test_what_the_messages_do_not_show_is_found_in_the_body():
    def cached(control):
        content = [{"type": "text", "text": "a", "cache_control": control}]
        return request({"messages": [{"role": "user", "content": content}]}, url=MESSAGES)

    assert [change.where for change in explain(cached({"t": 1}), cached({"t": 2}))] == [
        "request.body $.messages[0].content[0].cache_control.t"
    ]


def test_the_system_prompt_of_anthropic_has_its_own_place():
    before, after = (request({"system": s, "messages": []}, url=MESSAGES) for s in "ab")
    assert told(explain(before, after)) == [("request.system", "a", "b")]


@pytest.mark.parametrize("system", ["systemInstruction", "system_instruction"])
def test_what_differs_in_the_contents_for_gemini_is_told_by_message_alone(system):
    url = "https://g.example/v1beta/models/gemini-3:generateContent"
    before, after = (
        request(
            {system: {"parts": [{"text": tone}]}, "contents": [{"parts": [{"text": said}]}]},
            url=url,
        )
        for tone, said in (("Be brief.", "Hi"), ("Be kind.", "Ho"))
    )
    assert told(explain(before, after)) == [
        ("request.system", "Be brief.", "Be kind."),
        ("request.messages[0].content", "Hi", "Ho"),
    ]


def test_credentials_and_the_times_they_sign_are_no_difference_beside_others():
    before, after = (
        request(
            method="GET",
            url=f"https://x.example/o?X-Amz-Date={day}&X-Amz-Signature=redacted-{day:016}&v={day}",
        )
        for day in (1, 2)
    )
    assert told(explain(before, after)) == [("request.query.v", "1", "2")]


def test_answers_differ_by_what_was_said():
    assert told(exchange_changes(chat("q", "sunny"), chat("q", "rainy"))) == [
        ("response.message.content", "sunny", "rainy")
    ]


def test_answers_that_say_the_same_under_other_ids_are_the_same():
    body = completion({"content": "sunny"})
    other = {**body, "id": "chatcmpl-2", "created": 9, "usage": {"prompt_tokens": 99}}
    question = asked("q")
    before, after = exchange(question, response(body)), exchange(question, response(other))
    assert exchange_changes(before, after) == []


def test_a_streamed_answer_equals_the_same_in_other_pieces():
    def stream(*pieces):
        chunks = [json.dumps({"choices": [{"delta": {"content": p}}]}) for p in pieces]
        content = "".join(f"data: {chunk}\n\n" for chunk in chunks)
        return exchange(asked("q"), response(content, headers=EVENTS))

    assert exchange_changes(stream("sun", "ny"), stream("su", "nny")) == []
    assert told(exchange_changes(stream("sun"), stream("su", "nk"))) == [
        ("response.message.content", "sun", "sunk")
    ]


def test_tool_answers_differ_by_path_and_by_event():
    before, after = tool("/x", {"sky": ["blue"]}), tool("/x", {"sky": ["grey"]})
    assert told(exchange_changes(before, after)) == [("response.body $.sky[0]", "blue", "grey")]
    streams = [
        exchange(posted(b"{}"), response(f'data: {{"n":{n}}}\n\n', headers=EVENTS)) for n in (1, 2)
    ]
    assert told(exchange_changes(*streams)) == [("response.events $[0].n", "1", "2")]


def test_status_ending_and_failure_are_compared_and_a_failure_by_its_type():
    def failed(kind, message):
        return chat("q", kind="failed", failure=Failure(type=kind, message=message))

    assert told(exchange_changes(tool("/x"), tool("/x", status=500))) == [
        ("response.status", "200", "500")
    ]
    assert told(exchange_changes(chat("q"), chat("q", kind="closed"))) == [
        ("ending", "eof", "closed")
    ]
    assert told(exchange_changes(chat("q"), failed("ReadTimeout", "slow"))) == [
        ("error", None, "ReadTimeout: slow")
    ]
    assert exchange_changes(failed("ReadTimeout", "1 s"), failed("ReadTimeout", "2 s")) == []


def test_response_headers_and_times_are_no_difference():
    before = exchange(asked("q"), response(b"{}", headers=((b"date", b"1"),)), took_ms=5)
    after = exchange(asked("q"), response(b"{}", headers=((b"date", b"2"),), at_ms=3), took_ms=9)
    assert exchange_changes(before, after) == []


def test_requests_of_other_fingerprints_always_have_a_change():
    one = chat("q")
    other = msgspec.structs.replace(one, fingerprint=b"other")
    assert [change.where for change in exchange_changes(one, other)] == ["request"]


def test_equal_bodies_are_not_read():
    packed = gzip.compress(b"0" * 100_000_000, compresslevel=1)
    answered = response(packed, headers=(*JSON, (b"content-encoding", b"gzip")))
    one, other = (exchange(asked("q"), answered) for _ in range(2))
    began = time.perf_counter()
    for _ in range(50):
        assert exchange_changes(one, other) == []
    assert time.perf_counter() - began < 2


def test_json_under_another_encoding_of_the_same_content_is_the_same():
    packed = response(gzip.compress(b'{"a":1}'), headers=(*JSON, (b"content-encoding", b"gzip")))
    before, after = exchange(posted(b""), response(b'{"a":1}')), exchange(posted(b""), packed)
    assert exchange_changes(before, after) == []
