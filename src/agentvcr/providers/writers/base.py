"""The kind of thing on this shelf: a writer, which changes what a provider's recorded answer says.

Owns the protocol and what writers share. A writer is a module of pure functions over the JSON
objects of an answer: one of a whole body, one an event of a stream. It changes them in place; how
they are framed is `rewriting`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from agentvcr.providers.body import fields, items, json_of, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentvcr.providers.body import Json

Part = dict[str, "Json"]
CallField = Literal["name", "arguments"]


class Writer(Protocol):
    """Changes answers of one dialect. Where there is nothing to change, it says so with False."""

    def set_text(self, parts: Sequence[Part], wanted: str) -> bool:
        """Have the answer say `wanted` and nothing else."""
        ...

    def set_call(self, parts: Sequence[Part], index: int, what: CallField, wanted: str) -> bool:
        """Have the answer's tool call number `index`, from 0 on, be another."""
        ...


def put(places: Sequence[Part], name: str, wanted: str) -> bool:
    """Put a text where it stood in pieces, in as many pieces; False where it stood nowhere."""
    return put_pieces([(one, name) for one in places], wanted)


def put_pieces(places: Sequence[tuple[Part, str]], wanted: str) -> bool:
    """The same for pieces that stand in fields of different names."""
    said = [one for one in places if text(one[0].get(one[1]))] or list(places[:1])
    for number, (place, name) in enumerate(said):
        start, end = (len(wanted) * at // len(said) for at in (number, number + 1))
        place[name] = wanted[start:end]
    return bool(said)


def put_first(blocks: list[Json], name: str, wanted: str) -> bool:
    """Put a text into the first of the blocks that hold one, and take the others out."""
    holding = [block for block in map(fields, blocks) if name in block]
    if not holding:
        return False
    holding[0][name] = wanted
    blocks[:] = [one for one in blocks if not any(one is other for other in holding[1:])]
    return True


def put_call(
    call: Part, what: CallField, wanted: str, *, arguments: str, as_text: bool = False
) -> bool:
    """Change a whole call, whose arguments are in the field of that name, as JSON or as text.

    Raises:
        ValueError: They are to be an object, and are none.
    """
    if what == "name":
        call["name"] = wanted
    else:
        call[arguments] = wanted if as_text else object_of(wanted)
    return True


def object_of(wanted: str) -> Json:
    """Read the arguments of a call.

    Raises:
        ValueError: They are no JSON object.
    """
    found = json_of(wanted.encode())
    if not isinstance(found, dict):
        raise ValueError("the arguments of a call are a JSON object here")  # noqa: TRY004
    return found


def at(values: Json, index: int) -> Part:
    """Give an object of an array; an empty one, in nothing, where there is none."""
    found = items(values)
    return fields(found[index]) if 0 <= index < len(found) else {}
