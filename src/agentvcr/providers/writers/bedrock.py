"""Change an answer of the Converse API of AWS Bedrock; its streams are binary, and no writer's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentvcr.providers.body import fields, items
from agentvcr.providers.writers.base import put_call, put_first

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentvcr.providers.body import Json
    from agentvcr.providers.writers.base import CallField, Part


def set_text(parts: Sequence[Part], wanted: str) -> bool:
    """Change the text; of several blocks the first holds all of it."""
    return put_first(_blocks(parts), "text", wanted)


def set_call(parts: Sequence[Part], index: int, what: CallField, wanted: str) -> bool:
    """Change one of the calls, whose arguments are an object."""
    calls = [fields(one["toolUse"]) for one in map(fields, _blocks(parts)) if "toolUse" in one]
    return index < len(calls) and put_call(calls[index], what, wanted, arguments="input")


def _blocks(parts: Sequence[Part]) -> list[Json]:
    message = fields(fields(parts[0].get("output")).get("message")) if parts else {}
    return items(message.get("content"))
