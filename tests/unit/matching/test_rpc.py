"""Ids of JSON-RPC identify nothing, and an answer gets the live one."""

import json

import pytest

from agentvcr.matching.canonical import canonical_body
from agentvcr.matching.rpc import id_of, with_live_id


def body(**fields):
    return json.dumps({"jsonrpc": "2.0", **fields}).encode()


def canonical(**fields):
    return canonical_body(body(**fields), b"application/json")


def test_two_calls_that_differ_in_their_id_are_the_same():
    first, second = (
        canonical(id=one, method="m", params={"_meta": {"progressToken": one, "traceparent": one}})
        for one in (1, 2)
    )
    assert first == second
    assert first != canonical(id=1, method="other")


def test_two_answers_to_a_server_that_differ_in_their_id_are_not():
    assert canonical(id=1, result={}) != canonical(id=2, result={})


def test_a_cancellation_is_the_same_whatever_it_cancels():
    told = [canonical(method="notifications/cancelled", params={"requestId": n}) for n in (1, 2)]
    assert told[0] == told[1]


@pytest.mark.parametrize("other", [b'{"id": 1, "method": "m"}', b'{"jsonrpc": "1.0", "id": 1}'])
def test_other_json_keeps_its_id(other):
    assert b'"id":1' in canonical_body(other, b"application/json")


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (body(id=3, method="m"), 3),
        (body(id="x", method="m"), "x"),
        (body(id=3, result={}), None),
        (body(method="m"), None),
        (b"jsonrpc", None),
        (b'["jsonrpc"]', None),
    ],
)
def test_the_id_of_a_request(given, found):
    assert id_of(given) == found


def test_an_answer_in_one_piece_gets_the_live_id():
    (changed,) = with_live_id([body(id=3, result={"id": 3})], 3, 14)
    assert json.loads(changed) == {"jsonrpc": "2.0", "id": 14, "result": {"id": 3}}


def test_events_get_the_live_id_and_keep_their_pieces():
    progress = body(method="notifications/progress", params={"progressToken": 3})
    question = body(id=3, method="roots/list")
    chunks = [
        b"event: message\r\ndata: " + progress + b"\r\n\r\n",
        b"data: " + question + b"\n\ndata: " + body(id=3, result=1) + b"\n\n: ping\n\n",
    ]
    first, second = with_live_id(chunks, 3, 4)
    assert first.startswith(b"event: message\r\ndata: ")
    assert b'"progressToken":4' in first
    assert b"data: " + question + b"\n\n" in second  # an id of the server's own
    assert second.endswith(b'"id":4,"result":1}\n\n: ping\n\n')


def test_what_is_not_to_be_changed_keeps_its_bytes():
    chunks = [b"data: " + body(id=8, result=1) + b"\n\n"]
    assert with_live_id(chunks, 3, 4) == chunks
