"""Change an answer of Ollama's chat API, whole or streamed: each line is like a whole answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentvcr.providers.body import fields, items
from agentvcr.providers.writers.base import put, put_call

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentvcr.providers.writers.base import CallField, Part


def set_text(parts: Sequence[Part], wanted: str) -> bool:
    """Change the message's text."""
    return put(_messages(parts), "content", wanted)


def set_call(parts: Sequence[Part], index: int, what: CallField, wanted: str) -> bool:
    """Change one of the calls, whose arguments are an object."""
    calls = [
        fields(call.get("function"))
        for message in _messages(parts)
        for call in map(fields, items(message.get("tool_calls")))
    ]
    return index < len(calls) and put_call(calls[index], what, wanted, arguments="arguments")


def _messages(parts: Sequence[Part]) -> list[Part]:
    return [fields(part["message"]) for part in parts if isinstance(part.get("message"), dict)]
