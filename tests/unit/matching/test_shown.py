"""Where two requests differ is told as the declared rules see them."""

import json

import pytest

from agentvcr.diff.compare import explain
from agentvcr.matching.rules import RuleBook
from agentvcr.model.rules import Rules, RulesAt
from tests.unit.build import request

URL = "https://tools.example/find"
RULES = Rules(
    ignore=("body.stamp", "query.t"),
    count=("header.x-tenant",),
    at=(RulesAt(path="/free", ignore=("body",)),),
)


def told(one, other):
    return [change.where for change in explain(one, other, RuleBook(RULES))]


def asked(body=None, *, url=URL, tenant=b"a"):
    return request(body or {}, url=url, headers=((b"X-Tenant", tenant),))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (asked({"stamp": 1, "q": 1}), asked({"stamp": 2, "q": 2}), ["request.body $.q"]),
        (asked({"stamp": 1}), asked({"stamp": 2}), []),
        (asked(url=f"{URL}?t=1&q=1"), asked(url=f"{URL}?q=2&t=2"), ["request.query.q"]),
        (asked(tenant=b"a"), asked(tenant=b"b"), ["request.headers.x-tenant"]),
        (asked(b"text 1"), asked(b"text 2"), ["request.body"]),
        (
            asked({"q": 1}, url="https://tools.example/free"),
            asked(b"else", url="https://tools.example/free"),
            [],
        ),
    ],
)
def test_what_is_ignored_is_not_told_and_what_counts_is(one, other, expected):
    assert told(one, other) == expected


def test_without_rules_all_of_it_is_told():
    one, other = asked({"stamp": 1}), asked({"stamp": 2}, tenant=b"b")
    assert [change.where for change in explain(one, other)] == ["request.body $.stamp"]
    assert json.loads(one.body) == {"stamp": 1}
