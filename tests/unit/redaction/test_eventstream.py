from __future__ import annotations

import botocore.eventstream
import pytest

from agentvcr.redaction.redactor import Redactor
from tests.support import eventstream

STREAM = [(b"content-type", b"application/vnd.amazon.eventstream")]
PASSWORD = "hunter-2 and more"


def delta(text: str) -> bytes:
    body = {"contentBlockIndex": 0, "delta": {"toolUse": {"input": text}}, "p": "abc"}
    return eventstream.event("contentBlockDelta", body)


BEFORE, AFTER = delta('{"town": "Oslo", '), delta(', "more": 1}')


def read(chunks: list[bytes]) -> list[bytes]:
    """Read a stream as AWS's own client does: a length or a checksum that is wrong is an error."""
    buffer = botocore.eventstream.EventStreamBuffer()
    for chunk in chunks:
        buffer.add_data(chunk)
    payloads = [event.payload for event in buffer]
    assert b"".join(chunks)[-4:] == AFTER[-4:], "the last message is not whole"
    return payloads


@pytest.fixture
def redactor() -> Redactor:
    return Redactor(b"k" * 32)


def test_a_message_with_a_credential_keeps_its_length_and_checksums_right(redactor):
    stream = [BEFORE, delta(f'"password": "{PASSWORD}"'), AFTER]
    _, clean = redactor.answer(STREAM, stream)
    first, second, third = read(clean)
    assert PASSWORD.encode() not in b"".join(clean)
    assert (first, third) == tuple(read([BEFORE, AFTER]))
    assert rb"\"password\": \"redacted-" in second
    assert (clean[0], clean[2]) == (BEFORE, AFTER)


def test_a_credential_that_is_cut_between_messages_joins_them(redactor):
    stream = [BEFORE, delta(f'"password": "{PASSWORD[:5]}'), delta(PASSWORD[5:]), delta('"'), AFTER]
    _, clean = redactor.answer(STREAM, stream)
    payloads = read(clean)
    assert PASSWORD[5:].encode() not in b"".join(clean)
    assert len(payloads) == 3
    assert rb"\"password\": \"redacted-" in payloads[1]


def test_several_credentials_in_one_message_and_in_several_are_replaced(redactor):
    twice = delta('"password": "one", "api_key": "two"')
    _, clean = redactor.answer(STREAM, [BEFORE + twice, twice + AFTER])
    payloads = read(clean)
    assert [payload.count(b"redacted-") for payload in payloads] == [0, 2, 2, 0]
    assert len(clean) == 2


def test_a_stream_reads_the_same_wherever_its_chunks_are_cut(redactor):
    body = BEFORE + delta(f'"password": "{PASSWORD}"') + AFTER
    whole = read(redactor.answer(STREAM, [body])[1])
    for cut in range(1, len(body)):
        assert read(redactor.answer(STREAM, [body[:cut], body[cut:]])[1]) == whole


def test_what_is_no_whole_message_is_clean_all_the_same(redactor):
    cut = delta(f'"password": "{PASSWORD}"')[:-2]
    for odd in (cut, b"\xff" * 4 + cut, bytes(40) + cut, cut[:9]):
        _, clean = redactor.answer(STREAM, [odd])
        assert PASSWORD.encode() not in b"".join(clean)


def test_a_stream_without_a_credential_is_the_very_same(redactor):
    assert redactor.answer(STREAM, [BEFORE, AFTER])[1] == [BEFORE, AFTER]
