"""What each kind of declared rule makes equal, and where it holds."""

import json

import pytest

from agentvcr.matching.fingerprint import Fingerprinter, hash_content
from agentvcr.matching.rules import BadRuleError, RuleBook
from agentvcr.model.rules import Rules, RulesAt

JSON = ((b"content-type", b"application/json"),)
FORM = ((b"content-type", b"application/x-www-form-urlencoded"),)
URL = "https://a.example/v1/chat"


def told(body=b"", rules=None, *, url=URL, headers=JSON, **kinds):
    fingerprinter = Fingerprinter(rules or Rules(**kinds))
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return fingerprinter.identify("POST", url, headers, data)


@pytest.mark.parametrize(
    ("path", "one", "other"),
    [
        ("body.a", {"a": 1, "b": 2}, {"b": 2}),
        ("body.a.b", {"a": {"b": 1}}, {"a": {"b": [2]}}),
        ("body.a[*].id", {"a": [{"id": 1}, {"id": 2, "x": 0}]}, {"a": [{}, {"id": 9, "x": 0}]}),
        ("body.a[1]", {"a": [1, 2, 3]}, {"a": [1, 9, 3]}),
        ("body[0].x", [{"x": 1}, {"x": 2}], [{"x": 7}, {"x": 2}]),
        ("body.*.t", {"a": {"t": 1}, "b": {"t": 2}}, {"a": {"t": 3}, "b": {"t": 4}}),
        ("body['a.b'].c", {"a.b": {"c": 1}}, {"a.b": {"c": 2}}),
        ("body['it\\'s']", {"it's": 1}, {"it's": 2}),
        ("body..t", {"t": 1, "a": [{"t": 2, "b": {"t": 3}}]}, {"a": [{"b": {}}]}),
        ("body..a.t", {"x": {"a": {"t": 1}}}, {"x": {"a": {"t": 2}}}),
        ("body.call.at", {"call": '{"at": 1, "x": 2}'}, {"call": '{"at": 3,"x":2}'}),
        ("body", {"a": 1}, {"b": 2}),
        ("body[*]", [1, 2], [3]),
    ],
)
def test_a_path_of_the_body_that_is_ignored_makes_no_difference(path, one, other):
    assert told(one) != told(other)
    assert told(one, ignore=(path,)) == told(other, ignore=(path,))


@pytest.mark.parametrize(
    ("path", "one", "other"),
    [
        ("body.a", {"a": 1, "b": 2}, {"a": 1, "b": 3}),
        ("body.a.b", {"b": 1}, {"b": 2}),
        ("body.a[1]", {"a": [1, 2]}, {"a": [3, 2]}),
        ("body.a[*].id", {"a": [{"id": 1}]}, {"a": [{"id": 1}, {"id": 2}]}),
        ("body.a", {"x": {"a": 1}}, {"x": {"a": 2}}),
        ("body.a.b", {"a": 1}, {"a": 2}),
        ("body.0", ["a"], ["b"]),
        ("query.a", {"a": 1}, {"a": 2}),
    ],
)
def test_and_nothing_else_does(path, one, other):
    assert told(one, ignore=(path,)) != told(other, ignore=(path,))


def test_a_field_of_a_form_is_ignored_by_its_name():
    def form(body, *ignore):
        return told(body, headers=FORM, ignore=ignore)

    assert form(b"a=1&stamp=2") != form(b"a=1&stamp=3")
    assert form(b"a=1&stamp=2", "body.stamp") == form(b"stamp=3&a=1", "body.stamp")
    assert form(b"a=1&stamp=2", "body.stamp") != form(b"a=2&stamp=2", "body.stamp")


def test_a_part_of_a_multipart_body_is_ignored_by_its_name():
    def form(stamp, boundary, *ignore, text="x"):
        fields = {"text": text, "stamp": stamp}
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        ]
        kind = f"multipart/form-data; boundary={boundary}"
        body = f"{''.join(parts)}--{boundary}--\r\n".encode()
        return told(body, headers=((b"content-type", kind.encode()),), ignore=ignore)

    assert form("1", "abc") == form("1", "xyz")
    assert form("1", "abc") != form("2", "abc")
    assert form("1", "abc", "body.stamp") == form("2", "xyz", "body.stamp")
    assert form("1", "abc", "body.stamp") != form("1", "abc", "body.stamp", text="y")


def test_a_field_of_the_query_is_ignored_by_its_name_or_a_pattern():
    one, other = (f"{URL}?utm_a={number}&q=x" for number in (1, 2))
    assert told(url=one) != told(url=other)
    for rule in ("query.utm_a", "query.utm_*", "query"):
        assert told(url=one, ignore=(rule,)) == told(url=other, ignore=(rule,))
    assert told(url=one, ignore=("query.utm_*",)) != told(url=URL, ignore=("query.utm_*",))


def test_a_header_counts_where_it_is_declared_to_and_is_not_ignored():
    def asked(tenant, rules, url=URL):
        return told(b"{}", rules, url=url, headers=(*JSON, (b"X-Tenant", tenant)))

    assert asked(b"a", Rules()) == asked(b"b", Rules())
    counted = Rules(
        count=("header.x-tenant",), at=(RulesAt(path="/free", ignore=("header.X-Tenant",)),)
    )
    assert asked(b"a", counted) != asked(b"b", counted)
    assert asked(b"a", counted) == asked(b" a ", counted)
    free = "https://a.example/free"
    assert asked(b"a", counted, free) == asked(b"b", counted, free)


def test_a_body_that_is_known_byte_for_byte_is_another_request_under_another_header():
    fingerprinter = Fingerprinter(Rules(count=("header.x-tenant",)))
    content = hash_content(b"application/json", b"{}")
    raw = {
        tenant: fingerprinter.hash_raw("POST", URL, (*JSON, (b"X-Tenant", tenant)), content)
        for tenant in (b"a", b"b")
    }
    assert raw[b"a"] != raw[b"b"]


@pytest.mark.parametrize(
    ("host", "path", "url", "holds"),
    [
        ("", "", URL, True),
        ("a.example", "", URL, True),
        ("*.example", "/v1/*", URL, True),
        ("A.Example", "", URL, True),
        ("b.example", "", URL, False),
        ("", "/v2/*", URL, False),
        ("", "/v1", URL, False),
        ("localhost", "", "http://127.0.0.1:8080/x", True),
        ("127.0.0.1", "", "http://localhost:8081/x", True),
        ("", "search", "tool:search", True),
        ("", "weather/*", "mcp:weather/tools/call/forecast", True),
        ("*", "", "http://[broken", True),
    ],
)
def test_rules_hold_for_the_hosts_and_paths_that_fit(host, path, url, holds):
    rules = Rules(at=(RulesAt(host=host, path=path, ignore=("body.t",), ids=("task-",)),))
    same = told({"t": 1}, rules, url=url) == told({"t": 2}, rules, url=url)
    assert same is holds
    same = told(["task-1"], rules, url=url) == told(["task-2"], rules, url=url)
    assert same is holds


@pytest.mark.parametrize(
    "rules",
    [
        Rules(ignore=("metadata.user_id",)),
        Rules(ignore=("bodymetadata",)),
        Rules(ignore=("body.",)),
        Rules(ignore=("body.a[x]",)),
        Rules(ignore=("body.a b",)),
        Rules(ignore=("body...a",)),
        Rules(ignore=("query[",)),
        Rules(ignore=("query.",)),
        Rules(ignore=("header",)),
        Rules(count=("body.a",)),
        Rules(count=("header.",)),
        Rules(count=("header.Authorization",)),
        Rules(ids=("",)),
        Rules(ids=("a",)),
        Rules(ids=("a b",)),
        Rules(at=(RulesAt(ignore=("x",)),)),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(rules):
    with pytest.raises(BadRuleError):
        RuleBook(rules)
