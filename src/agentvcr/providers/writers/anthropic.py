"""Change an answer of the Anthropic Messages API, whole or streamed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentvcr.providers.body import fields, items, text
from agentvcr.providers.writers.base import object_of, put, put_call, put_first

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentvcr.providers.body import Json
    from agentvcr.providers.writers.base import CallField, Part


def set_text(parts: Sequence[Part], wanted: str) -> bool:
    """Change the text; of several blocks the first holds all of it."""
    if _is_whole(parts):
        return put_first(items(parts[0].get("content")), "text", wanted)
    blocks = _blocks(parts, "text")
    for index in blocks[1:]:
        put(_deltas(parts, index, "text"), "text", "")
    return bool(blocks) and put(_deltas(parts, blocks[0], "text"), "text", wanted)


def set_call(parts: Sequence[Part], index: int, what: CallField, wanted: str) -> bool:
    """Change one of the calls, whose arguments are an object."""
    if _is_whole(parts):
        calls = [one for one in map(fields, items(parts[0].get("content"))) if _is_call(one)]
        return index < len(calls) and put_call(calls[index], what, wanted, arguments="input")
    blocks = _blocks(parts, "tool_use")
    if index >= len(blocks):
        return False
    if what == "arguments":
        object_of(wanted)
        return put(_deltas(parts, blocks[index], "partial_json"), "partial_json", wanted)
    start = next(part for part in parts if _starts(part) and part.get("index") == blocks[index])
    fields(start["content_block"])["name"] = wanted
    return True


def _is_whole(parts: Sequence[Part]) -> bool:
    return len(parts) == 1 and "content" in parts[0]


def _is_call(block: Part) -> bool:
    return text(block.get("type")).endswith("tool_use")


def _starts(part: Part) -> bool:
    return part.get("type") == "content_block_start"


def _blocks(parts: Sequence[Part], kind: str) -> list[Json]:
    """Give the indexes of a stream's blocks of a kind."""
    return [
        part.get("index")
        for part in parts
        if _starts(part) and text(fields(part.get("content_block")).get("type")).endswith(kind)
    ]


def _deltas(parts: Sequence[Part], index: Json, name: str) -> list[Part]:
    of_block = [part for part in parts if part.get("index") == index]
    deltas = [fields(part.get("delta")) for part in of_block]
    return [delta for delta in deltas if name in delta]
