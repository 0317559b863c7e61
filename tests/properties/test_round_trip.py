"""Whatever an exchange was, it comes back byte for byte."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentvcr.cassette import format as fmt
from agentvcr.cassette.reader import load_run
from agentvcr.inside.exchange import Request
from agentvcr.model.credentials import CREDENTIAL_HEADERS
from tests.unit.recorded import FORM, JSON, answer, ask, recorder_of

EXAMPLES = settings(
    max_examples=40 * int(os.environ.get("ROUNDS", "3")), deadline=None, database=None
)

names = st.binary(min_size=1, max_size=12).filter(
    lambda name: name.lower() not in CREDENTIAL_HEADERS
)
headers = st.lists(
    st.tuples(names | st.sampled_from([b"Location", b"referer", b"X-a", b"x-A"]), st.binary()),
    max_size=5,
)
kinds = st.sampled_from(
    [
        JSON,
        FORM,
        FORM + b"; charset=x",
        b"text/event-stream",
        b"multipart/form-data; boundary=b",
        b"",
    ]
)
odd_json = st.sampled_from(
    [
        b'{"a":1,"a":2}',
        b' {\n"b" : 1e999 , "a":-0.0}',
        b'{"a":"\\ud800"}',
        b'["\xc3\xa9","\\u00e9",123456789012345678901234567890]',
        b"[" * 3000,
        b"{",
        b"\xef\xbb\xbf{}",
        b"NaN",
        b'"\xff"',
    ]
)
pairs = st.lists(st.tuples(st.binary(max_size=6), st.binary(max_size=6)), max_size=4)
forms = pairs.map(lambda found: b"&".join(b"f" + name + b"=" + value for name, value in found))
bodies = st.binary(max_size=300) | odd_json | forms
paths = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
requests = st.builds(
    lambda method, path, kind, more, body, lane: Request(
        method,
        f"http://a.example/{path}",
        [(b"Content-Type", kind), *more],
        body,
        lane,
        "httpx",
    ),
    st.sampled_from(["GET", "POST", "post", "X-ODD"]),
    paths,
    kinds,
    headers,
    bodies,
    st.sampled_from(["main", "main/task0", "?"]),
)
answers = st.tuples(headers, st.lists(st.binary(max_size=100) | odd_json, max_size=6))
ends = st.sampled_from(["eof", "closed", "abandoned", "cancelled", "failed"])


def recorded(exchanges):
    """Record them, begun in order and answered in the opposite one, and read them back."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.avcr"
        recorder = recorder_of(path)
        sinks = [recorder.begin(request).sink for request, _, _ in exchanges]
        for sink, (_, said, how) in reversed(list(zip(sinks, exchanges, strict=True))):
            answer(sink, said[1], said[0], how)
            recorder.flush()
        recorder.close(0, None)
        assert recorder.broken is None
        return load_run(path)


@EXAMPLES
@given(st.lists(st.tuples(requests, answers, ends), max_size=4))
def test_what_has_no_credentials_comes_back_as_it_was(exchanges):
    run = recorded(exchanges)
    assert [one.number for one in run.exchanges] == [*range(1, len(exchanges) + 1)]
    for got, (asked, said, how) in zip(run.exchanges, exchanges, strict=True):
        assert (got.request.method, got.request.url) == (asked.method, asked.url)
        assert list(got.request.headers) == asked.headers
        assert (got.request.body, got.lane) == (asked.body, asked.lane)
        assert list(got.response.headers) == said[0]
        assert [chunk.data for chunk in got.response.chunks] == said[1]
        assert got.ending.kind == how


@pytest.mark.parametrize(
    "size", [fmt.PIECE - 1, fmt.PIECE, fmt.PIECE + 1, 2 * fmt.PIECE, 3_000_000]
)
def test_bodies_and_chunks_of_any_length_come_back(size):
    data = os.urandom(size)
    run = recorded([(ask(body=data, kind=b""), ([], [b"", data, b"", data[:7]]), "eof")])
    (exchange,) = run.exchanges
    assert exchange.request.body == data
    assert [chunk.data for chunk in exchange.response.chunks] == [b"", data, b"", data[:7]]


@EXAMPLES
@given(requests)
def test_a_request_has_one_identity_however_often_it_is_asked(request):
    one, other = recorded([(request, ([], []), "eof")] * 2).exchanges
    assert one.fingerprint == other.fingerprint
    assert one.raw_hash == other.raw_hash
    assert bool(one.raw_hash) == bool(request.body)
