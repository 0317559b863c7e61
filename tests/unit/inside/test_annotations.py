"""Values built from JSON by an annotation, and what an annotation cannot say."""

import collections.abc
import dataclasses
import datetime as dt
import decimal
import enum
import pathlib
import typing
import uuid
from typing import Annotated, Any, Generic, NamedTuple, NotRequired, Required, TypedDict, TypeVar

import msgspec
import pydantic
import pytest

from agentvcr.inside.annotations import build, returned_by
from agentvcr.inside.values import UnkeepableError, kept, restored

T = TypeVar("T")
WHERE = "module.function"


class Colour(enum.Enum):
    RED = "red"
    GREEN = 2


class Point(NamedTuple):
    x: int
    at: dt.date | None = None


class Parts(TypedDict, total=False):
    name: Required[str]
    when: dt.datetime
    size: NotRequired[tuple[int, ...]]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    path: pathlib.Path
    tags: frozenset[str] = frozenset()


@dataclasses.dataclass
class Outer:
    limit: typing.ClassVar[int] = 10
    inner: Inner
    others: dict[str, list[Inner]] = dataclasses.field(default_factory=dict)
    total: decimal.Decimal = dataclasses.field(init=False, default=decimal.Decimal("1.50"))


@dataclasses.dataclass
class Box(Generic[T]):
    content: T


class Model(pydantic.BaseModel):
    colour: Colour
    from_: str = pydantic.Field(alias="from")
    when: dt.datetime | None = None
    model_config = pydantic.ConfigDict(populate_by_name=False)


class Page(pydantic.BaseModel, Generic[T]):
    items: list[T]


class Struct(msgspec.Struct):
    name: str
    when: dt.datetime
    raw: bytes = b""


NOW = dt.datetime(2024, 5, 1, 12, 30, 1, 250, tzinfo=dt.UTC)
INNER = Inner(path=pathlib.Path("a/b"), tags=frozenset({"x", "y"}))
ONE = Model(**{"colour": "red", "from": "here", "when": NOW})
PARTS: Parts = {"name": "n", "when": NOW, "size": (1, 2)}

CASES = [
    (None, type(None)),
    (True, bool),
    (2**70, int),
    (-0.0, float),
    ("a\udc80 é", str),
    (b"\x00\xff", bytes),
    (bytearray(b"\x00"), bytearray),
    ([1, [2.5, None]], list),
    ([1], typing.List),  # noqa: UP006  (older programs write it)
    ({"a": 1}, typing.Dict),  # noqa: UP006  (the same)
    ((1, "a"), tuple[int, str]),
    ((1, 2, 3), tuple[int, ...]),
    ((), tuple[()]),
    ({1, 2}, set[int]),
    (frozenset({(1, 2)}), frozenset[tuple[int, int]]),
    ([{"a"}], list[set[str]]),
    ({1: "a", 2: "b"}, dict[int, str]),
    ({True: 1}, dict[bool, int]),
    ({NOW.date(): 1}, dict[dt.date, int]),
    ([1, 2], collections.abc.Sequence[int]),
    ({"a": (1,)}, collections.abc.Mapping[str, tuple[int]]),
    (NOW, dt.datetime),
    (NOW.date(), dt.date),
    (NOW.timetz(), dt.time),
    (dt.timedelta(days=-1, microseconds=5), dt.timedelta),
    (decimal.Decimal("1.10"), decimal.Decimal),
    (uuid.UUID(int=7), uuid.UUID),
    (pathlib.Path("a/b"), pathlib.Path),
    (pathlib.PurePosixPath("a"), pathlib.PurePosixPath),
    (Colour.GREEN, Colour),
    ([Colour.RED, None], list[Colour | None]),
    (Point(1, NOW.date()), Point),
    ([Point(1)], list[Point]),
    (PARTS, Parts),
    (INNER, Inner),
    (Outer(INNER, {"a": [INNER]}), Outer),
    (Box([Point(1)]), Box),
    (ONE, Model),
    ([ONE], list[Model]),
    ({"a": ONE}, dict[str, Model]),
    (ONE, Model | None),
    (None, Model | None),
    ([ONE, INNER], list[Model | Inner]),
    (Page[Model](items=[ONE]), Page[Model]),
    (Struct("a", NOW, b"\xff"), Struct),
    (3, typing.Literal[3, "a"]),
    ({"a": [1]}, Any),
    ({"a": [1]}, None),
]


# By their numbers: the words for a set come in another order in each process.
@pytest.mark.parametrize(
    ("value", "hint"), CASES, ids=[str(number) for number, _ in enumerate(CASES)]
)
def test_a_value_comes_back_as_it_was(value, hint):
    if hint is Box:
        with pytest.raises(UnkeepableError):  # nobody said what T is
            kept(value, hint, WHERE)
        return
    back = restored(kept(value, hint, WHERE), hint, WHERE)
    assert type(back) is type(value)
    assert back == value


def test_a_default_of_a_field_that_takes_no_argument_is_what_it_was():
    value = Outer(INNER)
    value.total = decimal.Decimal("7.00")
    assert str(restored(kept(value, Outer, WHERE), Outer, WHERE).total) == "7.00"


class Private(pydantic.BaseModel):
    name: str
    _seen: int = pydantic.PrivateAttr(default=0)


def test_a_private_attribute_that_would_be_lost_is_no_result():
    value = Private(name="n")
    assert restored(kept(value, Private, WHERE), Private, WHERE) == value
    value._seen = 1
    with pytest.raises(UnkeepableError):
        kept(value, Private, WHERE)


def test_a_union_takes_the_one_that_gives_the_same_again():
    assert build({"path": "a", "tags": []}, Inner | Model) == Inner(path=pathlib.Path("a"))
    assert build([1, 2], str | list[int]) == [1, 2]
    with pytest.raises(TypeError):
        build("x", int | None)


def local():
    @dataclasses.dataclass
    class Here:
        x: int

    def evaluated() -> Here: ...

    def by_name() -> "Here": ...

    return Here, evaluated, by_name


def test_a_class_of_a_function_is_found_by_its_object_and_not_by_its_name():
    here, evaluated, by_name = local()
    assert returned_by(evaluated) is here
    value = here(1)
    assert restored(kept(value, here, WHERE), here, WHERE) == value
    assert returned_by(by_name) is None
    with pytest.raises(UnkeepableError, match="Here"):
        kept(value, returned_by(by_name), WHERE)


def forward() -> "Later": ...


class Later(NamedTuple):
    x: int


def test_a_forward_reference_is_found_when_the_name_is_there():
    assert returned_by(forward) is Later


def annotated() -> Annotated[tuple[int, ...], "ordinals"]: ...


def test_what_is_said_beside_a_type_does_not_count():
    assert build([1, 2], returned_by(annotated)) == (1, 2)


def test_what_is_there_must_fit_the_annotation():
    with pytest.raises(UnkeepableError, match="does not fit"):
        restored(b'{"y":1}', Inner, WHERE)
