"""Ids that a provider makes up for each answer, renamed by first appearance.

Owns which strings of a request's JSON are such ids: by where they stand in the bodies of known
providers, whatever they look like, and elsewhere by their shape. Two requests that differ in these
ids alone are the same, so that a run that is recorded again asks the same as before.

A string that is itself JSON, such as a tool call's arguments, is read as JSON where such an id may
stand in it. In any other text an id is a word like any other, and so it is in an address, where it
says what is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

import msgspec

from agentvcr.matching.json_path import parsed_inside

PREFIXES: Final = (
    *("call_", "chatcmpl-", "msg_", "resp_", "rs_", "fc_", "ctc_", "cntr_"),
    *("toolu_", "srvtoolu_", "mcptoolu_"),
)
"""What the ids of OpenAI and Anthropic begin with that may come back anywhere in a request."""
_SHAPE: Final = rf"(?:{'|'.join(PREFIXES)})(?:tool-)?(?=[A-Za-z-]*\d)[A-Za-z0-9-]{{16,}}"
"""Long, with a digit and without an underscore: `call_center_operator` is a name and no id."""
_LONGEST: Final = 200
_DEEPEST: Final = 200
"""Levels that are walked. Deeper ones stay as they are, whatever room the caller's stack has."""

_IN_CALLS: Final = {
    "tool_calls",
    *("functionCall", "functionResponse", "function_call", "function_response"),
}
"""What holds a tool call whose `id` is one: OpenAI's, Mistral's, Cohere's, Ollama's, Gemini's."""
_IN_TOOL_USES: Final = {"toolUse", "toolResult"}  # Bedrock's Converse
_OWN_ID: Final = {
    *("reasoning", "item_reference", "function_call", "function_call_output"),
    *("custom_tool_call", "custom_tool_call_output", "web_search_call", "file_search_call"),
    *("computer_call", "computer_call_output", "code_interpreter_call", "image_generation_call"),
    *("local_shell_call", "local_shell_call_output", "mcp_call", "mcp_list_tools"),
    *("mcp_approval_request", "mcp_approval_response"),
}
"""Items of OpenAI's Responses whose `id` is one."""
_OPENS: Final = ("{", "[")

_ROOT: Final = ""


class Ids:
    """Renames the ids of one request's body, in place and in the order of sorted keys."""

    def __init__(self, declared: tuple[str, ...] = ()) -> None:
        """Rename ids of providers, and each word that begins as was declared."""
        self._is_id, self._holds_id = _searches(declared)
        self._names: dict[str, str] = {}
        self._renamed = 0

    def rename(self, value: Any) -> None:  # noqa: ANN401  (JSON)
        """Rename the ids in a value that may be changed."""
        self._walk(value, _ROOT, 0)

    def _walk(self, value: Any, under: str, depth: int) -> None:  # noqa: ANN401  (JSON)
        if depth > _DEEPEST:
            return
        if type(value) is dict:
            self._object(value, under, depth)
        elif type(value) is list:
            for index, one in enumerate(value):
                kind = type(one)
                if kind is dict:
                    self._object(one, under, depth + 1)
                elif kind is str:
                    value[index] = self._text(one, depth)
                elif kind is list:
                    self._walk(one, under, depth + 1)

    def _object(self, value: dict[str, Any], under: str, depth: int) -> None:
        for key in sorted(value):
            one = value[key]
            kind = type(one)
            if kind is str:
                stands = _PLACES.get(key)
                if stands is not None and one and stands(value, under):
                    value[key] = self._name(one)
                elif len(one) <= _LONGEST or one[:1] in _OPENS:
                    value[key] = self._text(one, depth)
            elif kind is dict or kind is list:
                self._walk(one, key, depth + 1)

    def _text(self, text: str, depth: int) -> str:
        if len(text) <= _LONGEST and self._is_id(text):
            return self._name(text)
        if text[:1] in _OPENS and self._holds_id(text):
            parsed, before = parsed_inside(text), self._renamed
            self._walk(parsed, _ROOT, depth + 1)
            if self._renamed != before:
                return msgspec.json.encode(parsed, order="sorted").decode()
        return text

    def _name(self, found: str) -> str:
        self._renamed += 1
        return self._names.setdefault(found, f"id#{len(self._names)}")


_Search = Callable[[str], re.Match[str] | None]


@cache
def _searches(declared: tuple[str, ...]) -> tuple[_Search, _Search]:
    """Give what tells that a string is an id, and that one may stand in a string of JSON."""
    own = [rf"{re.escape(one)}\S+" for one in declared]
    starts = "|".join(map(re.escape, (*PREFIXES, *declared)))
    return re.compile("|".join([_SHAPE, *own])).fullmatch, re.compile(f'"(?:{starts})').search


def _kind(value: Mapping[str, Any]) -> str:
    kind = value.get("type")
    return kind if isinstance(kind, str) else ""


def _has_id(value: Mapping[str, Any], under: str) -> bool:
    return under in _IN_CALLS or _kind(value) in _OWN_ID or _kind(value).endswith("tool_use")


_PLACES: Final[dict[str, Callable[[Mapping[str, Any], str], bool]]] = {
    "id": _has_id,
    "tool_call_id": lambda value, _: "role" in value,
    "tool_use_id": lambda value, _: _kind(value).endswith("tool_result"),
    "toolUseId": lambda _, under: under in _IN_TOOL_USES,
    "call_id": lambda value, _: _kind(value).endswith(("_call", "_call_output")),
    "previous_response_id": lambda _, under: under == _ROOT,
}
"""A key → whether its value is an id, by the object that it stands in, and by what holds that."""
