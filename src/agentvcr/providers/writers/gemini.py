"""Change an answer of the Gemini API, whole or streamed: each event is like a whole answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentvcr.providers.body import fields, items
from agentvcr.providers.writers.base import at, put, put_call

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentvcr.providers.writers.base import CallField, Part


def set_text(parts: Sequence[Part], wanted: str) -> bool:
    """Change the first candidate's text, which may stand in many parts."""
    said = [one for one in _parts(parts) if "text" in one and one.get("thought") is not True]
    for one in said:
        one["text"] = one["text"] or ""
    return put(said, "text", wanted)


def set_call(parts: Sequence[Part], index: int, what: CallField, wanted: str) -> bool:
    """Change one of the first candidate's calls, whose arguments are an object."""
    calls = [fields(one["functionCall"]) for one in _parts(parts) if "functionCall" in one]
    return index < len(calls) and put_call(calls[index], what, wanted, arguments="args")


def _parts(parts: Sequence[Part]) -> list[Part]:
    contents = (fields(at(part.get("candidates"), 0).get("content")) for part in parts)
    return [fields(one) for content in contents for one in items(content.get("parts"))]
