"""Bodies in pieces: put together again exactly, and what is said twice is stored once."""

import base64
import random

import pytest

from agentvcr.cassette.bodies import LONGEST, SHORT, BodyStore, recipe_of, written
from agentvcr.cassette.format import WAYS, Way

BINARY = random.Random(3).randbytes(5000)
PICTURE = random.Random(4).randbytes(2 * LONGEST + 1001)


class Kept:
    """A store and the pieces that it gave away."""

    def __init__(self):
        self.pieces = []
        self.store = BodyStore(self.pieces.append)

    @property
    def size(self):
        return sum(map(len, self.pieces))

    def request(self, body, lane="main"):
        """Store a request; gives it put together again, as a reader does."""
        return self.together(self.store.add_request(body, lane))

    def response(self, body, *, is_stream=False):
        found = self.store.add_response(body, is_stream=is_stream)
        return None if found is None else self.together(found)

    def together(self, pieces):
        recipe = recipe_of(pieces)
        parts = []
        for first, code in zip(recipe[::2], recipe[1::2], strict=True):
            count, way = divmod(code, WAYS)
            parts += [written(self.pieces[first + index], way) for index in range(count)]
        return b"".join(parts)


def in_json(text):
    return b'{"messages": [{"role": "user", "image": "' + text + b'"}], "model": "m"}'


def standard(data):
    return base64.b64encode(data)


def url_safe(data):
    return base64.urlsafe_b64encode(data)


@pytest.mark.parametrize("encode", [standard, url_safe])
@pytest.mark.parametrize("data", [BINARY, PICTURE], ids=["short", "longer than a piece"])
def test_binary_that_comes_back_as_base64_is_stored_once(encode, data):
    kept = Kept()
    assert kept.response(data) == data
    before = kept.size
    asked = in_json(encode(data))
    assert kept.request(asked) == asked
    assert kept.size - before < 200


@pytest.mark.parametrize("length", range(300, 306))
@pytest.mark.parametrize("encode", [standard, url_safe])
def test_base64_with_any_padding_or_none_comes_back(encode, length):
    for data in (BINARY[:length], bytes(length), b"\xff" * length):
        text = encode(data)
        for odd in (text, text.rstrip(b"="), text + b"=", text.replace(b"=", b"%3D"), text[1:]):
            kept = Kept()
            assert kept.request(in_json(odd)) == in_json(odd)
            assert kept.response(odd) == odd


@pytest.mark.parametrize(
    "odd",
    [
        base64.encodebytes(BINARY),
        b"\r\n".join(standard(BINARY)[at : at + 76] for at in range(0, 6668, 76)),
        standard(BINARY)[:1000] + url_safe(BINARY)[1000:],
        standard(b"\xfb" * 600)[:400] + b"-_" * 200,
        standard(BINARY[:300])[:-4] + b"QUJ=",
        standard(BINARY[:300])[:-4] + b"QR==",
        b"A" * 999,
        b"=" * 999,
        b"-" * 999 + b"+" * 999,
        b"/" * 1001 + b"==",
        standard(BINARY) * 3,
    ],
    ids=[
        "lines",
        "lines of CRLF",
        "both alphabets",
        "both in one",
        "bits behind the last byte",
        "more of them",
        "no multiple of four",
        "padding alone",
        "each alphabet",
        "slashes",
        "one behind the other",
    ],
)
def test_what_looks_like_base64_and_is_not_comes_back(odd):
    for body in (odd, in_json(odd), b'{"a":"' + odd + b'"},' * 3):
        kept = Kept()
        assert kept.request(body) == body
        assert kept.response(body) == body
        assert kept.request(body + odd) == body + odd


def test_equal_bodies_are_stored_once_whatever_their_lane():
    kept = Kept()
    body = BINARY
    assert kept.request(body, "main") == body
    before = kept.size
    for lane in ("main", "main/task0", "?"):
        assert kept.request(body, lane) == body
    assert kept.size == before
    assert kept.response(body) == kept.response(body) == body
    assert kept.size <= before + len(body)


def conversation(turns):
    said = random.Random(5)
    messages = []
    for turn in range(turns):
        messages.append(f'{{"role": "user", "content": "{turn} {said.randbytes(300).hex()}"}}')
        yield f'{{"messages": [{", ".join(messages)}], "stream": false}}'.encode()


def test_a_conversation_is_stored_in_the_order_of_its_length():
    sizes = {}
    for turns in (40, 80):
        kept = Kept()
        assert all(kept.request(body) == body for body in conversation(turns))
        sizes[turns] = kept.size
    assert sizes[80] < 2.5 * sizes[40]
    assert sizes[80] < 2 * len(list(conversation(80))[-1])


def test_a_stream_of_events_is_cut_for_base64_alone():
    kept = Kept()
    plain = b"data: " + b"some words " * 100
    assert kept.response(plain, is_stream=True) is None
    image = b"data: " + standard(BINARY) + b"\n\n"
    assert kept.response(image, is_stream=True) == image
    assert kept.response(b"") == kept.request(b"") == b""


def test_no_piece_is_empty_or_longer_than_is_said():
    kept = Kept()
    for body in (PICTURE, standard(PICTURE), in_json(url_safe(PICTURE)), b"x" * SHORT, b""):
        assert kept.request(body) == body
    assert all(0 < len(piece) <= LONGEST for piece in kept.pieces)


def test_pieces_that_follow_one_another_are_one_pair():
    plain, encoded = Way.PLAIN, Way.BASE64
    numbers = [(4, plain), (5, plain), (6, encoded), (7, encoded), (7, encoded), (0, plain)]
    recipe = recipe_of(number * WAYS + way for number, way in numbers)
    assert recipe == (4, 2 * WAYS, 6, 2 * WAYS + encoded, 7, WAYS + encoded, 0, WAYS)
