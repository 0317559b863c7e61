"""Amazon Bedrock's Converse API.

Owns that API's request, answer and stream. Does not know the frames of a stream (`eventstream`),
nor `invoke`, whose bodies are in each model's own words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote

from agentvcr.model.conversation import Answer, Message, Prompt, ToolCall, ToolResult
from agentvcr.providers.base import attachment, path_of
from agentvcr.providers.body import (
    Json,
    fields,
    header,
    items,
    json_of,
    json_text,
    request_content,
    response_content,
    text,
    whole,
)
from agentvcr.providers.eventstream import is_eventstream, messages

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agentvcr.model.exchange import Request, Response
    from agentvcr.providers.eventstream import Message as StreamMessage

NAME = "bedrock"

_PATH = re.compile(r"/model/([^/]+)/converse(?:-stream)?$")
_INPUT_TOKENS = ("inputTokens", "cacheReadInputTokens", "cacheWriteInputTokens")
_FAILED = {"exception", "error"}


def recognises(request: Request) -> bool:
    """Tell whether a request asks a model to converse."""
    return request.method.upper() == "POST" and _PATH.search(path_of(request)) is not None


def model_of(request: Request) -> str:
    """Give the model, or the profile of one: its id or its resource name, from the address."""
    found = _PATH.search(path_of(request))
    return unquote(found[1]) if found else ""


def read_prompt(request: Request) -> Prompt | None:
    """Read the system prompt, the messages and the tools on offer."""
    body = fields(json_of(request_content(request)))
    if "messages" not in body:
        return None
    tools = items(fields(body.get("toolConfig")).get("tools"))
    names = [_tool_name(fields(tool)) for tool in tools]
    return Prompt(
        model=model_of(request),
        system=_message("system", body.get("system")).text,
        messages=tuple(
            _message(text(message.get("role")), message.get("content"))
            for message in map(fields, items(body["messages"]))
        ),
        tools=tuple(filter(None, names)),
    )


def read_answer(response: Response) -> Answer | None:
    """Read the message, from one JSON body or from the messages of a stream."""
    content = response_content(response)
    streamed = is_eventstream(response.headers)
    body = _joined(messages(content)) if streamed else fields(json_of(content))
    error = text(body.get("error")) if streamed else _refusal(response, body)
    if "output" not in body and not error:
        return None
    said = fields(fields(body.get("output")).get("message"))
    usage = fields(body.get("usage"))
    counted = [whole(usage.get(name)) for name in _INPUT_TOKENS]
    known = [count for count in counted if count is not None]
    return Answer(
        message=_message(text(said.get("role")) or "assistant", said.get("content")),
        finish=text(body.get("stopReason")),
        input_tokens=sum(known) if known else None,
        output_tokens=whole(usage.get("outputTokens")),
        streamed=streamed,
        error=error,
    )


def refusal(status: int, message: str, code: str) -> dict[str, Json]:
    """Refuse a request in this API's words."""
    del status, code
    return {"message": message}


def _refusal(response: Response, body: dict[str, Json]) -> str:
    if "output" in body:
        return ""
    # The kind of an error stands in a header, and sometimes its address behind a colon.
    kind = header(response.headers, b"x-amzn-errortype").partition(":")[0]
    message = text(body.get("message")) or text(body.get("Message"))
    return ": ".join(part for part in (kind, message) if part)


def _tool_name(tool: dict[str, Json]) -> str:
    # A point up to which a cache holds stands among the tools, and is none.
    described = fields(tool.get("toolSpec") or tool.get("systemTool"))
    return text(described.get("name"))


def _message(role: str, content: Json) -> Message:
    said: list[str] = []
    thinking: list[str] = []
    calls: list[ToolCall] = []
    results: list[ToolResult] = []
    attachments: list[str] = []
    for block in map(fields, items(content)):
        if "text" in block:
            said.append(text(block["text"]))
        elif "reasoningContent" in block:
            # What is redacted of it is another one in each answer and tells nothing.
            thought = fields(fields(block["reasoningContent"]).get("reasoningText"))
            thinking.append(text(thought.get("text")))
        elif "toolUse" in block:
            calls.append(_tool_call(fields(block["toolUse"])))
        elif "toolResult" in block:
            results.append(_tool_result(fields(block["toolResult"])))
        elif "cachePoint" not in block:
            attachments.append(_attachment(block))
    return Message(
        role=role,
        text=("" if role == "assistant" else "\n").join(said),
        thinking="\n".join(filter(None, thinking)),
        tool_calls=tuple(calls),
        tool_results=tuple(results),
        attachments=tuple(attachments),
    )


def _attachment(block: dict[str, Json]) -> str:
    """Describe a block that is named by its one field."""
    return attachment({"type": next(iter(block), ""), **block})


def _tool_call(call: dict[str, Json]) -> ToolCall:
    arguments = json_text(call.get("input", ""))
    return ToolCall(
        id=text(call.get("toolUseId")), name=text(call.get("name")), arguments=arguments
    )


def _tool_result(result: dict[str, Json]) -> ToolResult:
    told: list[str] = []
    for block in map(fields, items(result.get("content"))):
        if "text" in block:
            told.append(text(block["text"]))
        elif "json" in block:
            told.append(json_text(block["json"]))
        else:
            told.append(_attachment(block))
    return ToolResult(call_id=text(result.get("toolUseId")), text="\n".join(told))


@dataclass
class _Block:
    """A content block that is arriving in pieces."""

    start: dict[str, Json] = field(default_factory=dict)
    pieces: dict[str, list[str]] = field(default_factory=dict)

    def add(self, delta: dict[str, Json]) -> None:
        for name, value in (
            ("text", delta.get("text")),
            ("toolUse", fields(delta.get("toolUse")).get("input")),
            ("reasoningContent", fields(delta.get("reasoningContent")).get("text")),
        ):
            if isinstance(value, str):
                self.pieces.setdefault(name, []).append(value)

    def whole(self) -> dict[str, Json]:
        block = dict(self.start)
        for name, pieces in self.pieces.items():
            joined = "".join(pieces)
            if name == "toolUse":
                # Text, not a value: of a cut stream, half the arguments are worth seeing too.
                block[name] = {**fields(block.get(name)), "input": joined}
            elif name == "reasoningContent":
                block[name] = {"reasoningText": {"text": joined}}
            else:
                block[name] = joined
        return block


def _joined(stream: Iterable[StreamMessage]) -> dict[str, Json]:
    """Rebuild, from a stream's messages, the body that would have come without streaming."""
    body: dict[str, Json] = {}
    role = ""
    blocks: dict[int, _Block] = {}
    for message in stream:
        event = message.body
        index = whole(event.get("contentBlockIndex")) or 0
        if message.kind in _FAILED:
            told = text(event.get("message")) or message.headers.get(":error-message", "")
            body["error"] = ": ".join(part for part in (message.name, told) if part)
        elif message.name == "messageStart":
            role = text(event.get("role"))
        elif message.name == "contentBlockStart":
            blocks[index] = _Block(dict(fields(event.get("start"))))
        elif message.name == "contentBlockDelta":
            blocks.setdefault(index, _Block()).add(fields(event.get("delta")))
        elif message.name == "messageStop":
            body["stopReason"] = event.get("stopReason")
        elif message.name == "metadata":
            body["usage"] = event.get("usage")
    content: list[Json] = [blocks[index].whole() for index in sorted(blocks)]
    body["output"] = {"message": {"role": role, "content": content}}
    return body
