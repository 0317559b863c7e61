"""The canonical form sees what a body says, and not how it is written."""

import json
import os

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agentvcr.matching.canonical import canonical_body
from agentvcr.matching.json_path import parse, without
from agentvcr.matching.rules import Applied

EXAMPLES = settings(
    max_examples=40 * int(os.environ.get("ROUNDS", "3")), deadline=None, database=None
)
JSON = b"application/json"

ids = st.sampled_from(["call_", "msg_", "toolu_"]).flatmap(
    lambda prefix: st.text("abcDEF019", min_size=16, max_size=20).map(
        lambda rest: f"{prefix}1{rest}"
    )
)
words = (
    st.text(max_size=8) | ids | st.sampled_from(["tool_use", "tool", '{"a": "call_"}', "[", "{"])
)
keys = st.sampled_from(
    ["a", "b", "id", "type", "role", "tool_calls", "call_id", "tool_call_id", "é"]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)
objects = st.dictionaries(keys, values, max_size=5)


def turned(value):
    """Give the same with the keys of each object in the opposite order."""
    if isinstance(value, dict):
        return {key: turned(value[key]) for key in reversed(value)}
    return [turned(one) for one in value] if isinstance(value, list) else value


def canonical(value, *paths, **how):
    body = json.dumps(value, **how).encode()
    return canonical_body(body, JSON, Applied(body=tuple(map(parse, paths))))


def renamed(value, names):
    """Give the same with other ids in the place of those of known shapes."""
    if isinstance(value, dict):
        return {key: renamed(one, names) for key, one in value.items()}
    if isinstance(value, list):
        return [renamed(one, names) for one in value]
    if isinstance(value, str) and value.startswith(("call_1", "msg_1", "toolu_1")):
        return names.setdefault(value, f"resp_{len(names):020}")
    return value


@EXAMPLES
@given(values)
def test_neither_the_order_of_keys_nor_white_space_nor_escapes_matter(value):
    other = canonical(turned(value), indent=3, ensure_ascii=False)
    assert canonical(value) == other


@EXAMPLES
@given(values)
def test_which_ids_a_provider_made_does_not_matter(value):
    assert canonical([value]) == canonical([renamed(value, {})])


@EXAMPLES
@given(objects, objects)
def test_two_bodies_are_the_same_only_if_they_say_the_same(one, other):
    assume(not any(prefix in json.dumps([one, other]) for prefix in ("call", "msg_", "tool", "id")))
    assert (canonical(one) == canonical(other)) == (
        json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    )


@EXAMPLES
@given(objects, values, values)
def test_ignoring_a_path_makes_those_equal_that_differ_there_alone(value, one, other):
    bodies = [{**value, "ignored": {"x": what}} for what in (one, other)]
    assert canonical(bodies[0], ".ignored.x") == canonical(bodies[1], ".ignored.x")
    assert canonical(bodies[0], ".ignored.x") == canonical({**value, "ignored": {}})


@EXAMPLES
@given(objects, objects, keys)
def test_and_no_others(one, other, key):
    left, right = (
        without(json.loads(json.dumps(value)), parse(f".{key}")) for value in (one, other)
    )
    same = canonical(one, f".{key}") == canonical(other, f".{key}")
    assert same == (canonical(left) == canonical(right))
