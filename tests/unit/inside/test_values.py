"""What is kept of a value: it comes back as it was, or it is refused; and what is told of it."""

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import json
import math
import types
import uuid
import zoneinfo
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentvcr.inside.values import MOST_TOLD, UnkeepableError, kept, restored, told

WHERE = "module.function"
HUGE = 10**5000


class Word(str, enum.Enum):  # noqa: UP042  (as programs write it)
    YES = "yes"


class Number(enum.IntEnum):
    ONE = 1


class First(NamedTuple):
    x: int


class Second(NamedTuple):
    x: int


class Text(str):  # noqa: SLOT000  (as programs write it)
    pass


@dataclasses.dataclass
class Cached:
    x: int
    memory: Any = dataclasses.field(default=None, compare=False)


class Everything:
    def __eq__(self, other):
        return True

    __hash__ = None


def very_same(one, other):  # noqa: PLR0911  (a way for each sort)
    """Whether two values are equal, and of equal types all the way down."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return len(one) == len(other) and all(
            very_same(key, name) and very_same(value, given)
            for (key, value), (name, given) in zip(one.items(), other.items(), strict=True)
        )
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(very_same, one, other))
    if isinstance(one, (set, frozenset)):
        return sorted(map(repr, one)) == sorted(map(repr, other))
    if isinstance(one, float) and math.isnan(one):
        return math.isnan(other)
    if isinstance(one, (dt.datetime, dt.time)):
        zones = [(when.isoformat(), when.fold, when.tzname()) for when in (one, other)]
        return zones[0] == zones[1]
    if dataclasses.is_dataclass(one):
        return very_same(vars(one), vars(other))
    return one == other and repr(one) == repr(other)


def check(value, hint):
    """Keep a value; gives whether it could be. What comes back must be the very same."""
    try:
        data = kept(value, hint, WHERE)
    except UnkeepableError:
        return False
    back = restored(data, hint, WHERE)
    assert very_same(back, value), f"{value!r} came back as {back!r}"
    return True


# --- results --------------------------------------------------------------------------------------

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters()),
    st.binary(max_size=8),
    st.sampled_from([Word.YES, Number.ONE, First(1), Second(2), Text("a"), "\ud83d\ude00"]),
    st.decimals(),
    st.uuids(),
    st.dates(),
    st.times(),
    st.datetimes(timezones=st.one_of(st.none(), st.timezones())),
    st.timedeltas(),
)
KEYS = st.one_of(st.text(max_size=3), st.integers(0, 3), st.booleans(), st.none(), st.floats(0, 2))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(KEYS, inner, max_size=4),
        st.dictionaries(st.text(max_size=2), inner, max_size=2).map(collections.OrderedDict),
        st.builds(Cached, st.integers(), inner),
        st.sets(st.one_of(st.integers(), st.text(max_size=2)), max_size=4),
    ),
    max_leaves=8,
)
HINTS = st.recursive(
    st.sampled_from(
        (
            *(None, Any, int, float, str, bytes, Word, Number, Text, Cached, set[int], set[str]),
            *(dict, list, tuple, First | Second, int | str, float | int, decimal.Decimal),
            *(uuid.UUID, dt.datetime, dt.date, dt.time, dt.timedelta),
        )
    ),
    lambda inner: st.one_of(
        inner.map(lambda hint: list[hint]),
        inner.map(lambda hint: dict[str, hint]),
        inner.map(lambda hint: dict[float, hint]),
        inner.map(lambda hint: tuple[hint, ...]),
        inner.map(lambda hint: hint | None if hint is not None else None),
    ),
    max_leaves=3,
)


@given(VALUES, HINTS)
def test_any_result_comes_back_the_very_same_or_is_refused(value, hint):
    check(value, hint)


@given(VALUES)
def test_any_result_of_a_function_without_annotation_is_the_very_same_or_refused(value):
    check(value, None)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(10**30), 10**30), st.floats(), st.text()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
)


@given(JSON)
def test_plain_json_is_never_refused(value):
    assert check(value, None)


OSLO = zoneinfo.ZoneInfo("Europe/Oslo")


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ([Word.YES], None),
        ([Word.YES], list[str]),
        ({"a": Number.ONE}, dict[str, int]),
        ([Text("a")], list[str]),
        ({"a": collections.OrderedDict(b=1)}, None),
        ([collections.defaultdict(int, a=1)], None),
        ([collections.Counter("aab")], list[dict]),
        ([Second(1)], list[First | Second]),
        ([bytearray(b"x")], list[bytes]),
        ({1: "a"}, dict[float, str]),
        (dt.datetime(2024, 10, 27, 2, 30, fold=1), dt.datetime),  # noqa: DTZ001
        (dt.datetime(2024, 1, 1, tzinfo=OSLO), dt.datetime),
        ([dt.time(2, 30, fold=1)], list[dt.time]),
        (Cached(1, (1, 2)), Cached),
        ([float("nan"), Word.YES], None),
        (HUGE, int),
        ({1: "a", "1": "b"}, None),
        ((1, 2), None),
        (types.MappingProxyType({}), None),
        (complex(1, 2), None),
        (object(), None),
        (Everything(), None),
        ([Everything()], None),
        (collections.deque([1]), list),
        (iter([1]), None),
        (check, None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_only_looks_equal_is_the_very_same_or_refused(value, hint):
    check(value, hint)


def test_an_attribute_that_is_no_field_is_not_lost_in_silence():
    value = Cached(1)
    value.extra = 5
    check(value, Cached)


def test_a_refusal_says_what_where_and_what_to_do():
    with pytest.raises(UnkeepableError) as raised:
        kept(object(), None, WHERE)
    assert [line.partition(":")[0].strip() for line in str(raised.value).splitlines()] == [
        "a result of type builtins.object cannot be kept",
        "where",
        "what to do",
    ]
    assert isinstance(raised.value, TypeError)


# --- what is only told ----------------------------------------------------------------------------


class Hostile:
    def __getattr__(self, name):
        raise RuntimeError(name)


class Speechless(Exception):  # noqa: N818  (an exception of a program's)
    def __str__(self):
        raise ValueError("no words")


class Slippery(dict):
    def items(self):
        raise RuntimeError("changed size")


@pytest.mark.parametrize(
    "value",
    [
        HUGE,
        {HUGE: 1},
        Hostile(),
        {"a": Hostile()},
        [Speechless()],
        Slippery(a=1),
        "\udc80",
        {1j: 2},
    ],
    ids=["huge", "huge key", "hostile", "inner", "speechless", "slippery", "surrogate", "key"],
)
def test_telling_never_raises(value):
    json.loads(told({"argument": value}))


@dataclasses.dataclass
class Node:
    name: str
    parent: Any = None
    children: list = dataclasses.field(default_factory=list)


@pytest.mark.timeout(20)
def test_a_tree_whose_nodes_know_their_parents_is_told():
    root = Node("root")
    root.children = [Node(str(number), root) for number in range(8)]
    json.loads(told(root))


@pytest.mark.timeout(20)
def test_what_is_shared_many_times_over_is_told():
    value: list = []
    for _ in range(45):
        value = [value, value]
    json.loads(told(value))


def test_the_same_is_told_of_equal_sets():
    words = [f"word {number}" for number in range(50)]
    assert told({*words}) == told({*words[25:], *words[:25]})


@given(VALUES)
def test_anything_is_told_as_json(value):
    json.loads(told(value))


def test_much_is_cut_and_says_how_much():
    cut = json.loads(told("x" * (MOST_TOLD + 5)))
    assert str(MOST_TOLD + 7) in cut["$cut"]
