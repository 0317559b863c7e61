"""What a body is without its framing, however the network cuts it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentvcr.inside.interceptors.http_client_framing import Chunked, Plain, content_of
from tests.support import wire

PIECES = [b"one", b"t\r\nwo", b"0\r\n\r\n"]
WIRE = b"".join(map(wire.piece, PIECES)) + wire.LAST_PIECE
FOLLOWED = WIRE + b"HTTP/1.1 200 OK\r\n"


@given(cuts=st.lists(st.integers(0, len(FOLLOWED))))
def test_chunks_are_the_same_however_they_are_cut(cuts):
    framing = Chunked()
    for start, stop in zip([0, *sorted(cuts)], [*sorted(cuts), len(FOLLOWED)], strict=True):
        framing.feed(FOLLOWED[start:stop])
    assert framing.end == len(WIRE)
    assert framing.take(framing.end) == PIECES


@given(consumed=st.integers(0, len(WIRE)))
def test_a_chunk_is_taken_with_its_first_byte(consumed):
    framing = Chunked()
    framing.feed(WIRE)
    begun = [place for place, piece in enumerate(PIECES) if WIRE.index(piece) < consumed]
    assert framing.take(consumed) == PIECES[: len(begun)]


def test_a_part_of_a_chunk_is_taken_only_where_no_more_will_come():
    framing = Chunked()
    framing.feed(b"5\r\nab")
    assert framing.take(framing.arrived) == []
    assert framing.take(framing.arrived, partly=True) == [b"ab"]


@pytest.mark.parametrize("tail", [b"0;ext=1\r\n\r\n", b"0\r\nTrailer: x\r\n\r\n", b"000\r\n\n"])
def test_extensions_and_trailers_are_no_content(tail):
    framing = Chunked()
    framing.feed(b"3;a=b\r\nabc\r\n" + tail)
    assert framing.end == framing.arrived
    assert framing.take(framing.arrived) == [b"abc"]


def test_what_is_not_in_chunks_is_left_to_the_client():
    framing = Chunked()
    framing.feed(b"no size\r\nat all\r\n")
    assert (framing.end, framing.pieces) == (None, [])
    assert content_of(b"no size\r\n") == b"no size\r\n"


def test_a_known_length_ends_the_body():
    framing = Plain(5)
    framing.feed(b"abc")
    assert framing.missing == 2
    framing.feed(b"defg")
    assert (framing.take(4), framing.missing) == ([b"abc", b"de"], 0)


def test_a_body_until_the_close_has_no_end_of_its_own():
    framing = Plain(None)
    framing.feed(b"abc")
    assert (framing.end, framing.missing, framing.take(1)) == (None, None, [b"abc"])
