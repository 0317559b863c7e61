"""The OpenAI Chat Completions API, and the many services that speak it.

Owns that API's request, answer and stream. Does not know the Responses API.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agentvcr.model.conversation import Answer, Message, Prompt, ToolCall, ToolResult
from agentvcr.providers.base import (
    attachment,
    error_text,
    is_post_to,
    named_model,
    openai_refusal,
)
from agentvcr.providers.body import (
    Json,
    fields,
    items,
    json_of,
    json_text,
    request_content,
    response_content,
    text,
    whole,
)
from agentvcr.providers.sse import event_objects, is_stream

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agentvcr.model.exchange import Request, Response

NAME = "openai_chat"
refusal = openai_refusal
model_of = named_model
_REASONING = ("reasoning_content", "reasoning")


def recognises(request: Request) -> bool:
    """Tell whether a request asks for a chat completion."""
    return is_post_to(request, "/chat/completions")


def read_prompt(request: Request) -> Prompt | None:
    """Read the messages and the tools on offer."""
    body = fields(json_of(request_content(request)))
    if "messages" not in body:
        return None
    tools = items(body.get("tools")) + items(body.get("functions"))
    return Prompt(
        model=text(body.get("model")),
        messages=tuple(_message(fields(message)) for message in items(body["messages"])),
        tools=tuple(_tool_name(fields(tool)) for tool in tools),
    )


def read_answer(response: Response) -> Answer | None:
    """Read the choices, from one JSON body or from the deltas of a stream."""
    content = response_content(response)
    streamed = is_stream(response.headers, content)
    body = _joined(event_objects(content)) if streamed else fields(json_of(content))
    choices = [fields(choice) for choice in items(body.get("choices"))]
    error = error_text(body)
    if not choices and not error and not streamed:
        return None
    messages = [_message(fields(choice.get("message"))) for choice in choices]
    usage = fields(body.get("usage"))
    return Answer(
        message=messages[0] if messages else Message(role="assistant"),
        others=tuple(messages[1:]),
        model=text(body.get("model")),
        finish=text(choices[0].get("finish_reason")) if choices else "",
        input_tokens=whole(usage.get("prompt_tokens")),
        output_tokens=whole(usage.get("completion_tokens")),
        streamed=streamed,
        error=error,
    )


def _tool_name(tool: dict[str, Json]) -> str:
    # A tool that the service runs itself has a type and no name.
    described = fields(tool.get("function") or tool.get("custom") or tool)
    return text(described.get("name")) or text(tool.get("type"))


def _message(message: dict[str, Json]) -> Message:
    role = text(message.get("role")) or "assistant"
    content = message.get("content")
    said, thinking, attachments = _parts(content)
    if role in {"tool", "function"}:
        call_id = text(message.get("tool_call_id")) or text(message.get("name"))
        result = ToolResult(call_id=call_id, text=said)
        return Message(role=role, tool_results=(result,), attachments=attachments)
    return Message(
        role=role,
        text=said or text(message.get("refusal")),
        thinking=thinking or next((text(message[k]) for k in _REASONING if message.get(k)), ""),
        tool_calls=_tool_calls(message),
        attachments=attachments,
    )


def _parts(content: Json) -> tuple[str, str, tuple[str, ...]]:
    """Split content into its text, its thinking and what is neither."""
    if not isinstance(content, list):
        return text(content), "", ()
    said: list[str] = []
    thinking: list[str] = []
    attachments: list[str] = []
    for item in content:
        part = fields(item)
        kind = text(part.get("type"))
        if kind in {"text", "refusal"}:
            said.append(text(part.get("text")) or text(part.get("refusal")))
        elif kind == "thinking":
            thinking += [text(fields(piece).get("text")) for piece in items(part.get("thinking"))]
        elif isinstance(item, str):
            said.append(item)
        else:
            attachments.append(attachment(part))
    return "\n".join(said), "".join(thinking), tuple(attachments)


def _tool_calls(message: dict[str, Json]) -> tuple[ToolCall, ...]:
    calls = [
        _tool_call(text(call.get("id")), fields(call.get("function") or call.get("custom")))
        for call in map(fields, items(message.get("tool_calls")))
    ]
    legacy = fields(message.get("function_call"))
    if legacy.get("name"):
        calls.append(_tool_call("", legacy))
    return tuple(calls)


def _tool_call(call_id: str, function: dict[str, Json]) -> ToolCall:
    arguments = function.get("arguments", function.get("input", ""))
    return ToolCall(id=call_id, name=text(function.get("name")), arguments=json_text(arguments))


@dataclass
class _Call:
    """A tool call that is arriving in pieces."""

    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)

    def whole(self) -> dict[str, Json]:
        function: dict[str, Json] = {"name": self.name, "arguments": "".join(self.arguments)}
        return {"id": self.id, "function": function}


@dataclass
class _Choice:
    """A choice that is arriving in pieces."""

    said: list[str] = field(default_factory=list)
    thinking: list[str] = field(default_factory=list)
    refusal: list[str] = field(default_factory=list)
    calls: list[_Call] = field(default_factory=list)
    by_index: dict[int, _Call] = field(default_factory=dict)
    function: _Call | None = None
    finish: str = ""

    def add(self, choice: dict[str, Json]) -> None:
        delta = fields(choice.get("delta") or choice.get("message"))
        said, thinking, _ = _parts(delta.get("content"))
        self.said.append(said)
        self.thinking.append(thinking)
        self.thinking.append(next((text(delta[k]) for k in _REASONING if delta.get(k)), ""))
        self.refusal.append(text(delta.get("refusal")))
        for call in map(fields, items(delta.get("tool_calls"))):
            self._add_call(call)
        if isinstance(delta.get("function_call"), dict):
            self.function = self.function or _Call()
            _extend(self.function, fields(delta["function_call"]))
        self.finish = text(choice.get("finish_reason")) or self.finish

    def _add_call(self, piece: dict[str, Json]) -> None:
        # Some services send no index, or 0 for each of several calls: there a new id is what
        # tells a new call from the next piece of the last one.
        index = whole(piece.get("index"))
        call_id = text(piece.get("id"))
        last = self.calls[-1] if self.calls else None
        call = last if index is None else self.by_index.get(index)
        if call is None or (call_id and call.id and call_id != call.id):
            call = _Call()
            self.calls.append(call)
        if index is not None:
            self.by_index[index] = call
        call.id = call.id or call_id
        _extend(call, fields(piece.get("function") or piece.get("custom")))

    def whole(self) -> dict[str, Json]:
        message: dict[str, Json] = {
            "content": "".join(self.said),
            "reasoning": "".join(self.thinking),
            "refusal": "".join(self.refusal),
            "tool_calls": [call.whole() for call in self.calls],
            "function_call": self.function.whole()["function"] if self.function else None,
        }
        return {"message": message, "finish_reason": self.finish}


def _extend(call: _Call, function: dict[str, Json]) -> None:
    call.name = call.name or text(function.get("name"))
    call.arguments.append(json_text(function.get("arguments") or function.get("input") or ""))


def _joined(chunks: Iterable[dict[str, Json]]) -> dict[str, Json]:
    """Rebuild, from a stream's chunks, the body that would have come without streaming."""
    choices: dict[int, _Choice] = {}
    body: dict[str, Json] = {}
    for chunk in chunks:
        for choice in map(fields, items(chunk.get("choices"))):
            choices.setdefault(whole(choice.get("index")) or 0, _Choice()).add(choice)
        usage = chunk.get("usage") or fields(chunk.get("x_groq")).get("usage")
        for name, value in (("model", chunk.get("model")), ("usage", usage)):
            body[name] = value or body.get(name)
        if chunk.get("error"):
            body["error"] = chunk["error"]
    body["choices"] = [choices[index].whole() for index in sorted(choices)]
    return body
