"""The Anthropic Messages API.

Owns that API's request, answer and stream. Does not know the same models behind other APIs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agentvcr.model.conversation import Answer, Message, Prompt, ToolCall, ToolResult
from agentvcr.providers.base import attachment, error_text, is_post_to, named_model
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

NAME = "anthropic"
model_of = named_model
_INPUT_TOKENS = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


def recognises(request: Request) -> bool:
    """Tell whether a request asks for a message."""
    return is_post_to(request, "/v1/messages")


def read_prompt(request: Request) -> Prompt | None:
    """Read the system prompt, the messages and the tools on offer."""
    body = fields(json_of(request_content(request)))
    if "messages" not in body:
        return None
    return Prompt(
        model=text(body.get("model")),
        system=_message("system", body.get("system")).text,
        messages=tuple(
            _message(text(message.get("role")), message.get("content"))
            for message in map(fields, items(body["messages"]))
        ),
        tools=tuple(_tool_name(fields(tool)) for tool in items(body.get("tools"))),
    )


def read_answer(response: Response) -> Answer | None:
    """Read the message, from one JSON body or from the events of a stream."""
    content = response_content(response)
    streamed = is_stream(response.headers, content)
    body = _joined(event_objects(content)) if streamed else fields(json_of(content))
    error = error_text(body)
    if "content" not in body and not error and not streamed:
        return None
    usage = fields(body.get("usage"))
    counted = [whole(usage.get(name)) for name in _INPUT_TOKENS]
    known = [count for count in counted if count is not None]
    return Answer(
        message=_message("assistant", body.get("content")),
        model=text(body.get("model")),
        finish=text(body.get("stop_reason")),
        input_tokens=sum(known) if known else None,
        output_tokens=whole(usage.get("output_tokens")),
        streamed=streamed,
        error=error,
    )


def refusal(status: int, message: str, code: str) -> dict[str, Json]:
    """Refuse a request in this API's words."""
    del status, code
    return {"type": "error", "error": {"type": "invalid_request_error", "message": message}}


def _tool_name(tool: dict[str, Json]) -> str:
    return text(tool.get("name")) or text(tool.get("type"))


def _message(role: str, content: Json) -> Message:
    if not isinstance(content, list):
        return Message(role=role, text=text(content))
    said: list[str] = []
    thinking: list[str] = []
    calls: list[ToolCall] = []
    results: list[ToolResult] = []
    attachments: list[str] = []
    for block in map(fields, content):
        kind = text(block.get("type"))
        if kind == "text":
            said.append(text(block.get("text")))
        elif kind == "thinking":
            thinking.append(text(block.get("thinking")))
        elif kind.endswith("tool_use"):
            calls.append(_tool_call(block))
        elif kind.endswith("tool_result"):
            call_id = text(block.get("tool_use_id"))
            results.append(ToolResult(call_id=call_id, text=_result_text(block.get("content"))))
        else:
            attachments.append(attachment(block))
    # An answer with citations comes as fragments of one text; a prompt's blocks are texts apart.
    return Message(
        role=role,
        text=("" if role == "assistant" else "\n").join(said),
        thinking="\n".join(thinking),
        tool_calls=tuple(calls),
        tool_results=tuple(results),
        attachments=tuple(attachments),
    )


def _tool_call(block: dict[str, Json]) -> ToolCall:
    arguments = json_text(block.get("input", ""))
    return ToolCall(id=text(block.get("id")), name=text(block.get("name")), arguments=arguments)


def _result_text(content: Json) -> str:
    if not isinstance(content, list):
        return "" if content is None else json_text(content)
    parts = [fields(part) for part in content]
    return "\n".join(
        text(part.get("text")) if part.get("type") == "text" else attachment(part) for part in parts
    )


@dataclass
class _Block:
    """A content block that is arriving in pieces."""

    start: dict[str, Json]
    said: list[str] = field(default_factory=list)
    thinking: list[str] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)

    def add(self, delta: dict[str, Json]) -> None:
        self.said.append(text(delta.get("text")))
        self.thinking.append(text(delta.get("thinking")))
        self.arguments.append(text(delta.get("partial_json")))

    def whole(self) -> dict[str, Json]:
        block = dict(self.start)
        block["text"] = text(block.get("text")) + "".join(self.said)
        block["thinking"] = text(block.get("thinking")) + "".join(self.thinking)
        arguments = "".join(self.arguments)
        if arguments:
            # Text, not a value: of a cut stream, half the arguments are worth seeing too.
            block["input"] = arguments
        return block


def _joined(events: Iterable[dict[str, Json]]) -> dict[str, Json]:
    """Rebuild, from a stream's events, the body that would have come without streaming."""
    body: dict[str, Json] = {}
    usage: dict[str, Json] = {}
    blocks: dict[int, _Block] = {}
    for event in events:
        index = whole(event.get("index")) or 0
        kind = event.get("type")
        if kind == "message_start":
            body = dict(fields(event.get("message")))
            usage.update(fields(body.get("usage")))
        elif kind == "content_block_start":
            blocks[index] = _Block(fields(event.get("content_block")))
        elif kind == "content_block_delta":
            # The block's start may be lost where the head of a stream is.
            blocks.setdefault(index, _Block({"type": "text"})).add(fields(event.get("delta")))
        elif kind == "message_delta":
            body.update(fields(event.get("delta")))
            usage.update({k: v for k, v in fields(event.get("usage")).items() if v is not None})
        elif event.get("error"):
            body["error"] = event["error"]
    content: list[Json] = [blocks[index].whole() for index in sorted(blocks)]
    return {**body, "content": content, "usage": usage}
