from __future__ import annotations

import pytest

from agentvcr.diff.json_paths import json_changes, text_changes


def changes(before, after):
    return [(c.where, c.before, c.after) for c in json_changes("$", before, after)]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, [("$.a[0].b", "1", "2")]),
        ({"a": 1}, {}, [("$.a", "1", None)]),
        ({}, {"a": {"b": 1}}, [("$.a", None, '{"b":1}')]),
        ({"it's a key": 1}, {"it's a key": 2}, [("$['it\\'s a key']", "1", "2")]),
        ([1], ["1"], [("$[0]", "1", '"1"')]),
        ([True], [1], [("$[0]", "true", "1")]),
        ([{"a": [True]}], [{"a": [1]}], [("$[0].a[0]", "true", "1")]),
        ([1, 2, 3], [1, 9, 2, 3], [("$[1]", None, "9")]),
        ([1, 2, 3], [2, 3], [("$[0]", "1", None)]),
        ({"a": {}}, {"a": []}, [("$.a", "{}", "[]")]),
        (None, 0, [("$", "null", "0")]),
    ],
)
def test_a_difference_is_told_by_its_path(before, after, expected):
    assert changes(before, after) == expected


def test_values_nested_too_deep_to_walk_are_one_change():
    before, after = [], [1]
    for _ in range(5000):
        before, after = [before], [after]
    assert len(changes(before, after)) == 1


def test_texts_are_compared_by_path_where_both_are_json():
    assert text_changes("x", '{"a": 1}', '{"a":  1}') == []
    assert [c.where for c in text_changes("x", '{"a": 1}', '{"a": 2}')] == ["x.a"]
    assert [c.where for c in text_changes("x", '{"a": 1}', '{"a')] == ["x"]
