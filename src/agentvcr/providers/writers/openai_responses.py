"""Change an answer of the OpenAI Responses API, whole or streamed.

A stream of it tells everything several times: in pieces, then whole part, item and response.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentvcr.providers.body import fields, items, text
from agentvcr.providers.writers.base import put

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentvcr.providers.body import Json
    from agentvcr.providers.writers.base import CallField, Part

_TEXT = "output_text"
_CALL = "function_call"


def set_text(parts: Sequence[Part], wanted: str) -> bool:
    """Change the text; of several parts the first holds all of it."""
    told = False
    for output in _outputs(parts):
        texts = _texts(output)
        for number, one in enumerate(texts):
            one["text"] = wanted if number == 0 else ""
        told = told or bool(texts)
    first: tuple[Json, Json] | None = None
    deltas: list[Part] = []
    for part in parts:
        kind = text(part.get("type")).removeprefix("response.")
        place = part.get("output_index"), part.get("content_index")
        if kind == "output_text.delta":
            first = first or place
            if place == first:
                deltas.append(part)
            else:
                part["delta"] = ""
        elif kind == "output_text.done":
            part["text"] = wanted if place == first else ""
        elif kind == "content_part.done" and fields(part.get("part")).get("type") == _TEXT:
            fields(part["part"])["text"] = wanted if place == first else ""
        elif kind == "output_item.done":
            for one in _texts([part.get("item")]):
                one["text"] = wanted if first and part.get("output_index") == first[0] else ""
    return put(deltas, "delta", wanted) or told


def set_call(parts: Sequence[Part], index: int, what: CallField, wanted: str) -> bool:
    """Change one of the calls; its arguments are text."""
    told = False
    for output in _outputs(parts):
        calls = [one for one in map(fields, output) if one.get("type") == _CALL]
        if index < len(calls):
            calls[index][what] = wanted
            told = True
    begun = [part for part in parts if part.get("type") == "response.output_item.added"]
    places = [
        one.get("output_index") for one in begun if fields(one.get("item")).get("type") == _CALL
    ]
    if index >= len(places):
        return told
    of_call = [part for part in parts if part.get("output_index") == places[index]]
    for part in of_call:
        item = fields(part.get("item"))
        if item and (what == "name" or part.get("type") == "response.output_item.done"):
            item[what] = wanted
        if what in part:  # of the event that says the arguments are done
            part[what] = wanted
    if what == "arguments":
        put([part for part in of_call if "delta" in part], "delta", wanted)
    return True


def _outputs(parts: Sequence[Part]) -> list[list[Json]]:
    """Give the output of the response, in each event that has the whole of it."""
    bodies = [fields(part.get("response")) or part for part in parts]
    return [found for body in bodies if (found := items(body.get("output")))]


def _texts(output: Sequence[Json]) -> list[Part]:
    content = (part for item in map(fields, output) for part in items(item.get("content")))
    return [part for part in map(fields, content) if part.get("type") == _TEXT]
