"""Whether arguments hold what is wanted of them."""

from unittest.mock import ANY

import pytest

from agentvcr.assertions.arguments import holds


@pytest.mark.parametrize(
    "wanted",
    [{}, {"a": 1}, {"c": {"d": True}}, {"e": [1, {"f": 2}]}, {"a": ANY}, {"e": (1, ANY)}],
)
def test_some_of_the_arguments_are_enough(wanted):
    arguments = {"a": 1, "b": None, "c": {"d": True, "x": 0}, "e": [1, {"f": 2, "g": 3}]}
    assert holds(arguments, wanted)


@pytest.mark.parametrize(
    "wanted",
    [{"z": None}, {"a": 2}, {"a": True}, {"c": {"d": 1}}, {"e": [1]}, {"e": {}}, {"a": {}}],
)
def test_another_value_is_not(wanted):
    assert not holds({"a": 1, "c": {"d": True}, "e": [1, {"f": 2}]}, wanted)


def test_arguments_that_are_no_object_hold_nothing():
    assert not holds('{"a": ', {"a": 1})
