"""Ollama's own chat API.

Owns that API's request, answer and stream: a JSON object a line. Does not know the OpenAI-shaped
API that Ollama has beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentvcr.model.conversation import Answer, Message, Prompt, ToolCall, ToolResult
from agentvcr.providers.base import attachment, chat_prompt, error_text, is_post_to, named_model
from agentvcr.providers.body import (
    Json,
    fields,
    header,
    items,
    json_of,
    json_text,
    response_content,
    text,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agentvcr.model.exchange import Request, Response

NAME = "ollama"
model_of = named_model


def recognises(request: Request) -> bool:
    """Tell whether a request asks for the next turn of a chat."""
    return is_post_to(request, "/api/chat")


def read_prompt(request: Request) -> Prompt | None:
    """Read the messages and the tools on offer."""
    return chat_prompt(request, _message)


def read_answer(response: Response) -> Answer | None:
    """Read the message, from one JSON body or from one a line."""
    content = response_content(response)
    lines = [fields(json_of(line)) for line in content.split(b"\n")]
    told = [line for line in lines if line]
    streamed = len(told) > 1 or "ndjson" in header(response.headers, b"content-type").lower()
    body = _joined(told) if streamed else fields(json_of(content))
    error = error_text(body)
    if "message" not in body and not error:
        return None
    return Answer(
        message=_message(fields(body.get("message"))),
        model=text(body.get("model")),
        finish=text(body.get("done_reason")),
        input_tokens=whole(body.get("prompt_eval_count")),
        output_tokens=whole(body.get("eval_count")),
        streamed=streamed,
        error=error,
    )


def refusal(status: int, message: str, code: str) -> dict[str, Json]:
    """Refuse a request in this API's words."""
    del status, code
    return {"error": message}


def _message(message: dict[str, Json]) -> Message:
    role = text(message.get("role")) or "assistant"
    said = text(message.get("content"))
    images = items(message.get("images"))
    attachments = tuple(attachment({"type": "image", "data": image}) for image in images)
    if role == "tool":
        # Calls have had no ids for long: there the tool's name tells which one is answered.
        names = ("tool_call_id", "tool_name", "name")
        call_id = next((text(message[name]) for name in names if message.get(name)), "")
        result = ToolResult(call_id=call_id, text=said)
        return Message(role=role, tool_results=(result,), attachments=attachments)
    return Message(
        role=role,
        text=said,
        thinking=text(message.get("thinking")),
        tool_calls=tuple(_tool_call(fields(call)) for call in items(message.get("tool_calls"))),
        attachments=attachments,
    )


def _tool_call(call: dict[str, Json]) -> ToolCall:
    function = fields(call.get("function"))
    call_id = text(call.get("id")) or text(function.get("id"))
    arguments = json_text(function.get("arguments", {}))
    return ToolCall(id=call_id, name=text(function.get("name")), arguments=arguments)


def _joined(lines: Iterable[dict[str, Json]]) -> dict[str, Json]:
    """Rebuild, from a stream's lines, the body that would have come without streaming."""
    body: dict[str, Json] = {}
    said: dict[str, list[str]] = {"content": [], "thinking": []}
    calls: list[Json] = []
    for line in lines:
        message = fields(line.get("message"))
        for name, pieces in said.items():
            pieces.append(text(message.get(name)))
        calls += items(message.get("tool_calls"))
        body.update(line)
    joined: dict[str, Json] = {name: "".join(pieces) for name, pieces in said.items()}
    return {**body, "message": {**joined, "tool_calls": calls}}
