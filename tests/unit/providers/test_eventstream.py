from __future__ import annotations

import zlib

import pytest

from agentvcr.providers.eventstream import is_eventstream, messages
from tests.support import eventstream

TWO = eventstream.event("first", {"a": "né"}) + eventstream.event("second", {"b": [1]})


def names(content: bytes) -> list[str]:
    return [message.name for message in messages(content)]


def frame(block: bytes, payload: bytes = b"{}") -> bytes:
    """Give a message with a block of headers as it is, sensible or not."""
    prelude = (16 + len(block) + len(payload)).to_bytes(4, "big") + len(block).to_bytes(4, "big")
    checked = prelude + zlib.crc32(prelude).to_bytes(4, "big") + block + payload
    return checked + zlib.crc32(checked).to_bytes(4, "big")


def test_each_message_has_its_kind_its_name_and_its_body():
    content = TWO + eventstream.exception("throttlingException", {"message": "Slow down."})
    found = [(message.kind, message.name, message.body) for message in messages(content)]
    assert found == [
        ("event", "first", {"a": "né"}),
        ("event", "second", {"b": [1]}),
        ("exception", "throttlingException", {"message": "Slow down."}),
    ]


def test_of_a_cut_body_the_whole_messages_are_given():
    first = len(eventstream.event("first", {"a": "né"}))
    for cut in range(len(TWO)):
        assert names(TWO[:cut]) == (["first"] if cut >= first else [])


@pytest.mark.parametrize("at", [0, 5, 9, 20, -1])
def test_a_damaged_message_ends_the_body(at):
    damaged = bytearray(TWO[: len(TWO) // 2])
    damaged[at] ^= 1
    assert names(bytes(damaged) + TWO) == []


def test_headers_that_are_no_text_are_passed_over():
    block = b"".join(
        [
            b"\x01a\x00",
            b"\x01b\x02\x07",
            b"\x01c\x03\x00\x07",
            b"\x01d\x04\x00\x00\x00\x07",
            b"\x01e\x05" + bytes(8),
            b"\x01f\x06\x00\x03abc",
            b"\x01g\x08" + bytes(8),
            b"\x01h\x09" + bytes(16),
            b"\x0b:event-type\x07\x00\x04last",
        ]
    )
    found = list(messages(frame(block)))
    assert [message.headers for message in found] == [{":event-type": "last"}]


@pytest.mark.parametrize(
    "block", [b"\x40", b"\x01a\x07", b"\x01a\x07\x00", b"\x01a\x63\x00", b"\x00"]
)
def test_headers_that_make_no_sense_leave_the_payload(block):
    found = list(messages(frame(block, b'{"a": 1}')))
    assert [(message.headers, message.body) for message in found] == [({}, {"a": 1})]


@pytest.mark.parametrize("sizes", [(0, 0), (15, 0), (16, 1), (2**32 - 1, 0), (32, 2**32 - 1)])
def test_lengths_that_make_no_sense_end_the_body(sizes):
    prelude = b"".join(size.to_bytes(4, "big") for size in sizes)
    assert names(prelude + zlib.crc32(prelude).to_bytes(4, "big") + bytes(64)) == []


def test_an_event_stream_is_known_by_its_type():
    assert is_eventstream(((b"Content-Type", b"application/vnd.amazon.eventstream"),))
    assert not is_eventstream(((b"Content-Type", b"text/event-stream"),))
    assert not is_eventstream(())
