"""Change an answer of the OpenAI Chat Completions API, whole or streamed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentvcr.providers.body import fields, items, text
from agentvcr.providers.writers.base import put, put_first, put_pieces

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentvcr.providers.writers.base import CallField, Part


def set_text(parts: Sequence[Part], wanted: str) -> bool:
    """Change the first choice's text."""
    whole = _messages(parts, "message")
    if whole and isinstance(whole[0].get("content"), list):
        return put_first(items(whole[0]["content"]), "text", wanted)
    if whole:
        whole[0]["content"] = wanted
        return True
    pieces: list[tuple[Part, str]] = []
    for delta in _messages(parts, "delta"):
        if isinstance(delta.get("content"), list):  # of a model that thinks, in the same stream
            pieces += [
                (one, "text") for one in map(fields, items(delta["content"])) if "text" in one
            ]
        else:
            pieces.append((delta, "content"))
    return put_pieces(pieces, wanted)


def set_call(parts: Sequence[Part], index: int, what: CallField, wanted: str) -> bool:
    """Change one of the first choice's calls; its arguments are text."""
    whole = _messages(parts, "message")
    if whole:
        calls = items(whole[0].get("tool_calls")) or [{"function": whole[0].get("function_call")}]
        return index < len(calls) and _put([fields(calls[index])], what, wanted)
    deltas = _messages(parts, "delta")
    pieces = [
        call
        for delta in deltas
        for call in map(fields, items(delta.get("tool_calls")))
        if call.get("index", 0) == index
    ]
    older = [{"function": one["function_call"]} for one in deltas if one.get("function_call")]
    return _put(pieces or older[: None if index == 0 else 0], what, wanted)


def _put(calls: Sequence[Part], what: CallField, wanted: str) -> bool:
    """Put a name or arguments into a call, or into its pieces: of a custom tool it is the input."""
    for kind, arguments in (("function", "arguments"), ("custom", "input")):
        described = [fields(one[kind]) for one in calls if isinstance(one.get(kind), dict)]
        if what == "name":
            named = [one for one in described if text(one.get("name"))]
            if put(named, "name", wanted):
                return True
        elif put(described, arguments, wanted):
            return True
    return False


def _messages(parts: Sequence[Part], name: str) -> list[Part]:
    choices = (choice for part in parts for choice in map(fields, items(part.get("choices"))))
    first = (choice for choice in choices if not choice.get("index"))
    return [found for choice in first if isinstance(found := choice.get(name), dict)]
