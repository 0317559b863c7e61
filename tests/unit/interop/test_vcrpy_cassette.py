"""The indexed cassette: what vcrpy's own gives, found without comparing with everything."""

import json
import random
from unittest import mock

import pytest
from vcr import cassette as stock
from vcr import matchers
from vcr.errors import UnhandledHTTPRequestError
from vcr.record_mode import RecordMode
from vcr.request import Request

from agentvcr.interop.vcrpy_cassette import Cassette

MATCHERS = {
    "default": (
        matchers.method,
        matchers.scheme,
        matchers.host,
        matchers.port,
        matchers.path,
        matchers.query,
    ),
    "of a cassette": (matchers.uri, matchers.method),
    "body": (matchers.method, matchers.body),
    "raw body": (matchers.uri, matchers.raw_body),
    "headers": (matchers.method, matchers.headers),
    "own": (lambda one, other: one.uri[-1] == other.uri[-1],),
    "none": (),
}
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
REQUESTS = [
    Request(method, uri, body, headers)
    for method in ("GET", "POST")
    for uri in ("http://a.example", "http://a.example/", "https://a.example/?b=1&a=2")
    for body, headers in (
        (None, {}),
        (b'{"a": 1, "b": [true]}', JSON),
        (b'{"b":[1],"a":1.0}', JSON),
        (b'{"b":[1],"a":1.0}', {}),
        (b"{not json", JSON),
        (b"{not json", {}),
        (b"a=1&b=2", FORM),
        (b"b=2&a=1", FORM),
        ("a=1&b=2", {}),
    )
]


def made(kind, match_on, **options):
    cassette = kind(path="x.yaml", match_on=match_on, record_mode=RecordMode.ONCE, **options)
    cassette.rewound = True
    return cassette


def play(cassette, request):
    can = bool(cassette.can_play_response_for(request))
    try:
        return can, cassette.play_response(request)
    except UnhandledHTTPRequestError:
        return can, None


@pytest.mark.parametrize("match_on", MATCHERS.values(), ids=MATCHERS)
@pytest.mark.parametrize("repeats", [False, True])
def test_it_does_what_vcrpys_does_in_any_order_of_storing_and_playing(match_on, repeats, rounds):
    for seed in range(rounds):
        chance = random.Random(seed)
        pair = [made(kind, match_on, allow_playback_repeats=repeats) for kind in KINDS]
        for step in range(60):
            request = chance.choice(REQUESTS)
            action = chance.random()
            for cassette in pair:
                if action < 0.4:
                    cassette.append(request, {"number": step})
                elif action < 0.43:
                    cassette.rewind()
                elif action < 0.45:
                    cassette.data = cassette.data[1:]
                    cassette.rewind()
                elif action < 0.47:
                    cassette.data = cassette.data[::-1]
                    cassette.rewind()
            told = [play(cassette, request) for cassette in pair] if action >= 0.47 else []
            assert not told or told[0] == told[1]
            assert len({len(list(one._responses(request))) for one in pair}) == 1
        assert pair[0].play_counts == pair[1].play_counts


KINDS = (stock.Cassette, Cassette)


@pytest.mark.parametrize("match_on", MATCHERS.values(), ids=MATCHERS)
@pytest.mark.parametrize("drop", [False, True])
def test_it_saves_what_vcrpys_saves(match_on, drop, rounds):
    for seed in range(rounds):
        chance = random.Random(seed)
        saved = []
        stored = [chance.choice(REQUESTS) for _ in range(20)]
        later = [chance.choice(REQUESTS) for _ in range(10)]
        for kind in KINDS:
            cassette = made(kind, match_on, drop_unused_requests=drop)
            for number, request in enumerate(stored):
                cassette.append(request, number)
                cassette._old_interactions.append((request, number))
            cassette._loaded_count = len(stored)
            for number, request in enumerate(later):
                play(cassette, request)
                cassette.append(request, 100 + number)
            saved.append((cassette._new_interactions(), cassette._rerecorded_interactions()))
        assert saved[0] == saved[1]


def conversation(turns):
    """Requests that differ in their bodies alone, each longer than the one before."""
    for turn in range(turns):
        messages = [{"role": "user", "content": f"turn {one}"} for one in range(turn + 1)]
        yield Request("POST", "https://llm.example/v1", json.dumps(messages).encode(), JSON)


@pytest.mark.parametrize("same", [False, True], ids=["distinct", "equal"])
def test_a_search_compares_with_what_answers_and_not_with_everything(same):
    cassette = made(Cassette, MATCHERS["default"] + MATCHERS["body"])
    requests = list(conversation(60))
    requests = [requests[-1]] * 60 if same else requests
    for number, request in enumerate(requests):
        cassette.append(request, number)
    with mock.patch.object(stock, "requests_match", wraps=stock.requests_match) as compared:
        answers = sorted(play(cassette, one) for one in reversed(requests))
    assert answers == [(True, one) for one in range(60)]
    assert compared.call_count == 2 * len(requests)


def test_what_is_no_request_is_compared_with_everything():
    cassette = made(Cassette, (matchers.method,))
    with mock.patch.object(stock, "requests_match", lambda one, other, _: one == other):
        cassette.append("one", 1)
        cassette.append("two", 2)
        assert play(cassette, "two") == (True, 2)
        assert play(cassette, "two") == (False, None)
