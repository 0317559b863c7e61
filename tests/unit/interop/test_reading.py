from __future__ import annotations

import gzip
import json
import zlib

import pytest
import yaml

from agentvcr.errors import CassetteForeignError
from agentvcr.interop.vcrpy_yaml import read_cassette

ASKED = {"method": "POST", "uri": "https://a.example/x", "headers": {}, "body": "ask"}
ANSWERED = {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": "told"}}


def load(folder, document, name="a.yaml"):
    path = folder / name
    text = json.dumps(document) if name.endswith(".json") else yaml.safe_dump(document)
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return read_cassette(path)


def one(folder, *, asked=None, answered=None, name="a.yaml"):
    """Read a cassette of one exchange, given how it differs from the plainest one."""
    pair = {"request": {**ASKED, **(asked or {})}, "response": {**ANSWERED, **(answered or {})}}
    foreign = load(folder, {"version": 1, "interactions": [pair]}, name)
    (found,) = foreign.interactions
    return found, foreign


# --- ways of writing a cassette -------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.yaml", "a.yml", "a.yaml.gz", "a.yml.gz", "a.json"])
def test_a_plain_cassette_is_read_whatever_it_is_written_in(tmp_path, name):
    pair = {"request": ASKED, "response": ANSWERED}
    foreign = load(tmp_path, {"version": 1, "interactions": [pair, pair]}, name)
    assert (foreign.flavour, foreign.notes, len(foreign.interactions)) == ("vcrpy-v1", (), 2)
    request, response = foreign.interactions[1].request, foreign.interactions[1].response
    assert (request.method, request.url, request.body) == ("POST", "https://a.example/x", b"ask")
    assert (response.status, response.reason, response.body) == (200, b"OK", b"told")
    assert response.http_version == b"HTTP/1.1"


@pytest.mark.parametrize("nothing", [[], None])
def test_a_cassette_may_hold_nothing(tmp_path, nothing):
    assert load(tmp_path, {"version": 1, "interactions": nothing}).interactions == ()


def test_a_missing_version_is_told(tmp_path):
    assert load(tmp_path, {"interactions": []}).notes == (
        "cassettes without a version, read as version 1: 1",
    )
    assert load(tmp_path, {"version": 2, "interactions": []}).notes == (
        "cassettes of a version other than 1, read as version 1: 1",
    )


def test_the_old_httpx_flavour_is_read(tmp_path):
    found, foreign = one(
        tmp_path,
        answered={
            "status_code": 404,
            "http_version": "HTTP/2",
            "content": "gone",
            "status": None,
            "body": None,
        },
    )
    assert foreign.flavour == "vcrpy-httpx"
    response = found.response
    assert (response.status, response.body) == (404, b"gone")
    assert (response.http_version, response.reason) == (b"HTTP/2", b"")


def test_langchains_parallel_lists_are_paired_and_what_has_no_partner_is_told(tmp_path):
    foreign = load(tmp_path, {"requests": [ASKED, ASKED, ASKED], "responses": [ANSWERED]})
    assert (foreign.flavour, len(foreign.interactions)) == ("langchain-split", 1)
    assert foreign.notes == ("requests without a response, left out: 2",)


def test_rubys_vcr_is_read(tmp_path):
    foreign = load(
        tmp_path,
        {
            "http_interactions": [
                {
                    "request": {
                        "method": "post",
                        "uri": "https://a.example/",
                        "body": {"encoding": "UTF-8", "string": "é"},
                        "headers": {"Accept": ["*/*"]},
                    },
                    "response": {
                        "status": {"code": 201, "message": "Created"},
                        "headers": {},
                        "body": {"encoding": "ASCII-8BIT", "base64_string": "AP8=\n"},
                        "http_version": "1.1",
                    },
                    "recorded_at": "Tue, 01 Nov 2011 04:58:44 GMT",
                }
            ],
            "recorded_with": "VCR 6.2.0",
        },
    )
    assert foreign.flavour == "ruby-vcr"
    assert foreign.interactions[0].request.body == "é".encode()
    assert foreign.interactions[0].response.body == b"\x00\xff"
    assert foreign.interactions[0].response.http_version == b"HTTP/1.1"
    assert foreign.notes == (
        "`recorded_with` not kept: 1",
        "`interactions.recorded_at` not kept: 1",
        "methods in lower case, kept so: matching does not mind: 1",
    )


def test_what_has_no_place_in_an_exchange_is_told_by_name(tmp_path):
    _, foreign = one(tmp_path, asked={"proxy": "x"}, answered={"url": "y"})
    assert foreign.notes == ("`request.proxy` not kept: 1", "`response.url` not kept: 1")
    foreign = load(tmp_path, {"version": 1, "interactions": [], "metadata": {"by": "me"}})
    assert foreign.notes == ("`metadata` not kept: 1",)


# --- refusals -------------------------------------------------------------------------------------

FRAME = {"kind": "message", "direction": "sent", "data": {"setup": {}}}


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"version": 1, "interactions": [FRAME]}, "it holds WebSocket frames"),
        (
            {"version": 1, "sample_requests": [b"\n"], "responses": [b"\n"]},
            "it holds gRPC messages and no HTTP",
        ),
        ([{"request": {}, "response": {}}], "vcrpy before 1.0 wrote it"),
        ([1], "it is no cassette, but a list"),
        ("text", "it is no cassette, but text"),
        ({"services": {}, "volumes": {}}, "it is no cassette, but a mapping of services, volumes"),
        ({"log": {"entries": []}}, "it is no cassette, but a mapping of log"),
        ({"interactions": "x"}, "it is no cassette, but a mapping of interactions"),
        ({"requests": []}, "it is no cassette, but a mapping of requests"),
        ({"interactions": [3]}, "interactions[0] is a single value"),
        ({"interactions": [{"request": ASKED}]}, "interactions[0] has no request or no response"),
        (
            {"interactions": [{"request": ASKED, "response": None}]},
            "the response of interactions[0] is nothing",
        ),
    ],
)
def test_what_is_no_cassette_is_refused_with_its_reason(tmp_path, document, reason):
    with pytest.raises(CassetteForeignError) as caught:
        load(tmp_path, document)
    assert str(caught.value) == f"a.yaml cannot be imported: {reason}"
    assert str(tmp_path / "a.yaml") in caught.value.where
    assert caught.value.cure


@pytest.mark.parametrize(
    ("asked", "answered", "reason"),
    [
        ({"method": None}, {}, "a request has a method and a uri, and both are text"),
        ({"uri": 3}, {}, "a request has a method and a uri, and both are text"),
        ({"uri": "https://a.example/\ud83d"}, {}, "'utf-8' codec can't encode character"),
        ({"headers": "a: b"}, {}, "headers are str"),
        ({}, {"headers": [["a"]]}, "headers hold list"),
        ({}, {"status": {"code": "fine"}}, "'fine' is no HTTP status"),
        ({}, {"status": None}, "None is no HTTP status"),
        ({}, {"status": {"code": 7}}, "7 is no HTTP status"),
        ({}, {"body": {"base64_string": "a"}}, "base64_string is broken: "),
        ({}, {"parsed_body": {"a": b"\xff"}}, "JSON has no form for it: "),
        ({"body": {"a": {1, 2}}}, {}, "JSON has no form for it: "),
    ],
)
def test_an_exchange_that_makes_no_sense_is_refused_with_its_place(
    tmp_path, asked, answered, reason
):
    name = "a.json" if "ud83d" in str(asked) else "a.yaml"  # YAML has no half characters
    with pytest.raises(CassetteForeignError) as caught:
        one(tmp_path, asked=asked, answered=answered, name=name)
    assert f"interactions[0] makes no sense: {reason}" in str(caught.value)
    assert caught.value.where.endswith(f"{name}: interactions[0]")


# --- bodies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("é\r\n\u2028\x85 ", "é\r\n\u2028\x85 ".encode()),
        (b"\x00\xff", b"\x00\xff"),
        (None, b""),
        ("", b""),
    ],
)
def test_text_and_binary_bodies_are_byte_exact_on_both_sides(tmp_path, body, expected):
    found, foreign = one(tmp_path, asked={"body": body}, answered={"body": {"string": body}})
    assert (found.request.body, found.response.body) == (expected, expected)
    assert foreign.notes == ()


@pytest.mark.parametrize("body", [None, {}, {"string": None}, ""])
def test_an_answer_may_have_no_body(tmp_path, body):
    found, _ = one(tmp_path, answered={"body": body})
    assert found.response.body == b""


def test_parsed_bodies_become_compact_json_in_the_order_of_the_file(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(
        "version: 1\ninteractions:\n- request:\n    method: POST\n    uri: https://a.example/\n"
        "    headers: {content-length: ['99']}\n"
        "    parsed_body: {z: [1, 2.5, null, true], a: é😀, d: 2025-01-02}\n"
        "  response:\n    status: {code: 200, message: OK}\n"
        "    headers: {content-type: [application/json], Content-Length: ['99'],"
        " content-encoding: [br]}\n"
        "    parsed_body: []\n",
        encoding="utf-8",
    )
    foreign = read_cassette(path)
    (found,) = foreign.interactions
    asked = '{"z":[1,2.5,null,true],"a":"é😀","d":"2025-01-02"}'.encode()
    assert foreign.flavour == "vcrpy-parsed-body"
    assert found.request.body == asked
    assert found.request.headers == ((b"content-length", b"%d" % len(asked)),)
    assert found.response.body == b"[]"
    assert found.response.headers == (
        (b"content-type", b"application/json"),
        (b"Content-Length", b"2"),
    )
    assert foreign.notes == (
        "parsed bodies written as compact JSON, so their white space is not that of the wire: 2",
        "content-length headers set to the length of the body that is there: 2",
        "content-encoding headers dropped, as the body under them is not encoded: 1",
    )


def test_a_parsed_body_of_null_is_none_at_all(tmp_path):
    found, foreign = one(tmp_path, asked={"parsed_body": None}, answered={"parsed_body": None})
    assert (found.request.body, found.response.body) == (b"ask", b"told")
    assert foreign.flavour == "vcrpy-v1"


def test_a_body_of_values_is_written_as_json(tmp_path):
    found, foreign = one(tmp_path, asked={"body": {"a": [1]}}, answered={"body": {"string": 7}})
    assert (found.request.body, found.response.body) == (b'{"a":[1]}', b"7")
    assert foreign.notes == ("bodies that are neither text nor bytes, written as compact JSON: 2",)


def test_half_a_character_does_not_stop_an_import(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(
        json.dumps({"version": 1, "interactions": [
            {"request": {**ASKED, "body": "\ud83d"}, "response": ANSWERED}]})
    )  # fmt: skip
    foreign = read_cassette(path)
    assert foreign.interactions[0].request.body == b"\xed\xa0\xbd"
    assert len(foreign.notes) == 1


# --- headers --------------------------------------------------------------------------------------


def test_header_lists_become_repeated_pairs_in_order(tmp_path):
    headers = {
        "X-B": ["1", "2"],
        "a": ["3"],
        "n": [7],
        "none": [None],
        "raw": [b"\xff"],
        "s": "bare",
    }
    path = tmp_path / "a.yaml"
    pair = {"request": ASKED, "response": {**ANSWERED, "headers": headers}}
    path.write_text(yaml.safe_dump({"version": 1, "interactions": [pair]}, sort_keys=False))
    foreign = read_cassette(path)
    assert foreign.interactions[0].response.headers == (
        (b"X-B", b"1"),
        (b"X-B", b"2"),
        (b"a", b"3"),
        (b"n", b"7"),
        (b"none", b""),
        (b"raw", b"\xff"),
        (b"s", b"bare"),
    )
    assert foreign.notes == ("headers with a bare value, read as that one value: 1",)


def test_headers_may_be_pairs_or_none(tmp_path):
    found, foreign = one(
        tmp_path, asked={"headers": None}, answered={"headers": [["A", "1"], ["a", "2"]]}
    )
    assert found.request.headers == ()
    assert found.response.headers == ((b"A", b"1"), (b"a", b"2"))
    assert foreign.notes == ()


@pytest.mark.parametrize(
    ("text", "wire"),
    [
        ("caf\u00e9", "caf\u00e9".encode()),  # a client that read UTF-8
        ("caf\u00c3\u00a9", "caf\u00e9".encode()),  # one that read a character a byte
        ("\u65e5", "\u65e5".encode()),
    ],
)
def test_header_text_goes_back_to_the_bytes_it_came_from(tmp_path, text, wire):
    found, _ = one(tmp_path, answered={"headers": {"x": [text]}})
    assert found.response.headers == ((b"x", wire),)


@pytest.mark.parametrize(
    ("encoding", "body", "kept"),
    [
        ("gzip", gzip.compress(b"told", mtime=0), True),
        ("gzip", "told", False),
        ("x-gzip", b"told", False),
        ("GZIP", "told", False),
        ("deflate", zlib.compress(b"told"), True),
        ("deflate", zlib.compress(b"told" * 99, wbits=-15), True),
        ("deflate", "told", False),
        ("br", b"\x0b\x02\x80told\x03", True),
        ("br", '{"a":1}', False),
        ("zstd", b"\x28\xb5\x2f\xfd\x00", True),
        ("zstd", "told", False),
        ("identity", "told", True),
        ("br, gzip", gzip.compress(b"told", mtime=0), True),
        ("gzip", "", True),
    ],
)
def test_a_content_encoding_stays_only_over_a_body_so_encoded(tmp_path, encoding, body, kept):
    found, foreign = one(
        tmp_path, answered={"headers": {"Content-Encoding": [encoding]}, "body": {"string": body}}
    )
    assert (found.response.headers == ((b"Content-Encoding", encoding.encode()),)) is kept
    assert len(foreign.notes) == (not kept)


@pytest.mark.parametrize(
    ("method", "status", "told"),
    [("GET", 200, b"4"), ("HEAD", 200, b"99"), ("head", 200, b"99"), ("GET", 304, b"99")],
)
def test_a_content_length_becomes_true_where_there_is_a_body(tmp_path, method, status, told):
    found, _ = one(
        tmp_path,
        asked={"method": method},
        answered={"status": {"code": status, "message": ""}, "headers": {"content-length": ["99"]}},
    )
    assert found.response.headers == ((b"content-length", told),)


def test_a_redacted_url_is_told(tmp_path):
    found, foreign = one(tmp_path, asked={"uri": "**REDACTED**"})
    assert found.request.url == "**REDACTED**"
    assert foreign.notes == (
        "requests whose URL is not http(s), such as a redacted one: no request finds them: 1",
    )
