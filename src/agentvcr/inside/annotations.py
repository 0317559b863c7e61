"""Build a value from JSON, as a type annotation says.

Owns the types that it knows. Does not decide whether the outcome is right (`values` compares it).
"""

from __future__ import annotations

import collections.abc
import sys
import types
import typing
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

_UNIONS = (typing.Union, getattr(types, "UnionType", typing.Union))
_SEQUENCES = (list, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection)
_MAPPINGS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
_SETS = {
    set: set,
    collections.abc.Set: set,
    collections.abc.MutableSet: set,
    frozenset: frozenset,
}


def returned_by(function: Any) -> Any:  # noqa: ANN401  (any function, any annotation)
    """Give the return annotation of a function; None where there is none that can be read."""
    try:
        return typing.get_type_hints(function, include_extras=False).get("return")
    except Exception:  # noqa: BLE001  (names that are not there at run time, in any code)
        return None


def build(value: Any, hint: Any) -> Any:  # noqa: ANN401, C901, PLR0911  (a way for each sort)
    """Build a value.

    Raises:
        Exception: It does not fit, as the type itself says it.
    """
    origin = typing.get_origin(hint)
    if hint is None or hint is typing.Any or hint is object or isinstance(hint, typing.TypeVar):
        return value
    if isinstance(hint, str):  # a name that could not be looked up
        return value
    if origin is None:
        return _of_class(value, hint)
    arguments = typing.get_args(hint)
    if not arguments:  # List and the like, bare
        return _of_class(value, origin)
    if origin in _UNIONS:
        return _of_union(value, arguments)
    if origin is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:  # noqa: PLR2004  (tuple[T, ...])
            return tuple(build(one, arguments[0]) for one in value)
        return tuple(build(one, kind) for one, kind in zip(value, arguments))
    if origin in _SEQUENCES:
        return [build(one, arguments[0]) for one in value]
    if origin in _SETS:
        return _SETS[origin](build(one, arguments[0]) for one in value)
    if origin in _MAPPINGS:
        key, inner = arguments
        return {_key(name, key): build(one, inner) for name, one in value.items()}
    if origin is getattr(typing, "Literal", None):
        return value
    return _of_class(value, origin)


def _of_union(value: Any, choices: Any) -> Any:  # noqa: ANN401  (as above)
    """Take the first choice that gives this very JSON back."""
    from agentvcr.inside import values  # noqa: PLC0415  (each knows the other's half)

    if value is None and type(None) in choices:
        return None
    for choice in choices:
        with suppress(Exception):  # then it is another choice
            found = build(value, choice)
            if values.told(found) == values.told(value) and _fits(found, choice):
                return found
    raise TypeError("none of %s fits" % (choices,))


def _fits(value: Any, choice: Any) -> bool:  # noqa: ANN401  (as above)
    if not isinstance(choice, type) or typing.get_origin(choice) is not None:
        return True
    if _is_typed_dict(choice):
        return isinstance(value, dict)
    if choice is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, choice) and (choice is bool or not isinstance(value, bool))


def _is_typed_dict(kind: Any) -> bool:  # noqa: ANN401  (as above)
    return isinstance(kind, type) and issubclass(kind, dict) and hasattr(kind, "__total__")


def _key(name: str, hint: Any) -> Any:  # noqa: ANN401  (as above)
    if hint in (int, float):
        return hint(name)
    if hint is bool:
        return name == "true"
    return build(name, hint)


def _of_class(value: Any, kind: Any) -> Any:  # noqa: ANN401, PLR0911  (as above)
    if kind in _SETS:
        return _SETS[kind](value)
    if kind in (bool, int, float, str, type(None)) or kind in _SEQUENCES or kind in _MAPPINGS:
        return value
    if kind is tuple:
        return tuple(value)
    if not isinstance(kind, type):
        return value
    if _is_typed_dict(kind):
        hints = typing.get_type_hints(kind)
        return {name: build(one, _bare(hints.get(name))) for name, one in value.items()}
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        hints = typing.get_type_hints(kind)
        return kind(**{name: build(one, hints.get(name)) for name, one in value.items()})
    if hasattr(kind, "model_validate"):
        return kind.model_validate(value)
    if hasattr(kind, "__dataclass_fields__"):
        return _of_dataclass(value, kind)
    if hasattr(kind, "__struct_fields__"):
        return sys.modules["msgspec"].convert(value, kind)
    return _of_plain_class(value, kind)


def _bare(hint: Any) -> Any:  # noqa: ANN401  (as above)
    """Take `Required[T]` and `NotRequired[T]` for T."""
    name = getattr(typing.get_origin(hint), "_name", "")
    return typing.get_args(hint)[0] if name in ("Required", "NotRequired") else hint


def _of_dataclass(value: Any, kind: Any) -> Any:  # noqa: ANN401  (as above)
    hints = typing.get_type_hints(kind)
    built = {name: build(one, hints.get(name)) for name, one in value.items()}
    fields = kind.__dataclass_fields__
    made = kind(**{name: one for name, one in built.items() if fields[name].init})
    for name, one in built.items():
        if not fields[name].init:
            object.__setattr__(made, name, one)
    return made


def _from_seconds(value: Any, kind: Any) -> Any:  # noqa: ANN401  (as above)
    return kind(seconds=value)


def _from_iso(value: Any, kind: Any) -> Any:  # noqa: ANN401  (as above)
    return kind.fromisoformat(value)


def _from_base64(value: Any, kind: Any) -> Any:  # noqa: ANN401  (as above)
    import base64  # noqa: PLC0415  (hardly ever)

    return kind(base64.b64decode(value))


_PLAIN: dict[str, Callable[[Any, Any], Any]] = {
    "datetime.datetime": _from_iso,
    "datetime.date": _from_iso,
    "datetime.time": _from_iso,
    "datetime.timedelta": _from_seconds,
    "builtins.bytes": _from_base64,
    "builtins.bytearray": _from_base64,
}


def _of_plain_class(value: Any, kind: Any) -> Any:  # noqa: ANN401  (as above)
    name = "%s.%s" % (kind.__module__, kind.__qualname__)
    make = _PLAIN.get(name)
    if make is not None:
        return make(value, kind)
    if name in ("decimal.Decimal", "uuid.UUID") or kind.__module__.startswith("pathlib"):
        return kind(value)
    enum = sys.modules.get("enum")
    if enum is not None and issubclass(kind, enum.Enum):
        return kind(value)
    if issubclass(kind, (str, int, float)):
        return kind(value)
    raise TypeError("%s is not a type that can be made of JSON" % name)
