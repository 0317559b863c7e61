"""Cohere's chat API, version 2.

Owns that API's request, answer and stream. Does not know version 1, which has other words for all
of it, nor the OpenAI-shaped API beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agentvcr.model.conversation import Answer, Message, Prompt, ToolCall, ToolResult
from agentvcr.providers.base import attachment, chat_prompt, is_post_to, named_model
from agentvcr.providers.body import (
    Json,
    fields,
    items,
    json_of,
    json_text,
    response_content,
    text,
    whole,
)
from agentvcr.providers.sse import event_objects, is_stream

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agentvcr.model.exchange import Request, Response

NAME = "cohere"
model_of = named_model


def recognises(request: Request) -> bool:
    """Tell whether a request asks for the next turn of a chat."""
    return is_post_to(request, "/v2/chat")


def read_prompt(request: Request) -> Prompt | None:
    """Read the messages and the tools on offer."""
    return chat_prompt(request, _message)


def read_answer(response: Response) -> Answer | None:
    """Read the message, from one JSON body or from the events of a stream."""
    content = response_content(response)
    streamed = is_stream(response.headers, content)
    body = _joined(event_objects(content)) if streamed else fields(json_of(content))
    # A refusal is a `message` in words, where an answer's is an object.
    told = (text(body.get(name)) for name in ("error_type", "message", "error"))
    error = ": ".join(filter(None, told))
    if not isinstance(body.get("message"), dict) and not error:
        return None
    usage = fields(body.get("usage"))
    counted = fields(usage.get("tokens")) or fields(usage.get("billed_units"))
    return Answer(
        message=_message(fields(body.get("message"))),
        finish=text(body.get("finish_reason")),
        input_tokens=_count(counted.get("input_tokens")),
        output_tokens=_count(counted.get("output_tokens")),
        streamed=streamed,
        error=error,
    )


def refusal(status: int, message: str, code: str) -> dict[str, Json]:
    """Refuse a request in this API's words."""
    del status, code
    return {"message": message}


def _count(value: Json) -> int | None:
    # The service has sent its counts as numbers with a point.
    return int(value) if isinstance(value, float) and value.is_integer() else whole(value)


def _message(message: dict[str, Json]) -> Message:
    role = text(message.get("role")) or "assistant"
    said, thinking, attachments = _parts(role, message.get("content"))
    if role == "tool":
        result = ToolResult(call_id=text(message.get("tool_call_id")), text=said)
        return Message(role=role, tool_results=(result,), attachments=tuple(attachments))
    plan = text(message.get("tool_plan"))
    return Message(
        role=role,
        text=said,
        thinking="\n".join(filter(None, [thinking, plan])),
        tool_calls=tuple(_tool_call(fields(call)) for call in items(message.get("tool_calls"))),
        attachments=tuple(attachments),
    )


def _parts(role: str, content: Json) -> tuple[str, str, list[str]]:
    """Split content into its text, its thinking and what is neither."""
    said: list[str] = []
    thinking: list[str] = []
    attachments: list[str] = []
    for item in content if isinstance(content, list) else [content]:
        part = fields(item)
        kind = text(part.get("type"))
        if isinstance(item, str):
            said.append(item)
        elif kind == "text":
            said.append(text(part.get("text")))
        elif kind == "thinking":
            thinking.append(text(part.get("thinking")))
        elif kind == "document":
            said.append(_document(part))
        elif part:
            attachments.append(attachment(part))
    return ("" if role == "assistant" else "\n").join(said), "".join(thinking), attachments


def _document(part: dict[str, Json]) -> str:
    """Give a document's data: what a tool gave back comes as one."""
    return json_text(fields(part.get("document")).get("data"))


def _tool_call(call: dict[str, Json]) -> ToolCall:
    function = fields(call.get("function"))
    arguments = json_text(function.get("arguments") or "")
    return ToolCall(id=text(call.get("id")), name=text(function.get("name")), arguments=arguments)


@dataclass
class _Growing:
    """A content block or a tool call that is arriving in pieces."""

    start: dict[str, Json] = field(default_factory=dict)
    pieces: dict[str, list[str]] = field(default_factory=dict)

    def add(self, told: dict[str, Json]) -> None:
        for name in ("text", "thinking", "arguments"):
            piece = text(told.get(name))
            if piece:
                self.pieces.setdefault(name, []).append(piece)

    def whole(self) -> dict[str, Json]:
        return {**self.start, **{name: "".join(some) for name, some in self.pieces.items()}}


def _joined(events: Iterable[dict[str, Json]]) -> dict[str, Json]:
    """Rebuild, from a stream's events, the body that would have come without streaming."""
    body: dict[str, Json] = {}
    plan: list[str] = []
    blocks: dict[int, _Growing] = {}
    calls: dict[int, _Growing] = {}
    for event in events:
        kind, delta = text(event.get("type")), fields(event.get("delta"))
        told = fields(delta.get("message"))
        index = whole(event.get("index")) or 0
        if kind.startswith("content-"):
            block = fields(told.get("content"))
            known = "thinking" if "thinking" in block else "text"
            blocks.setdefault(index, _Growing({"type": known, **_named(block)})).add(block)
        elif kind.startswith("tool-call-"):
            call = fields(told.get("tool_calls"))
            grown = calls.setdefault(index, _Growing({"id": call.get("id")}))
            grown.start.update(_named(fields(call.get("function"))))
            grown.add(fields(call.get("function")))
        elif kind == "tool-plan-delta":
            plan.append(text(told.get("tool_plan")))
        elif kind == "message-end":
            body.update(delta)
        elif event.get("message") or event.get("error"):
            body["error"] = event.get("message") or event.get("error")
    message: dict[str, Json] = {
        "content": [blocks[index].whole() for index in sorted(blocks)],
        "tool_plan": "".join(plan),
        "tool_calls": [_call(calls[index].whole()) for index in sorted(calls)],
    }
    return {**body, "message": message}


def _named(told: dict[str, Json]) -> dict[str, Json]:
    return {name: told[name] for name in ("type", "name") if told.get(name)}


def _call(told: dict[str, Json]) -> dict[str, Json]:
    return {"id": told.get("id"), "function": told}
