"""What is exported, as stock vcrpy loads it and replays it to real clients."""

from __future__ import annotations

import gzip
import io
import urllib.error
import urllib.request

import httpx
import httpx2
import pytest
import vcr
import yaml
from hypothesis import given
from hypothesis import strategies as st
from vcr.persisters.filesystem import FilesystemPersister
from vcr.serializers import yamlserializer

from agentvcr.errors import CassetteForeignError
from agentvcr.interop.vcrpy_yaml import read_cassette, write_cassette
from agentvcr.model.exchange import Failure
from tests.unit.build import exchange, request, response, run

URL = "http://a.example/x"
ALONE = "times, the boundaries of streamed pieces, lanes and the HTTP version: vcrpy has none"


def asked(body=b"", *, method="POST", url=URL, headers=()):
    return request(body, url=url, method=method, headers=headers)


def written(*exchanges):
    out = io.StringIO()
    report = write_cassette(run(*exchanges), out)
    return out.getvalue(), report


def loaded(folder, text):
    """Load as stock vcrpy does: pairs of its request and response."""
    path = folder / "a.yaml"
    path.write_text(text, encoding="utf-8")
    requests, responses = FilesystemPersister.load_cassette(path, yamlserializer)
    return list(zip(requests, responses, strict=True))


def replayed(folder, text, **options):
    (folder / "a.yaml").write_text(text, encoding="utf-8")
    return vcr.use_cassette(str(folder / "a.yaml"), record_mode="none", **options)


BODIES = [
    b"",
    b"plain",
    b'{"a": "\xc3\xa9\xf0\x9f\x98\x80"}\n',
    b"data: 1\r\n\r\ndata: 2\n\n",
    b"  leading and trailing \n\n",
    b"\x00\x01\x7f",
    "\u2028\u2029\x85\ufeff\ufffe".encode(),
    bytes(range(256)),
    b"\xed\xa0\x80",
    b"- a: b # c",
    b"null",
    b"2025-01-02",
    b"1e3",
    b"x" * 5000,
    ("word " * 900).encode(),
]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: ascii(body[:12]))
def test_any_body_is_byte_exact_in_stock_vcrpy_and_comes_back_to_us(tmp_path, body):
    text, report = written(exchange(asked(body), response(body)))
    ((theirs, answered),) = loaded(tmp_path, text)
    assert (theirs.body, answered["body"]["string"]) == (body, body)
    (ours,) = read_cassette(tmp_path / "a.yaml").interactions
    assert (ours.request.body, ours.response.body) == (body, body)
    assert (report.written, report.left_out, report.notes) == (1, (), (ALONE,))


@given(
    st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace"))
)
def test_bodies_of_chance_are_byte_exact(body):
    text, _ = written(exchange(asked(body), response(body)))
    requests, responses = vcr.serialize.deserialize(text, yamlserializer)
    assert (requests[0].body, responses[0]["body"]["string"]) == (body, body)


def test_text_stands_as_text_and_bytes_as_base64():
    text, _ = written(exchange(asked('{"a": "b c"}'), response(b"\xff\x00")))
    document = yaml.safe_load(text)
    (pair,) = document["interactions"]
    assert document["version"] == 1
    assert pair["request"]["body"] == '{"a": "b c"}'
    assert "!!binary" in text
    assert '{"a": "b c"}' in text


def test_exchanges_keep_their_order_and_equal_ones_need_no_alias(tmp_path):
    pair = exchange(asked("same"), response("same", headers=((b"a", b"b"),)))
    text, report = written(*[pair] * 3, exchange(asked("last"), response("end")))
    assert report.written == 4
    assert "&id" not in text
    assert [theirs.body for theirs, _ in loaded(tmp_path, text)] == [b"same"] * 3 + [b"last"]


def test_an_empty_run_is_an_empty_cassette(tmp_path):
    text, report = written()
    assert loaded(tmp_path, text) == []
    assert (report.written, report.notes) == (0, ())


# --- what vcrpy cannot say ------------------------------------------------------------------------


def test_only_whole_answers_are_written_and_the_others_named_with_their_reason():
    lengthy = ((b"Content-Length", b"4"),)
    _, report = written(
        exchange(asked(), response("told")),
        exchange(asked(), None, kind=None),
        exchange(asked(), response("to"), kind=None),
        exchange(
            asked(), None, kind="failed", failure=Failure(type="httpx.ReadTimeout", message="")
        ),
        exchange(asked(), response("to"), kind="failed", failure=Failure(type="E", message="")),
        exchange(asked(), None, kind="cut"),
        exchange(asked(), response("to", headers=lengthy), kind="closed"),
        exchange(asked(), response("told", headers=lengthy), kind="closed"),
        exchange(asked(), response("told"), kind="abandoned"),
        exchange(asked(), response(status=204), kind="closed"),
        exchange(asked(method="HEAD"), response(headers=lengthy), kind="closed"),
        exchange(asked(), response(status=101)),
        exchange(asked(), response("told"), internal=True),
    )
    assert report.written == 4
    assert [(one.number, one.reason) for one in report.left_out] == [
        (2, "it was in flight when the recording ended"),
        (3, "it was in flight when the recording ended"),
        (4, "it failed with httpx.ReadTimeout"),
        (5, "it failed with E"),
        (6, "it has no answer (cut)"),
        (7, "its answer is not whole (closed)"),
        (9, "its answer is not whole (abandoned)"),
        (12, "it left HTTP for another protocol (101)"),
        (13, "its peer is a process of the run itself, which runs again on replay"),
    ]


def test_headers_keep_their_values_and_what_vcrpy_would_drop_is_joined_and_told(tmp_path):
    sent = ((b"X-A", b"1"), (b"x-a", b"2"), (b"Cookie", b"a=1"), (b"cookie", b"b=2"))
    told = ((b"y", b"\xe9"), (b"X", b"caf\xc3\xa9"), (b"Set-Cookie", b"a"), (b"Set-Cookie", b"b"))
    text, report = written(exchange(asked(headers=sent), response(headers=told)))
    ((theirs, answered),) = loaded(tmp_path, text)
    assert list(answered["headers"]) == ["y", "X", "Set-Cookie"]
    assert dict(theirs.headers) == {"X-A": "1, 2", "Cookie": "a=1; b=2"}
    assert answered["headers"] == {"Set-Cookie": ["a", "b"], "X": ["café"], "y": ["é"]}
    assert report.notes[1:] == (
        "repeated request headers, of which vcrpy would load the first: joined: 2",
        "header values that are not ASCII, which vcrpy replays to httpx as an error: 2",
    )


# --- stock vcrpy replays it to real clients -------------------------------------------------------

PLAIN = b'{"say": "caf\xc3\xa9"}'
PACKED = gzip.compress(PLAIN, mtime=0)
EVENTS = b"data: 1\n\ndata: \xf0\x9f\x98\x80\n\ndata: [DONE]\n\n"


@pytest.fixture
def conversation():
    """Three exchanges of one address: JSON packed, events in pieces, a refusal."""
    json_type = (b"content-type", b"application/json")
    packed = ((b"Content-Encoding", b"gzip"), json_type, (b"Content-Length", b"%d" % len(PACKED)))
    stream = ((b"content-type", b"text/event-stream"), (b"Transfer-Encoding", b"chunked"))
    pieces = (EVENTS[:5], EVENTS[5:12], EVENTS[12:])
    return [
        exchange(asked("a", headers=(json_type,)), response(PACKED, headers=packed)),
        exchange(asked("a", headers=(json_type,)), response(*pieces, headers=stream)),
        exchange(asked("a"), response(b"\xff\x00", status=429, headers=((b"Retry-After", b"1"),))),
    ]


@pytest.mark.parametrize("client", [httpx, httpx2], ids=lambda module: module.__name__)
def test_stock_vcrpy_replays_it_to_httpx(tmp_path, client, conversation):
    text, _ = written(*conversation)
    with (
        replayed(tmp_path, text, match_on=["method", "uri", "body"]) as cassette,
        client.Client() as session,
    ):
        first, second, third = (session.post(URL, content=b"a") for _ in range(3))
        assert cassette.all_played
    assert first.content == PLAIN
    assert (second.content, second.headers["content-type"]) == (EVENTS, "text/event-stream")
    assert (third.status_code, third.content) == (429, b"\xff\x00")
    assert third.headers["retry-after"] == "1"


def test_stock_vcrpy_replays_it_to_the_standard_library(tmp_path, conversation):
    text, _ = written(*conversation)
    with replayed(tmp_path, text) as cassette:
        with urllib.request.urlopen(URL, b"a") as first:
            assert (first.read(), first.headers["content-encoding"]) == (PACKED, "gzip")
        with urllib.request.urlopen(URL, b"a") as second:
            assert second.read() == EVENTS
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(URL, b"a")
        assert (caught.value.code, caught.value.read()) == (429, b"\xff\x00")
        caught.value.close()
        assert cassette.all_played


# --- there and back -------------------------------------------------------------------------------


def as_exchange(one):
    answer = one.response
    told = response(answer.body, status=answer.status, headers=answer.headers)
    return exchange(one.request, told)


def test_every_real_cassette_survives_the_way_through_us_and_back(corpora, tmp_path):
    exchanges = 0
    for path in sorted(corpora.rglob("*.yaml*")):
        try:
            foreign = read_cassette(path)
        except CassetteForeignError:
            continue  # that these are three is test_real_cassettes' matter
        text, report = written(*[as_exchange(one) for one in foreign.interactions])
        assert report.left_out == ()
        for one, (theirs, answered) in zip(
            foreign.interactions, loaded(tmp_path, text), strict=True
        ):
            assert (theirs.method, theirs.uri) == (one.request.method, one.request.url)
            assert theirs.body == one.request.body
            assert answered["body"]["string"] == one.response.body
            assert answered["status"]["code"] == one.response.status
        back = read_cassette(tmp_path / "a.yaml")
        for ours, one in zip(back.interactions, foreign.interactions, strict=True):
            assert ours.response.body == one.response.body
            assert sorted(ours.response.headers) == sorted(one.response.headers)
        exchanges += report.written
    assert exchanges == 1970
