"""A secret's bytes are in no record, wherever the secret stood."""

import gzip
import json
import os
import tempfile
import zlib
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentvcr.model.credentials import CREDENTIAL_FIELDS, looks_random
from tests.unit.cassette.page_reader import journal_frames
from tests.unit.recorded import FORM, JSON, answer, ask, recorder_of

EXAMPLES = settings(
    max_examples=30 * int(os.environ.get("ROUNDS", "3")), deadline=None, database=None
)

ALPHABET = "ABCabcXYZxyz0123456789-_.~+/=%!*"
secrets = st.text(ALPHABET, min_size=16, max_size=40).filter(
    lambda text: looks_random(text.encode())
)
fields = st.sampled_from(sorted(CREDENTIAL_FIELDS))


def plainly(text):
    return json.dumps(text)


def as_php(text):
    return json.dumps(text).replace("/", "\\/")


def as_numbers(text):
    return '"' + "".join(f"\\u{ord(one):04X}" for one in text) + '"'


def in_json(secret, name, depth, write):
    text = f'{{"a": 1, "{name}": {write(secret)}}}'
    for _ in range(depth):
        text = json.dumps({"inner": text})
    return text.encode()


def in_header(secret, pair):
    return {"headers": [(pair[0], pair[1] % secret.encode())]}


def in_url(secret, pattern):
    return {"url": pattern % quote(secret, safe="")}


def in_form(secret, name):
    return {"body": f"a=1&{name}={quote(secret, safe='')}&b=".encode(), "kind": FORM}


named = st.one_of(
    st.sampled_from(
        [
            (b"Authorization", b"Bearer %b"),
            (b"x-api-key", b"%b"),
            (b"Cookie", b"a=1; sid=%b"),
            (b"Private-Token", b"%b"),
        ]
    ).map(lambda pair: lambda secret: in_header(secret, pair)),
    st.sampled_from(
        [
            "http://a.example/x?key=%s&b=2",
            "http://a.example/x?b=2&Access_Token=%s#f",
            "http://me:%s@a.example/x",
        ]
    ).map(lambda pattern: lambda secret: in_url(secret, pattern)),
    fields.map(lambda name: lambda secret: in_form(secret, name)),
    st.tuples(fields, st.integers(0, 2), st.sampled_from([plainly, as_php, as_numbers])).map(
        lambda how: lambda secret: {"body": in_json(secret, *how)}
    ),
)
"""Places of a request that are known to hold a credential."""

bare = st.sampled_from(
    [
        lambda secret: {"url": f"http://a.example/bot{quote(secret, safe='')}/send"},
        lambda secret: {"url": f"http://a.example/?q={quote(secret, safe='')}"},
        lambda secret: {"body": b"use " + secret.encode(), "kind": b"text/plain"},
        lambda secret: {"body": json.dumps({"session": secret}).encode()},
        lambda secret: {"headers": [(b"x-trace", secret.encode())]},
    ]
)
"""Places of a request that are not."""


def written(tell):
    """Record what `tell` tells a recorder; give the decompressed records."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.avcr"
        recorder = recorder_of(path)
        tell(recorder)
        recorder.close(0, None)
        assert recorder.broken is None
        return b"".join(journal_frames(path.read_bytes()))


def holds(data, secret):
    """Whether the records have the secret, in any form that it was written in."""
    raw = secret.encode()
    forms = {raw, quote(secret, safe="").encode(), *(f(secret)[1:-1].encode() for f in WRITERS)}
    return any(form in data for form in forms)


WRITERS = (plainly, as_php, as_numbers)


def say_everywhere(recorder, secret):
    recorder.output(0, "stdout", b"said " + secret.encode(), 0)
    recorder.note("lost", f"note {secret}")
    sink = recorder.begin(ask()).sink
    sink.end("failed", ValueError(f"failed with {secret}"))


@EXAMPLES
@given(secrets, st.lists(named, min_size=1, max_size=3), st.lists(bare, max_size=3))
def test_a_secret_of_a_request_is_in_no_record(secret, first, later):
    def tell(recorder):
        for place in (*first, *later):
            recorder.begin(ask(**place(secret)))
        say_everywhere(recorder, secret)

    assert not holds(written(tell), secret)


@EXAMPLES
@given(secrets, named, bare)
def test_a_secret_that_stands_in_two_places_of_one_request_is_in_no_record(secret, known, other):
    one, two = known(secret), other(secret)
    both = {**one, **two, "headers": [*two.get("headers", []), *one.get("headers", [])]}
    if both.keys() & one.keys() & two.keys() - {"headers"}:
        return  # there is one URL, and one body
    both["headers"].append((b"content-type", both.pop("kind", JSON)))
    assert not holds(written(lambda recorder: recorder.begin(ask(**both))), secret)


def encoded(encoding, body):
    if encoding == b"gzip":
        return gzip.compress(body)
    return zlib.compress(body) if encoding == b"deflate" else body


@EXAMPLES
@given(
    secrets,
    st.tuples(fields, st.integers(0, 2), st.sampled_from(WRITERS)),
    st.sampled_from([b"", b"gzip", b"deflate"]),
    st.lists(st.integers(0, 200), max_size=4),
    st.lists(bare, max_size=3),
)
def test_a_secret_of_an_answer_is_in_no_record_nor_where_it_is_used(
    secret, how, encoding, cuts, later
):
    body = encoded(encoding, in_json(secret, *how))
    edges = [0, *sorted(cuts), len(body)]
    chunks = [body[start:end] for start, end in pairwise(edges)]

    def tell(recorder):
        headers = [(b"Content-Encoding", encoding)] if encoding else []
        answer(recorder.begin(ask()).sink, chunks, headers)
        for place in later:
            recorder.begin(ask(**place(secret)))
        say_everywhere(recorder, secret)

    assert not holds(written(tell), secret)


@EXAMPLES
@given(secrets, st.sampled_from([b"Set-Cookie", b"Location"]), st.lists(bare, max_size=2))
def test_a_secret_of_an_answers_headers_is_in_no_record(secret, name, later):
    value = {
        b"Set-Cookie": f"sid={secret}; Path=/",
        b"Location": f"https://b.example/cb?b=1&access_token={quote(secret, safe='')}",
    }[name]

    def tell(recorder):
        answer(recorder.begin(ask()).sink, [], [(name, value.encode())])
        for place in later:
            recorder.begin(ask(**place(secret)))

    assert not holds(written(tell), secret)


@pytest.mark.parametrize("write", WRITERS)
def test_what_was_recorded_can_be_seen_where_nothing_is_redacted(write):
    secret = "abc/DEF+0123456789"
    body = f'{{"harmless": {write(secret)}}}'.encode()
    assert holds(written(lambda recorder: recorder.begin(ask(body=body))), secret)
