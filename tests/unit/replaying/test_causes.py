"""What has to be asked before a piece of a server's stream may come."""

import json

from agentvcr.model.exchange import Chunk, Ending, Exchange, Kept, Request, Response
from agentvcr.replaying.causes import Causes

SESSION = (b"Mcp-Session-Id", b"s1")


def exchange(number, began, *times, message=None, session=SESSION, **more):
    method = "POST" if message or session[0] == b"x" else "GET"
    method = "DELETE" if more.get("ends") else method
    body = json.dumps({"jsonrpc": "2.0", **message}).encode() if message else b""
    chunks = tuple(Chunk(at_ns=at, data=b"x") for at in times[1:])
    return Exchange(
        number=number,
        process=more.get("process", 0),
        lane="main",
        client="httpx2",
        began_ns=began,
        request=Request(method=method, url="http://a/mcp", headers=(session,), body=body),
        fingerprint=b"",
        raw_hash=b"",
        response=Response(
            at_ns=times[0], status=200, reason=b"", http_version=b"", headers=(), chunks=chunks
        ),
        ending=Ending(at_ns=times[-1], kind="eof"),
    )


CALL = {"id": 1, "method": "tools/call"}
NOTE = {"method": "notifications/cancelled"}
ANSWER = {"id": 9, "result": {}}


def test_what_is_heard_on_an_open_stream_waits_for_the_last_message_before_it():
    stream = exchange(1, 0, 5, 20, 40)
    all_of_them = Kept(
        [stream, exchange(2, 10, 15, message=CALL), exchange(3, 30, 35, message=CALL)]
    )
    assert Causes(all_of_them).of(stream) == {1: 2, 2: 3, 3: 3}


def test_an_answer_waits_for_what_the_client_said_to_it_and_for_no_other_call():
    call = exchange(1, 0, 5, 6, 20, 40, message=CALL)
    others = [exchange(2, 8, 9, message=CALL), exchange(3, 10, 15, message=ANSWER)]
    assert Causes(Kept([call, *others])).of(call) == {2: 3, 3: 3, 4: 3}


def test_a_stream_ends_when_the_session_was_ended():
    stream = exchange(1, 0, 5, 40)
    assert Causes(Kept([stream, exchange(2, 30, 35, session=SESSION, ends=True)])).of(stream) == {
        1: 2,
        2: 2,
    }


def test_the_head_waits_too():
    call = exchange(1, 0, 30, 31, message=CALL)
    assert Causes(Kept([call, exchange(2, 20, 25, message=NOTE)])).of(call) == {0: 2, 1: 2, 2: 2}


def test_another_session_or_process_is_no_cause():
    stream = exchange(1, 0, 5, 20)
    other = exchange(2, 10, 15, message=CALL, session=(b"mcp-session-id", b"s2"))
    elsewhere = exchange(3, 10, 15, message=CALL, process=1)
    assert Causes(Kept([stream, other, elsewhere])).of(stream) == {}


def test_what_is_no_session_waits_for_nothing():
    plain = exchange(1, 0, 30, session=(b"x", b"y"))
    assert Causes(Kept([plain, exchange(2, 20, 25, message=NOTE)])).of(plain) == {}
