"""What two requests may differ in and still be the same, and what they may not."""

import json

import pytest

from agentvcr.inside.exchange import Request
from agentvcr.matching.canonical import PortNames, canonical_body, canonical_place
from agentvcr.matching.fingerprint import Fingerprinter

JSON = b"application/json"
FORM = b"application/x-www-form-urlencoded"


def ask(url="http://a.example/", body=b"", kind=JSON, method="POST", headers=()):
    pairs = [(b"Content-Type", kind), *headers]
    return Request(method, url, pairs, body, "main", "httpx")


def same(one, other, known=None):
    return (
        Fingerprinter(known).identify(one).fingerprint
        == Fingerprinter(known).identify(other).fingerprint
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(b'{"a":1,"b":2}', b'{ "b": 2,\n "a": 1 }', id="key order and white space"),
        pytest.param(b'{"a":"\\u00e9"}', '{"a":"é"}'.encode(), id="escapes"),
        pytest.param(b'{"a":0,"a":1}', b'{"a":1}', id="a duplicate key: the last counts"),
        pytest.param(b'{"api_key":"one"}', b'{"api_key":"two"}', id="a credential"),
        pytest.param(b'{"API_KEY":"one"}', b'{"API_KEY":"two"}', id="a credential in capitals"),
        pytest.param(
            b'["call_a1B2c3D4e5F6g7H8","x","call_a1B2c3D4e5F6g7H8"]',
            b'["call_Z9y8X7w6V5u4T3s2","x","call_Z9y8X7w6V5u4T3s2"]',
            id="ids by first appearance",
        ),
    ],
)
def test_json_bodies_are_the_same_but_for(one, other):
    assert same(ask(body=one), ask(body=other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(b"[1,2]", b"[2,1]", id="the order of a list"),
        pytest.param(b'{"a":1}', b'{"a":"1"}', id="a number and a text"),
        pytest.param(b'{"a":1}', b'{"a":1.0}', id="an integer and a float"),
        pytest.param(b'{"a":null}', b"{}", id="null and nothing"),
        pytest.param(b'{"a":%d}' % 10**30, b'{"a":%d}' % (10**30 + 1), id="long integers"),
        pytest.param(
            b'["call_a1B2c3D4e5F6g7H8","call_Z9y8X7w6V5u4T3s2"]',
            b'["call_a1B2c3D4e5F6g7H8","call_a1B2c3D4e5F6g7H8"]',
            id="which id it is",
        ),
        pytest.param(
            b'{"name":"run_python_code"}', b'{"name":"run_shell_script"}', id="names of tools"
        ),
        pytest.param(b'["msg_hello_world"]', b'["msg_other_words"]', id="words with underscores"),
    ],
)
def test_json_bodies_differ_in(one, other):
    assert not same(ask(body=one), ask(body=other))


@pytest.mark.parametrize("body", [b"{", b'{"a":"\\ud800"}', b"\xff\x00", b"[" * 100_000, b"NaN"])
def test_a_body_that_is_no_json_stays_as_it_is(body):
    assert canonical_body(body, JSON) == body


def test_a_multipart_boundary_is_no_difference():
    def form(boundary):
        body = b'--%s\r\nContent-Disposition: form-data; name="f"\r\n\r\nx\r\n--%s--\r\n'
        return ask(
            body=body % (boundary, boundary), kind=b"multipart/form-data; boundary=" + boundary
        )

    assert same(form(b"abc123"), form(b"xyz789"))


def test_a_forms_fields_have_no_order_and_its_credentials_no_value():
    one = ask(body=b"a=1&client_secret=x&b=", kind=FORM)
    assert same(one, ask(body=b"b=&a=1&client_secret=y", kind=FORM + b"; charset=utf-8"))
    assert not same(one, ask(body=b"a=1&client_secret=x", kind=FORM))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://A.example/p?b=2&a=1", "https://a.example:443/p?a=1&b=2"),
        ("https://a.example/?key=one", "https://a.example/?key=two"),
        ("https://a.example", "https://a.example/"),
        ("https://u:p@a.example/", "https://a.example/"),
        ("http://localhost:8001/x", "http://127.0.0.1:9001/x"),
    ],
)
def test_urls_are_the_same_but_for_order_credentials_and_loopback_ports(one, other):
    assert same(ask(one), ask(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://a.example/?a=1&a=2", "https://a.example/?a=1"),
        ("https://a.example/", "http://a.example/"),
        ("https://a.example:8443/", "https://a.example/"),
        ("https://a.example/a%2Fb", "https://a.example/a/b"),
    ],
)
def test_urls_differ_in_all_else(one, other):
    assert not same(ask(one), ask(other))


def test_loopback_ports_are_named_by_first_appearance():
    names = PortNames()
    places = [canonical_place("get", f"http://localhost:{port}/", names) for port in (9, 7, 9)]
    assert places == ["GET loopback:port0/?", "GET loopback:port1/?", "GET loopback:port0/?"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999/", "http://[::1/", "http://a:b/"])
def test_a_url_that_makes_no_sense_has_an_identity_all_the_same(url):
    assert same(ask(url), ask(url))


def test_a_known_body_gives_the_same_fingerprint_without_being_parsed():
    request = ask(body=json.dumps({"b": 1, "a": [1, 2]}).encode())
    first = Fingerprinter().identify(request)
    known = {first.raw_hash: first.canonical_hash}
    assert Fingerprinter(known).identify(request) == first
    assert Fingerprinter({first.raw_hash: b"other"}).identify(request).canonical_hash == b"other"


def test_content_type_and_body_have_a_border_in_the_raw_hash():
    one = Fingerprinter().identify(ask(body=b"X", kind=b"text/plain"))
    other = Fingerprinter().identify(ask(body=b"", kind=b"text/plainX"))
    assert one.raw_hash != other.raw_hash


def test_client_headers_and_credentials_are_no_difference():
    headers = [(b"Authorization", b"Bearer x"), (b"User-Agent", b"y"), (b"X-Retry", b"1")]
    assert same(ask(body=b"{}"), ask(body=b"{}", headers=headers))
