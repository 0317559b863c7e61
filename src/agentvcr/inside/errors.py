"""Exceptions as JSON, and back as their class where the program has that.

Owns what is kept of an exception. No module is imported for one, and no constructor of the
program's is called: many want other arguments than those that they keep.
"""

from __future__ import annotations

import base64
import sys
import types
from contextlib import suppress

from agentvcr.inside.exchange import failure_of

TYPE_CHECKING = False  # `typing` would cost each program that has tools 10 ms
if TYPE_CHECKING:
    from typing import Any

_DEEPEST = 8
_CLIENTS = ("httpx", "httpx2")
_LINES = "from_exception_data"  # how pydantic makes its errors


class _Unkeepable(Exception):  # noqa: N818  (a signal between the functions of this module)
    """Nothing of this value can be kept."""


def taken_apart(error: BaseException, depth: int = 0) -> dict[str, Any]:
    """Give an exception as JSON: class, words, arguments, attributes, causes."""
    try:
        name, message = failure_of(error)
    except Exception:  # noqa: BLE001  (a class of the program's own)
        name, message = "%s.%s" % (type(error).__module__, type(error).__qualname__), ""
    members = {}
    for kind in type(error).__mro__:
        if kind.__module__ == "builtins":
            members.update(_members(error, kind))
    told: dict[str, Any] = {
        "type": name,
        "message": message,
        "base": next(one.__name__ for one in type(error).__mro__ if one.__module__ == "builtins"),
        "args": [_kept_or_words(one, depth) for one in error.args],
        "members": _kept_of(members, depth),
        "attributes": _kept_of(vars(error), depth),
    }
    if hasattr(type(error), _LINES):
        lines = error.errors(include_url=False)  # type: ignore[attr-defined]  # pydantic's
        told["lines"] = [error.title, _kept_or_words(lines, depth)]  # type: ignore[attr-defined]
    for name in ("__cause__", "__context__"):
        other = getattr(error, name)
        if name == "__context__" and other is error.__cause__:
            continue  # the same again, twice at each level
        if other is not None and depth < _DEEPEST:
            told[name] = taken_apart(other, depth + 1)
    told["__suppress_context__"] = error.__suppress_context__
    return told


def _members(error: BaseException, kind: type) -> dict[str, Any]:
    """Give what a built-in class keeps outside of an exception's dictionary."""
    return {
        name: getattr(error, name, None)
        for name, slot in vars(kind).items()
        if isinstance(slot, types.MemberDescriptorType)
        and not name.startswith("_")
        and getattr(error, name, None) is not None
    }


def _kept_of(own: dict[str, Any], depth: int) -> dict[str, Any]:
    kept = {}
    for name, value in own.items():
        if name == "__notes__" or not name.startswith("__"):
            try:
                kept[name] = _kept(value, depth)
            except _Unkeepable:
                continue
    return kept


def _kept_or_words(value: Any, depth: int) -> Any:  # noqa: ANN401  (JSON)
    try:
        return _kept(value, depth)
    except _Unkeepable:
        try:
            return str(value)
        except Exception:  # noqa: BLE001  (code of the program's own)
            return ""


def _kept(value: Any, depth: int) -> Any:  # noqa: ANN401, PLR0911  (a way for each sort)
    """Give a value as JSON, with a mark where JSON has not the type."""
    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return value
    if depth > _DEEPEST:
        raise _Unkeepable
    if kind is list:
        return [_kept(one, depth + 1) for one in value]
    if kind is tuple:
        return {"$tuple": [_kept(one, depth + 1) for one in value]}
    if kind is dict and all(type(name) is str and name[:1] != "$" for name in value):
        return {name: _kept(one, depth + 1) for name, one in value.items()}
    if kind is bytes:
        return {"$bytes": base64.b64encode(value).decode()}
    if kind.__module__ in _CLIENTS and kind.__name__ in ("Request", "Response"):
        return _http(value, depth)
    if isinstance(value, BaseException):
        return {"$error": taken_apart(value, depth + 1)}
    raise _Unkeepable


def _http(value: Any, depth: int) -> dict[str, Any]:  # noqa: ANN401  (a client's)
    """Keep the request or the answer that an error of a client carries."""
    try:
        body = value.content
    except Exception:  # noqa: BLE001  (a stream that was not read)
        body = b""
    # In this shape the engine knows them, and takes credentials out as of any exchange.
    told = [type(value).__module__, list(map(list, value.headers.multi_items()))]
    told.append(_text_or_bytes(body))
    if type(value).__name__ == "Request":
        return {"$request": [*told, value.method, str(value.url)]}
    asked = value._request
    return {"$response": [*told, value.status_code, asked and _kept(asked, depth + 1)]}


def _text_or_bytes(body: bytes) -> Any:  # noqa: ANN401  (JSON)
    """Keep text as text: the engine takes credentials out of what it can read."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return {"$bytes": base64.b64encode(body).decode()}


_CODED = ("content-encoding", "transfer-encoding")


def _http_back(told: dict[str, Any]) -> Any:  # noqa: ANN401  (a client's)
    name, headers, body, first, second = told.get("$request") or told["$response"]
    client, content = sys.modules[name], _back(body)
    content = content.encode() if isinstance(content, str) else content
    if "$request" in told:
        return client.Request(first, second, headers=headers, content=content)
    plain = [pair for pair in headers if pair[0].lower() not in _CODED]  # it is decoded
    asked = _back(second)
    return client.Response(first, headers=plain, content=content, request=asked)


def _back(told: Any) -> Any:  # noqa: ANN401, PLR0911  (a way for each mark)
    if isinstance(told, list):
        return [_back(one) for one in told]
    if not isinstance(told, dict):
        return told
    if "$tuple" in told:
        return tuple(_back(told["$tuple"]))
    if "$bytes" in told:
        return base64.b64decode(told["$bytes"])
    if "$request" in told or "$response" in told:
        return _http_back(told)
    if "$error" in told:
        return put_together(told["$error"]) or Exception(told["$error"]["message"])
    return {name: _back(one) for name, one in told.items()}


def put_together(told: dict[str, Any]) -> BaseException | None:
    """Make the exception again; None where its class is not here or does not take that."""
    module, names = _split(str(told["type"]))
    found: Any = sys.modules.get(module)
    for name in names:
        found = getattr(found, name, None)
    if not isinstance(found, type) or not issubclass(found, BaseException):
        return None
    try:
        error = _made(found, told)
    except Exception:  # noqa: BLE001  (a class of the program's own)
        return None
    for name in ("__cause__", "__context__"):
        if name in told:
            setattr(error, name, put_together(told[name]) or Exception(told[name]["message"]))
    if "__cause__" in told and "__context__" not in told:
        error.__context__ = error.__cause__
    error.__suppress_context__ = bool(told.get("__suppress_context__"))
    return error


def nearest_builtin(told: dict[str, Any]) -> type[Exception] | None:
    """Give the built-in class that a recorded exception's class is derived from."""
    import builtins  # noqa: PLC0415  (hardly ever)

    base = getattr(builtins, str(told.get("base")), None)
    return base if isinstance(base, type) and issubclass(base, Exception) else None


def _made(found: Any, told: dict[str, Any]) -> BaseException:  # noqa: ANN401  (a class)
    if "lines" in told:
        title, lines = told["lines"]
        error: BaseException = found.from_exception_data(title, _back(lines))
        error.args = tuple(_back(told["args"]))
        return error
    args = _back(told["args"])
    error = found.__new__(found, *args)
    error.args = tuple(args)
    for name, value in told["members"].items():
        with suppress(AttributeError, TypeError):  # those of a group are made of its arguments
            setattr(error, name, _back(value))
    for name, value in told["attributes"].items():
        setattr(error, name, _back(value))
    return error


def _split(name: str) -> tuple[str, list[str]]:
    """Part a full name into the longest module that is there, and the rest."""
    parts = name.split(".")
    for size in range(len(parts) - 1, 0, -1):
        module = ".".join(parts[:size])
        if module in sys.modules:
            return module, parts[size:]
    return "", parts
