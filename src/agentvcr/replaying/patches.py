"""What a fork changes in an exchange: `response.text=…`, `request.model=…` and the like.

Owns the grammar of these patches, and each one's effect on an exchange. Does not say which
exchange (`fork`), nor how an API frames its answers (`providers`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from agentvcr.errors import BadOptionError
from agentvcr.model.exchange import Ending, Exchange, Response, is_call
from agentvcr.providers import dialect_of
from agentvcr.providers.body import Json, json_of, request_content, response_content, value_of
from agentvcr.providers.mcp import read_said
from agentvcr.providers.rewriting import rewritten, with_body
from agentvcr.providers.writers import writer_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentvcr.providers.writers.base import CallField

_CALL = re.compile(r"response\.tool_calls\[(\d+)\]\.(name|arguments)")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_PATH = re.compile(r"(?:[^.\[\]]+|\[\d+\])(?:\.[^.\[\]]+|\[\d+\])*")
STARTED = "MCP"
"""The method of what is said to a server on standard streams. No replay starts one."""
_STATUSES = range(200, 600)
_GRAMMAR = (
    "response.text, response.status, response.body, response.json.PATH, "
    "response.tool_calls[N].arguments or .name, request.model, request.json.PATH"
)


class Patch(msgspec.Struct, frozen=True):
    """One thing to be changed, and to what."""

    field: str
    """As in the grammar, `response.text`."""
    value: str

    @property
    def is_of_request(self) -> bool:
        """Whether it changes what is asked, and not what is answered."""
        return self.field.startswith("request.")


def parse(told: str) -> Patch:
    """Read `FIELD=VALUE`.

    Raises:
        BadOptionError: There is no such field, or its value is none that it takes.
    """
    field, equals, value = told.partition("=")
    known = field in ("response.text", "response.status", "response.body", "request.model")
    part, _, path = field.partition(".json")
    is_path = part in ("request", "response") and bool(
        path[:1] in (".", "[") and _PATH.fullmatch(path.removeprefix("."))
    )
    if not equals or not (known or is_path or _CALL.fullmatch(field)):
        raise BadOptionError(
            f"{field!r} is nothing that can be changed"
            if equals  # its value may be a secret
            else "what to change, and to what, is parted by =",
            where="--set",
            cure=f"FIELD=VALUE, where FIELD is one of {_GRAMMAR}",
        )
    if field == "response.status" and not (_is_status(value)):
        raise BadOptionError(
            f"{value!r} is no status of an answer", where="--set", cure="a number from 200 to 599"
        )
    return Patch(field, value)


def _is_status(value: str) -> bool:
    return value.isascii() and value.isdecimal() and int(value) in _STATUSES


def answered(exchange: Exchange, patches: Sequence[Patch]) -> Exchange:
    """Give an exchange with another answer.

    Raises:
        BadOptionError: Its answer has not what is to be changed.
    """
    for patch in patches:
        if not patch.is_of_request:
            exchange = _with_answer(exchange, patch)
    return exchange


def asked(exchange: Exchange, patches: Sequence[Patch]) -> Callable[[bytes], bytes] | None:
    """Give what changes the body of an exchange's request; None where nothing does.

    Raises:
        BadOptionError: The recorded request has not what is to be changed.
    """
    own = [patch for patch in patches if patch.is_of_request]
    if not own:
        return None
    if request_content(exchange.request) != exchange.request.body:
        raise _impossible(exchange, own[0], "its body is encoded")
    change = partial(_with_fields, exchange=exchange, patches=own)
    change(request_content(exchange.request))  # known before anything runs
    return change


def _with_answer(exchange: Exchange, patch: Patch) -> Exchange:
    response = exchange.response
    if response is None:
        raise _impossible(exchange, patch, "it has no answer to change")
    try:
        changed = _changed(exchange, response, patch)
        if exchange.request.method == STARTED:  # its messages are lines
            changed = with_body(changed, [changed.body.rstrip(b"\n") + b"\n"])
    except ValueError as error:
        raise _impossible(exchange, patch, str(error)) from None
    ending = exchange.ending
    if ending is not None and ending.kind in ("failed", "cut") and not is_call(exchange):
        ending = Ending(at_ns=ending.at_ns, kind="eof")  # another answer, and all of it
    return msgspec.structs.replace(exchange, response=changed, ending=ending)


def _changed(exchange: Exchange, response: Response, patch: Patch) -> Response:
    field, value = patch.field, patch.value
    if field == "response.status":
        return msgspec.structs.replace(response, status=int(value), reason=b"")
    if field == "response.body":
        return with_body(response, [value.encode()])
    writer = writer_of(exchange.request)
    found = _CALL.fullmatch(field)
    if field == "response.text" and read_said(exchange.request) is not None:
        raise ValueError("it is a message of MCP; response.json.result… changes what it says")
    if field == "response.text" and writer is None:
        data = msgspec.json.encode(value) if is_call(exchange) else value.encode()
        return with_body(response, [data])
    if field == "response.text" and writer is not None:
        return rewritten(response, partial(writer.set_text, wanted=value))
    if found is not None and writer is None:
        raise ValueError("it is no answer of a model that is known")
    if found is not None and writer is not None:
        what: CallField = "name" if found[2] == "name" else "arguments"
        index = int(found[1])
        return rewritten(response, lambda parts: writer.set_call(parts, index, what, value))
    root = json_of(response_content(response))
    if root is None:
        raise ValueError("its body is no JSON object; response.text or .body changes what it says")
    put_at(root, field.removeprefix("response.json").removeprefix("."), value)
    return with_body(response, [msgspec.json.encode(root)])


def _with_fields(body: bytes, *, exchange: Exchange, patches: Sequence[Patch]) -> bytes:
    value = json_of(body)
    for patch in patches:
        if not isinstance(value, dict):
            raise _impossible(exchange, patch, "its request holds no JSON object")
        path = patch.field.removeprefix("request.json").removeprefix(".")
        if patch.field == "request.model":
            path = "model"
            if dialect_of(exchange.request) is None or "model" not in value:
                raise _impossible(exchange, patch, "its request names no model in its body")
        try:
            put_at(value, path, patch.value)
        except ValueError as error:
            raise _impossible(exchange, patch, str(error)) from None
    return msgspec.json.encode(value)


def put_at(root: Json, path: str, told: str) -> None:
    """Put a value into JSON: `told` as JSON, or as the text that it is; a new field is added.

    Raises:
        ValueError: There is no such place.
    """
    steps = [int(index) if index else name for name, index in _STEP.findall(path)]
    place: Json = root
    for step in steps[:-1]:
        place = _inner(place, step, path)
    last = steps[-1]
    value = value_of(told.encode())
    new: Json = told if value is None and told != "null" else value
    if isinstance(place, dict) and isinstance(last, str):
        place[last] = new
        return
    _inner(place, last, path)
    if isinstance(place, list) and isinstance(last, int):
        place[last] = new


def _inner(place: Json, step: str | int, path: str) -> Json:
    if isinstance(place, dict) and isinstance(step, str) and step in place:
        return place[step]
    if isinstance(place, list) and isinstance(step, int) and step < len(place):
        return place[step]
    raise ValueError(f"there is no {path} in it")


def _impossible(exchange: Exchange, patch: Patch, why: str) -> BadOptionError:
    return BadOptionError(
        f"{patch.field} of exchange {exchange.number} cannot be changed: {why}",
        where=f"--set {patch.field}",
        cure="agentvcr show FILE STEP shows what it has; response.body replaces all of an answer",
    )
