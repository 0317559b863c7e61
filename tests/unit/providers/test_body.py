from __future__ import annotations

import gzip
import zlib

import pytest

from agentvcr.providers import body

GZIP = ((b"Content-Encoding", b"gzip"),)
DEFLATE = ((b"content-encoding", b"deflate"),)
TEXT = b'{"a": "h\xc3\xa9"}' * 50


def test_gzip_is_undone_whatever_the_case_of_the_header():
    assert body.decoded(GZIP, gzip.compress(TEXT)) == TEXT


def test_deflate_is_undone_with_and_without_its_zlib_wrapper():
    raw = zlib.compressobj(wbits=-15)
    assert body.decoded(DEFLATE, zlib.compress(TEXT)) == TEXT
    assert body.decoded(DEFLATE, raw.compress(TEXT) + raw.flush()) == TEXT


def test_gzip_of_several_members_is_read_to_the_end():
    assert body.decoded(GZIP, gzip.compress(b"one ") + gzip.compress(b"two")) == b"one two"


def test_two_encodings_are_undone_last_first():
    headers = ((b"content-encoding", b"deflate, gzip"),)
    assert body.decoded(headers, gzip.compress(zlib.compress(TEXT))) == TEXT


def test_of_a_cut_gzip_body_the_part_that_arrived_is_read():
    cut = gzip.compress(bytes(range(256)) * 40)[:-40]
    found = body.decoded(GZIP, cut)
    assert found
    assert (bytes(range(256)) * 40).startswith(found)


def test_a_body_that_was_decoded_under_its_old_header_stays_as_it_is():
    assert body.decoded(GZIP, TEXT) == TEXT


def test_an_unknown_encoding_stays_opaque():
    assert body.decoded(((b"content-encoding", b"br"),), b"\x0b\x02") == b"\x0b\x02"


def test_a_bomb_is_decoded_up_to_a_bound(monkeypatch):
    monkeypatch.setattr(body, "MAX_DECODED", 1000)
    assert len(body.decoded(GZIP, gzip.compress(b"0" * 100_000))) == 1000


@pytest.mark.parametrize(
    "odd", [b"", b"3", b'"text"', b"{", b"[1,", b"\xff{}", b'{"a": NaN}', b"[" * 100_000]
)
def test_what_is_no_json_object_or_array_is_none(odd):
    assert body.json_of(odd) is None


def test_json_of_huge_numbers_does_not_raise():
    assert body.json_of(b"[" + b"9" * 10_000 + b"]") in (None, [float("inf")])


def test_a_field_of_another_type_reads_as_empty():
    assert body.text(3) == ""
    assert body.whole(True) is None  # noqa: FBT003 - JSON's true
    assert body.whole(1.5) is None
    assert body.fields([]) == {}
    assert body.items({}) == []
