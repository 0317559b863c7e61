"""The OpenAI Responses API, and the services that speak it.

Owns that API's request, answer and stream. Does not know Chat Completions, nor the polling of an
answer that is made in the background.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

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

NAME = "openai_responses"
refusal = openai_refusal
model_of = named_model

# A form's or a survey's `responses` come after an id, not after a version.
_PATH = re.compile(r"(?:^|/v\d+\w*|/openai|/codex|/serving-endpoints)/responses$")
_ASKS = {"input", "instructions", "prompt", "previous_response_id", "conversation"}
_UNFINISHED = {"queued", "in_progress"}

_TEXTS = {"input_text", "output_text", "text", "summary_text"}
_CALLS = {"mcp_approval_request", "program"}
_RESULTS = {"mcp_approval_response"}
_GIVEN = ("arguments", "input", "operation", "actions")
_GAVE = ("output", "outputs", "results", "result", "error")
_LABELS = {
    *("type", "id", "call_id", "approval_request_id", "status", "name", "server_label"),
    *("namespace", "container_id", "caller", "created_by", "execution", "role", *_GAVE),
}
"""What names an item, or came back to it: no part of what a built-in tool was asked."""

_PARTS = {
    "output_text": "content",
    "refusal": "content",
    "reasoning_text": "content",
    "reasoning_summary_text": "summary",
}
_VALUES = {
    "function_call_arguments": "arguments",
    "mcp_call_arguments": "arguments",
    "custom_tool_call_input": "input",
    "code_interpreter_call_code": "code",
}
"""Which field of an item grows by which of a stream's deltas."""


def recognises(request: Request) -> bool:
    """Tell whether a request asks for a response of a model."""
    if not is_post_to(request, "/responses"):
        return False
    return _PATH.search(urlsplit(request.url).path.rstrip("/")) is not None


def read_prompt(request: Request) -> Prompt | None:
    """Read the instructions, the items of the input and the tools on offer.

    A message stands for each item, a call or its result too, so that an index means the same in
    both. What an earlier response holds is not in the request, and not here.
    """
    body = fields(json_of(request_content(request)))
    if not _ASKS & body.keys():
        return None
    asked = body.get("input")
    return Prompt(
        model=text(body.get("model")),
        system=text(body.get("instructions")),
        messages=tuple(
            _message(item) for item in ([asked] if isinstance(asked, str) else items(asked))
        ),
        tools=tuple(_tool_name(fields(tool)) for tool in items(body.get("tools"))),
    )


def read_answer(response: Response) -> Answer | None:
    """Read the output's items as one message, from one JSON body or from a stream's events."""
    content = response_content(response)
    streamed = is_stream(response.headers, content)
    body = _joined(event_objects(content)) if streamed else fields(json_of(content))
    error = _error(fields(body.get("error"))) or error_text(body)
    if "output" not in body and not error:
        return None
    usage = fields(body.get("usage"))
    return Answer(
        message=_one_message([_message(item) for item in items(body.get("output"))]),
        model=text(body.get("model")),
        finish=_finish(body, streamed=streamed),
        input_tokens=whole(usage.get("input_tokens")),
        output_tokens=whole(usage.get("output_tokens")),
        streamed=streamed,
        error=error,
    )


def _finish(body: dict[str, Json], *, streamed: bool) -> str:
    status = text(body.get("status"))
    # The first events of a stream say that it has begun, not why it stopped.
    if streamed and status in _UNFINISHED:
        return ""
    return text(fields(body.get("incomplete_details")).get("reason")) or status


def _error(error: dict[str, Json]) -> str:
    # A request is refused with a type and a code, a response that failed has a code alone.
    kind = text(error.get("type")) or text(error.get("code"))
    return error_text({"error": {**error, "type": kind}}) if kind else ""


def _tool_name(tool: dict[str, Json]) -> str:
    # A tool that the service runs itself has a type and no name, a server of tools has a label.
    return text(tool.get("name")) or text(tool.get("server_label")) or text(tool.get("type"))


def _one_message(told: list[Message]) -> Message:
    return Message(
        role="assistant",
        text="\n".join(message.text for message in told if message.text),
        thinking="\n".join(message.thinking for message in told if message.thinking),
        tool_calls=tuple(call for message in told for call in message.tool_calls),
        tool_results=tuple(result for message in told for result in message.tool_results),
        attachments=tuple(piece for message in told for piece in message.attachments),
    )


def _message(value: Json) -> Message:
    """Read an item, of an input or of an output: they have the same forms."""
    if isinstance(value, str):
        return Message(role="user", text=value)
    item = fields(value)
    kind = text(item.get("type"))
    if kind == "message" or (not kind and "content" in item):
        return _turn(text(item.get("role")) or "user", item.get("content"))
    if kind == "reasoning":
        # Its encrypted content is another one in each answer and tells nothing.
        thought = [part for name in ("summary", "content") for part in items(item.get(name))]
        said, thinking, attachments = _parts(thought)
        return Message(
            role="assistant", thinking="\n".join(said + thinking), attachments=tuple(attachments)
        )
    if kind.endswith("_call") or kind in _CALLS:
        return _call(kind, item)
    if kind.endswith("_output") or kind in _RESULTS:
        return _result(item)
    made_up = set() if kind in {"", "item_reference"} else {"id", "status"}
    other = {name: part for name, part in item.items() if name not in made_up}
    return Message(role=text(item.get("role")) or "assistant", attachments=(attachment(other),))


def _turn(role: str, content: Json) -> Message:
    said, thinking, attachments = _parts(content)
    # An answer comes as fragments of one text; a prompt's parts are texts apart.
    return Message(
        role=role,
        text=("" if role == "assistant" else "\n").join(said),
        thinking="\n".join(thinking),
        attachments=tuple(attachments),
    )


def _parts(content: Json) -> tuple[list[str], list[str], list[str]]:
    """Split content into its texts, its thoughts and what is neither."""
    said: list[str] = []
    thinking: list[str] = []
    attachments: list[str] = []
    for item in content if isinstance(content, list) else [content]:
        part = fields(item)
        kind = text(part.get("type"))
        if kind in _TEXTS:
            said.append(text(part.get("text")))
        elif kind in {"refusal", "logs"}:
            said.append(text(part.get(kind)))
        elif kind == "reasoning_text":
            thinking.append(text(part.get("text")))
        elif kind:
            attachments.append(attachment(part))
        elif item is not None:
            said.append(json_text(item))
    return said, thinking, attachments


def _call(kind: str, item: dict[str, Json]) -> Message:
    """Read a call, and what came of it where the service itself ran the tool."""
    call_id = _call_id(item)
    name = text(item.get("name")) or kind.removesuffix("_call")
    call = ToolCall(id=call_id, name=name, arguments=json_text(_arguments(item)))
    said, attachments = _outcome(item)
    results = (ToolResult(call_id=call_id, text="\n".join(said)),) if said else ()
    return Message(
        role="assistant", tool_calls=(call,), tool_results=results, attachments=tuple(attachments)
    )


def _result(item: dict[str, Json]) -> Message:
    said, attachments = _outcome(item)
    if not any(name in item for name in _GAVE):
        said = [json_text(_described(item))]
    result = ToolResult(call_id=_call_id(item), text="\n".join(said))
    return Message(role="tool", tool_results=(result,), attachments=tuple(attachments))


def _call_id(item: dict[str, Json]) -> str:
    ids = (text(item.get(name)) for name in ("call_id", "approval_request_id", "id"))
    return next(filter(None, ids), "")


def _arguments(item: dict[str, Json]) -> Json:
    given = next((item[name] for name in _GIVEN if item.get(name) is not None), None)
    if given is not None:
        return given
    action = fields(item.get("action"))
    if action:
        # What a search found is no part of what was searched for.
        return {name: value for name, value in action.items() if name != "sources"}
    return _described(item)


def _described(item: dict[str, Json]) -> Json:
    return {k: v for k, v in item.items() if k not in _LABELS and v is not None}


def _outcome(item: dict[str, Json]) -> tuple[list[str], list[str]]:
    """Give what a tool gave back: its texts, and what is none."""
    said: list[str] = []
    attachments: list[str] = []
    for name in _GAVE:
        value = item.get(name)
        if name == "result" and item.get("type") == "image_generation_call":
            attachments += [attachment({"type": "image", "result": value})] if value else []
        elif name == "error" and value:
            said.append(json_text(value))
        else:
            texts, _, others = _parts(value)
            said += texts
            attachments += others
    sources = fields(item.get("action")).get("sources")
    return said + ([json_text(sources)] if sources else []), attachments


@dataclass
class _Item:
    """An item of the output that is arriving in pieces."""

    known: dict[str, Json]
    parts: dict[tuple[str, int], dict[str, Json]] = field(default_factory=dict)
    pieces: dict[tuple[str, int], list[str]] = field(default_factory=dict)

    def add(self, kind: str, event: dict[str, Json]) -> None:
        index = event.get("summary_index", event.get("content_index"))
        place = (_PARTS.get(kind) or _VALUES[kind], whole(index) or 0)
        if kind in _PARTS:
            part_kind = "summary_text" if kind == "reasoning_summary_text" else kind
            self.parts[place] = {"type": part_kind}
        self.pieces.setdefault(place, []).append(text(event.get("delta")))

    def whole(self) -> dict[str, Json]:
        item = dict(self.known)
        for (name, index), pieces in sorted(self.pieces.items()):
            joined = "".join(pieces)
            part = self.parts.get((name, index))
            if part is None:
                item[name] = text(item.get(name)) + joined
            else:
                held = "refusal" if part["type"] == "refusal" else "text"
                item[name] = [*items(item.get(name)), {**part, held: joined}]
        return item


def _joined(events: Iterable[dict[str, Json]]) -> dict[str, Json]:
    """Rebuild, from a stream's events, the body that would have come without streaming."""
    body: dict[str, Json] = {}
    output: dict[int, _Item] = {}
    for event in events:
        index = whole(event.get("output_index")) or 0
        kind = text(event.get("type")).removeprefix("response.")
        delta = kind.removesuffix(".delta")
        if isinstance(event.get("response"), dict):
            body = {**body, **fields(event["response"])}
        elif kind in {"output_item.added", "output_item.done"}:
            output[index] = _Item(fields(event.get("item")))
        elif delta != kind and (delta in _PARTS or delta in _VALUES):
            output.setdefault(index, _Item(_begun(delta))).add(delta, event)
        elif kind == "error" or event.get("error"):
            body["error"] = event.get("error") or {
                name: event.get(name) for name in ("code", "message")
            }
    # Some services leave the output out of the last event, of a response that is whole.
    whole_output = items(body.get("output"))
    body["output"] = whole_output or [output[index].whole() for index in sorted(output)]
    return body


def _begun(delta: str) -> dict[str, Json]:
    """Give the kind of item that a delta is of: its start may be lost with a stream's head."""
    if delta in _VALUES:
        return {"type": delta.rpartition("_")[0]}
    kind = "reasoning" if delta.startswith("reasoning") else "message"
    return {"type": kind, "role": "assistant"}
