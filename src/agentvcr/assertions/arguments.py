"""What a test says of a call's arguments: some of them, a model of pydantic's, a JSON Schema.

Owns the comparison and the words for what does not fit. The home of jsonschema, and of pydantic as
far as a user brings a model; both are loaded when they are needed. No schema is fetched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import msgspec

from agentvcr.assertions.failing import one_line
from agentvcr.errors import BadOptionError
from agentvcr.providers.body import Json

_DIALECT = "$schema"


class Check(Protocol):
    """Says what is wrong with a call's arguments; nothing where they fit."""

    def __call__(self, arguments: Json) -> Iterator[str]:
        """Give what is wrong, each in a line."""
        ...


def holds(arguments: object, wanted: object) -> bool:
    """Whether a value holds what is wanted of it: of an object the named fields, all else whole."""
    if isinstance(wanted, Mapping):
        return isinstance(arguments, Mapping) and all(
            name in arguments and holds(arguments[name], one) for name, one in wanted.items()
        )
    if isinstance(wanted, list | tuple):
        return (
            isinstance(arguments, list)
            and len(arguments) == len(wanted)
            and all(map(holds, arguments, wanted))
        )
    if isinstance(wanted, bool) != isinstance(arguments, bool) and type(wanted) in {bool, int}:
        return False  # JSON tells true from 1
    return bool(arguments == wanted)


def is_subset(arguments: object) -> bool:
    """Whether what a test names is some of the arguments, and no model or schema."""
    return isinstance(arguments, Mapping) and _DIALECT not in arguments


def check_of(arguments: object) -> Check:
    """Make the check that a model or a schema stands for.

    Args:
        arguments: A model of pydantic's or any other type that it validates, or a JSON Schema.

    Raises:
        BadOptionError: It is none of these.
    """
    return _by_schema(arguments) if isinstance(arguments, Mapping) else _by_model(arguments)


def _by_model(model: Any) -> Check:  # noqa: ANN401  (a user's type)
    import pydantic  # noqa: PLC0415  (only who brings a model)

    try:
        adapter = pydantic.TypeAdapter(model)
    except pydantic.errors.PydanticUserError as error:
        raise BadOptionError(
            f"arguments is a dict, a model of pydantic's or a JSON Schema, and not {model!r}",
            where="calls(arguments=…)",
            cure="name some arguments in a dict, or give a model",
        ) from error

    def check(arguments: Json) -> Iterator[str]:
        try:
            adapter.validate_json(msgspec.json.encode(arguments))
        except pydantic.ValidationError as error:
            for one in error.errors(include_url=False, include_context=False):
                where = ".".join(map(str, one["loc"])) or "arguments"
                yield one_line(f"{where}: {one['msg']}")

    return check


def _by_schema(schema: Mapping[str, object]) -> Check:
    import jsonschema  # noqa: PLC0415  (only who brings a schema)
    import referencing  # noqa: PLC0415  (as above)

    kind = jsonschema.validators.validator_for(
        dict(schema), default=jsonschema.Draft202012Validator
    )
    try:
        kind.check_schema(dict(schema))
    except jsonschema.SchemaError as error:
        raise _bad_schema(error.message) from error
    # Without a registry of its own it would fetch what a schema refers to.
    validator = kind(dict(schema), registry=referencing.Registry())

    def check(arguments: Json) -> Iterator[str]:
        try:
            for one in validator.iter_errors(arguments):
                yield one_line(f"{one.json_path.replace('$', 'arguments', 1)}: {one.message}")
        except referencing.exceptions.Unresolvable as error:
            raise _bad_schema(f"nothing is there under {error.ref}") from error

    return check


def _bad_schema(reason: str) -> BadOptionError:
    return BadOptionError(
        f"the JSON Schema makes no sense: {one_line(reason)}",
        where="calls(schema=…)",
        cure="a schema stands by itself: nothing is fetched",
    )
