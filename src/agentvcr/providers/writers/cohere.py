"""Change an answer of Cohere's chat API, whole or streamed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentvcr.providers.body import fields, items, text
from agentvcr.providers.writers.base import at, put, put_call, put_first

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentvcr.providers.writers.base import CallField, Part


def set_text(parts: Sequence[Part], wanted: str) -> bool:
    """Change the text; of several blocks the first holds all of it."""
    message = _whole(parts)
    if message:
        return put_first(items(message.get("content")), "text", wanted)
    said = [fields(one.get("content")) for one in _deltas(parts, "content-delta")]
    return put([one for one in said if "text" in one], "text", wanted)


def set_call(parts: Sequence[Part], index: int, what: CallField, wanted: str) -> bool:
    """Change one of the calls; its arguments are text."""
    message = _whole(parts)
    if message:
        call = fields(at(message.get("tool_calls"), index).get("function"))
        return bool(call) and put_call(call, what, wanted, arguments="arguments", as_text=True)
    of_call = [part for part in parts if part.get("index") == index]
    pieces = [fields(one.get("tool_calls")) for one in _deltas(of_call, "tool-call-")]
    functions = [fields(one.get("function")) for one in pieces]
    return put([one for one in functions if what in one], what, wanted)


def _whole(parts: Sequence[Part]) -> Part:
    return fields(parts[0].get("message")) if len(parts) == 1 else {}


def _deltas(parts: Sequence[Part], kind: str) -> list[Part]:
    of_kind = [part for part in parts if text(part.get("type")).startswith(kind)]
    return [fields(fields(part.get("delta")).get("message")) for part in of_kind]
