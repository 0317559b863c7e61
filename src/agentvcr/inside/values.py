"""Python values as JSON, and back by their annotation.

Owns what can be kept of a value. For a step's inputs and outputs anything will do (`told`): they
are only looked at. A recorded function's result must come back as it was (`kept`, `restored`), or
it is refused when it is recorded. Nothing here unpickles, and no class is found but through an
annotation of the program's own.
"""

from __future__ import annotations

import json
import sys

TYPE_CHECKING = False  # `typing` is only loaded where there is an annotation
if TYPE_CHECKING:
    from typing import Any, Callable, Iterator

MOST_TOLD = 256 * 1024
"""Characters of JSON that are kept of a step's input or output."""
_DEEPEST = 50
_MOST_PARTS = 200_000
"""Parts of a value that are told: what is shared many times over has them without end."""
_MOST_KEPT = 5_000_000
"""The same, where each of them counts."""
_LONGEST_INT = 14_000
"""Bits; Python writes no longer ones in digits."""
_TEXTS = {
    ("datetime", "datetime"): "isoformat",
    ("datetime", "date"): "isoformat",
    ("datetime", "time"): "isoformat",
    ("datetime", "timedelta"): "total_seconds",
}
_AS_TEXT = (("decimal", "Decimal"), ("uuid", "UUID"))


class UnkeepableError(TypeError):
    """A recorded function's result cannot be kept, or does not come back as it was."""

    slug = "unkeepable-result"
    exit_status = 1
    """Of a program that does not catch it."""

    def __init__(self, what: str, *, where: str, cure: str) -> None:
        """Say what, where, and what to do."""
        super().__init__("%s\n  where: %s\n  what to do: %s" % (what, where, cure))


class _Refused(Exception):  # noqa: N818  (a signal between the functions of this module)
    """This value has no JSON of its own."""


def told(value: Any, *, whole: bool = False) -> bytes:  # noqa: ANN401  (any value)
    """Give a value as JSON for looking at: what has none is told by its type. Never raises.

    Much is cut, unless it is wanted `whole`, as what tells one call from another.
    """
    try:
        plain = _plain(value, 0, _Walk(_by_type, _MOST_KEPT if whole else _MOST_PARTS))
        text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
    except Exception:  # noqa: BLE001  (code of the program's own; a number of too many digits)
        text = json.dumps({"$type": _type_name(value)})
    if len(text) > MOST_TOLD and not whole:
        cut = {"$cut": "the first %d of %d characters" % (MOST_TOLD // 4, len(text))}
        text = json.dumps({**cut, "text": text[: MOST_TOLD // 4]}, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace")


def kept(value: Any, hint: Any, where: str) -> bytes:  # noqa: ANN401  (any value, any annotation)
    """Give a value as JSON from which `restored` makes an equal one.

    Raises:
        UnkeepableError: There is none.
    """
    try:
        text = json.dumps(_plain(value, 0, _Walk(_refuse, _MOST_KEPT)), separators=(",", ":"))
        back = restored(text.encode(), hint, where)
    except (_Refused, UnkeepableError, ValueError, RecursionError) as error:
        raise _unkeepable(value, where, str(error)) from None
    if not _is_same(value, back):
        why = "it would come back as a %s" % _type_name(back)
        if type(value) is type(back):
            why = "something inside it would come back as something else, such as %.60r" % (back,)
        raise _unkeepable(value, where, why)
    return text.encode()


def restored(data: bytes, hint: Any, where: str) -> Any:  # noqa: ANN401  (as above)
    """Make the value of which `data` is the JSON, by its annotation; plain JSON without one.

    Raises:
        UnkeepableError: The annotation does not fit what is there.
    """
    from agentvcr.inside import annotations  # noqa: PLC0415  (loads `typing`)

    try:
        return annotations.build(json.loads(data), hint)
    except Exception as error:
        raise UnkeepableError(
            "a recorded result does not fit its annotation: %s: %s" % (type(error).__name__, error),
            where=where,
            cure="record again, since the function's return annotation has changed",
        ) from error


def _unkeepable(value: Any, where: str, why: str) -> UnkeepableError:  # noqa: ANN401  (as above)
    return UnkeepableError(
        "a result of type %s cannot be kept: %s" % (_type_name(value), why),
        where=where,
        cure="return JSON, or annotate the return type: a dataclass, TypedDict, NamedTuple, "
        "pydantic model, tuple, set, datetime …",
    )


def _is_same(one: Any, other: Any) -> bool:  # noqa: ANN401, PLR0911  (as above)
    """Whether two values are equal, and of the same types all the way down."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        pairs = zip(one.items(), other.items())
        return len(one) == len(other) and all(
            _is_same(*names) and _is_same(*values) for names, values in (zip(*two) for two in pairs)
        )
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(_is_same, one, other))
    if isinstance(one, (set, frozenset)):
        there = {each: each for each in other}
        return one == other and all(_is_same(each, there[each]) for each in one)
    if isinstance(one, float):
        return repr(one) == repr(other)  # NaN equals nothing, and 0.0 equals -0.0
    state = _state(one)
    if state is not None:
        return _is_same(state, _state(other))
    try:
        return bool(one == other) and _zone(one) == _zone(other)
    except Exception:  # noqa: BLE001  (a comparison of the program's own)
        return False


def _state(value: Any) -> Any:  # noqa: ANN401  (as above)
    """Give all that an object of fields holds, compared or not; None of any other."""
    kind = type(value)
    enum = sys.modules.get("enum")
    if enum is not None and isinstance(value, enum.Enum):
        return None
    names = [*getattr(kind, "__dataclass_fields__", ()), *getattr(kind, "__struct_fields__", ())]
    if not names and not hasattr(kind, "model_validate"):
        return None
    state = {name: getattr(value, name, None) for name in sorted(names)}
    state |= {
        name: one
        for name, one in sorted(getattr(value, "__dict__", {}).items())
        if type(getattr(kind, name, None)).__name__ != "cached_property"
    }
    for name in ("__pydantic_private__", "__pydantic_extra__"):
        state[name] = getattr(value, name, None)
    return state


def _zone(value: Any) -> Any:  # noqa: ANN401  (as above)
    """Say what the comparison of two moments leaves out."""
    if type(value).__module__ != "datetime" or not hasattr(value, "fold"):
        return None
    return value.isoformat(), value.fold, value.tzname()


def _type_name(value: Any) -> str:  # noqa: ANN401  (as above)
    kind = type(value)
    return "%s.%s" % (kind.__module__, kind.__qualname__)


def _refuse(value: Any) -> Any:  # noqa: ANN401  (as above)
    if isinstance(value, (dict, list, tuple, set, frozenset)):
        raise _Refused("it is nested deeper than %d, holds itself, or is too large" % _DEEPEST)
    raise _Refused("there is no JSON for %s" % _type_name(value))


def _by_type(value: Any) -> Any:  # noqa: ANN401  (as above)
    told = {"$type": _type_name(value)}
    try:
        if isinstance(value, BaseException):
            return {**told, "message": str(value)}
        named = getattr(value, "__qualname__", None)  # a function or a class
        if isinstance(named, str):
            return {**told, "name": named}
    except Exception:  # noqa: BLE001  (code of the program's own)
        return told
    return told


class _Walk:
    """One walk through a value: what becomes of the odd parts, and how many more are looked at."""

    __slots__ = ("around", "left", "other")

    def __init__(self, other: Callable[[Any], Any], left: int) -> None:
        self.other = other
        self.left = left
        self.around: set[int] = set()

    def into(self, value: Any, depth: int) -> Iterator[Any]:  # noqa: ANN401  (a container's items)
        """Give the plain form of each item."""
        return (_plain(one, depth + 1, self) for one in value)


def _plain(value: Any, depth: int, walk: _Walk) -> Any:  # noqa: ANN401  (any value)
    """Take a value apart into what JSON has; a part that holds itself has no JSON."""
    walk.left -= 1
    if value is None or value is True or value is False or type(value) in (str, float):
        return value
    if type(value) is int and value.bit_length() < _LONGEST_INT:
        return value
    if depth > _DEEPEST or walk.left < 0 or id(value) in walk.around:
        return walk.other(value)
    walk.around.add(id(value))
    try:
        return _apart(value, depth, walk)
    except _Refused:
        raise
    except Exception:  # noqa: BLE001  (code of the program's own)
        return walk.other(value)
    finally:
        walk.around.discard(id(value))


def _apart(value: Any, depth: int, walk: _Walk) -> Any:  # noqa: ANN401  (as above)
    if isinstance(value, dict):
        pairs = list(value.items())
        plain = walk.into([one for _, one in pairs], depth)
        return {_key(key): one for (key, _), one in zip(pairs, plain)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        fields = value._asdict()
        return dict(zip(fields, walk.into(fields.values(), depth)))
    if isinstance(value, (list, tuple)):
        return list(walk.into(value, depth))
    if isinstance(value, (set, frozenset)):
        # The order of a set is another one in each process.
        return sorted(walk.into(value, depth), key=json.dumps)
    found = _fields(value)
    return walk.other(value) if found is value else _plain(found, depth + 1, walk)


def _key(key: Any) -> str:  # noqa: ANN401  (as above)
    if isinstance(key, str):
        return str.__str__(key)
    if isinstance(key, int) and key.bit_length() >= _LONGEST_INT:
        return _type_name(key)
    if key is None or isinstance(key, (bool, int, float)):
        return json.dumps(key)
    try:
        found = _fields(key)
    except Exception:  # noqa: BLE001  (code of the program's own)
        found = None
    return found if isinstance(found, str) else _type_name(key)


def _fields(value: Any) -> Any:  # noqa: ANN401, PLR0911  (a way for each sort of class)
    """Give what a value consists of; itself where nobody knows."""
    kind = type(value)
    name = (kind.__module__, kind.__qualname__)
    if name in _TEXTS:
        return getattr(value, _TEXTS[name])()
    if name in _AS_TEXT or name[0] == "pathlib" or name[0].startswith("pathlib."):
        return str(value)
    if isinstance(value, (bytes, bytearray)):
        import base64  # noqa: PLC0415  (hardly ever)

        return base64.b64encode(value).decode()
    enum = sys.modules.get("enum")
    if enum is not None and isinstance(value, enum.Enum):
        return value.value
    if hasattr(kind, "model_dump") and hasattr(kind, "model_validate"):  # pydantic
        return value.model_dump(mode="json", by_alias=True, round_trip=True)
    if hasattr(kind, "__dataclass_fields__"):
        fields = sys.modules["dataclasses"].fields(kind)  # without those that are the class's
        return {one.name: getattr(value, one.name) for one in fields}
    if hasattr(kind, "__struct_fields__"):  # msgspec
        return {one: getattr(value, one) for one in kind.__struct_fields__}
    for plain in (str, int, float):  # a subclass
        if isinstance(value, plain):
            return plain(value)
    return value
