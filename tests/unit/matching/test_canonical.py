"""What two requests may differ in and still be the same, and what they may not."""

import json

import pytest

from agentvcr.inside.exchange import Request
from agentvcr.matching.canonical import canonical_body, canonical_place, content_type_of
from agentvcr.matching.fingerprint import Fingerprinter, Identity, hash_content
from agentvcr.redaction.redactor import Redactor

JSON = b"application/json"
FORM = b"application/x-www-form-urlencoded"


def ask(url="http://a.example/", body=b"", kind=JSON, method="POST", headers=()):
    pairs = [(b"Content-Type", kind), *headers]
    return Request(method, url, pairs, body, "main", "httpx")


def identity(request, known=None, key=b"k" * 32):
    """Identify a request as it would be written: without its credentials."""
    redactor, kind = Redactor(key), content_type_of(request.headers)
    fingerprinter, url = Fingerprinter(known=known), redactor.url(request.url)
    headers = redactor.headers(request.headers)
    content = hash_content(kind, request.body)
    raw_hash = fingerprinter.hash_raw(request.method, url, headers, content)
    body = redactor.body(request.body, kind)
    fingerprint = fingerprinter.known(raw_hash) or fingerprinter.identify(
        request.method, url, headers, body
    )
    return Identity(fingerprint, raw_hash)


def same(one, other):
    """Whether two users' recordings of these would have the same fingerprint."""
    return identity(one).fingerprint == identity(other, key=b"o" * 32).fingerprint


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(b'{"a":1,"b":2}', b'{ "b": 2,\n "a": 1 }', id="key order and white space"),
        pytest.param(b'{"a":"\\u00e9"}', '{"a":"é"}'.encode(), id="escapes"),
        pytest.param(b'{"a":0,"a":1}', b'{"a":1}', id="a duplicate key: the last counts"),
        pytest.param(b'{"api_key":"one"}', b'{"api_key":"two"}', id="a credential"),
        pytest.param(b'{"API_KEY":"one"}', b'{"API_KEY":"two"}', id="a credential in capitals"),
        pytest.param(
            b'{"inner":"{\\"password\\":\\"one\\"}"}',
            b'{"inner":"{\\"password\\":\\"two\\"}"}',
            id="a credential in JSON in JSON",
        ),
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
        pytest.param(
            b'["call_center_operator_1","x"]', b'["call_center_operator_2","x"]', id="names"
        ),
        pytest.param(
            b'["call_2nd_center_operator","x"]', b'["call_2nd_center_operation","x"]', id="numbers"
        ),
        pytest.param(b'["call_1234567"]', b'["call_7654321"]', id="short ids"),
        pytest.param(
            b'["call_abcdefghijklmnop"]', b'["call_ponmlkjihgfedcba"]', id="ids without a digit"
        ),
        pytest.param(
            b'["see call_a1B2c3D4e5F6g7H8"]', b'["see call_Z9y8X7w6V5u4T3s2"]', id="ids in a text"
        ),
        pytest.param(b'{"password":""}', b'{"password":"x"}', id="a credential and none"),
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


@pytest.mark.parametrize(
    "signed",
    [
        "X-Amz-Credential=AKIA%2F{0}%2Fs3&X-Amz-Date={0}T1Z&X-Amz-Signature=a{0}&X-Amz-Expires=60",
        "X-Goog-Credential=me%2F{0}%2Fauto&X-Goog-Date={0}T1Z&X-Goog-Signature=a{0}",
        "Expires={0}&Signature=a{0}&Key-Pair-Id=K",
        "sv=2025-01-05&st={0}T1Z&se={0}T2Z&skt={0}T1Z&ske={0}T2Z&sp=r&sig=a{0}",
    ],
)
def test_when_a_url_was_signed_is_no_difference_and_what_it_is_for_is_one(signed):
    one, other = (
        ask(f"https://a.example/o?{signed.format(day)}") for day in ("20260101", "20260102")
    )
    assert same(one, other)
    assert not same(one, ask(f"https://a.example/o?{signed.format('20260101')}&versionId=2"))


def test_a_time_that_nobody_signed_is_a_difference():
    for name in ("X-Amz-Date", "Expires", "se"):
        assert not same(ask(f"https://a.example/?{name}=1"), ask(f"https://a.example/?{name}=2"))


def test_a_loopback_port_is_no_part_of_a_place_and_any_other_is():
    ports = ("", ":8001", ":9001")
    hosts = ("localhost", "127.0.0.1", "[::1]", "0.0.0.0")
    here = {canonical_place("get", f"http://{host}{port}/p") for host in hosts for port in ports}
    assert here == {"GET loopback/p?"}
    assert len({canonical_place("get", f"http://a.example{port}/p") for port in ports}) == 3


def test_every_placeholder_is_the_same_word_in_a_place():
    places = {
        canonical_place("GET", f"https://a.example/bot{word}/x?a={word}")
        for word in ("redacted-0123456789abcdef", "redacted-fedcba9876543210")
    }
    assert places == {"GET https://a.example/botredacted/x?a=redacted"}


@pytest.mark.parametrize("raw", [b"caf\xe9", b"\xff\xfe", b"caf%E9"])
def test_a_form_that_is_no_unicode_has_an_identity_of_its_own(raw):
    assert same(ask(body=b"a=1&b=" + raw, kind=FORM), ask(body=b"b=" + raw + b"&a=1", kind=FORM))
    assert not same(ask(body=b"b=" + raw, kind=FORM), ask(body=b"b=caf%E8", kind=FORM))


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999/", "http://[::1/", "http://a:b/"])
def test_a_url_that_makes_no_sense_has_an_identity_all_the_same(url):
    assert same(ask(url), ask(url))


def test_a_known_body_gives_the_same_fingerprint_without_being_parsed():
    request = ask(body=json.dumps({"b": 1, "a": [1, 2]}).encode())
    first = identity(request)
    assert identity(request, {first.raw_hash: first.fingerprint}) == first
    assert identity(request, {first.raw_hash: b"other"}).fingerprint == b"other"


def test_content_type_and_body_have_a_border_in_the_raw_hash():
    assert hash_content(b"text/plain", b"X") != hash_content(b"text/plainX", b"")


def test_client_headers_and_credentials_are_no_difference():
    headers = [(b"Authorization", b"Bearer x"), (b"User-Agent", b"y"), (b"X-Retry", b"1")]
    assert same(ask(body=b"{}"), ask(body=b"{}", headers=headers))


def test_methods_are_different_requests():
    assert not same(ask(body=b"{}"), ask(body=b"{}", method="PUT"))
    assert same(ask(body=b"{}"), ask(body=b"{}", method="post"))
