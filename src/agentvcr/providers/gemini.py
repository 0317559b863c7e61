"""Google's Gemini API, and the same on Vertex AI.

Owns that API's request, answer and stream. Does not know the OpenAI-shaped API beside it, nor other
makers' models on Vertex AI.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote

from agentvcr.model.conversation import Answer, Message, Prompt, ToolCall, ToolResult
from agentvcr.providers.base import attachment, error_text, path_of
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
    from collections.abc import Iterable, Iterator, Mapping

    from agentvcr.model.exchange import Request, Response

NAME = "gemini"

_PATH = re.compile(r"/(?:models|tunedModels|endpoints)/([^/:]+):(?:streamG|g)enerateContent$")
_GIVEN = ("promptTokenCount", "toolUsePromptTokenCount")
_MADE = ("candidatesTokenCount", "thoughtsTokenCount")
_CALLS = {"functionCall": "", "executableCode": "code_execution", "toolCall": "toolType"}
_RESULTS = {
    "functionResponse": "response",
    "codeExecutionResult": "output",
    "toolResponse": "response",
}
_BESIDE = {"thought", "thoughtSignature", "videoMetadata", "partMetadata"}
"""What may stand beside a part's content."""


def recognises(request: Request) -> bool:
    """Tell whether a request asks a model to generate content."""
    return request.method.upper() == "POST" and _PATH.search(path_of(request)) is not None


def model_of(request: Request) -> str:
    """Give the model, from the address."""
    found = _PATH.search(path_of(request))
    return unquote(found[1]) if found else ""


def read_prompt(request: Request) -> Prompt | None:
    """Read the system instruction, the contents and the tools on offer."""
    body = fields(json_of(request_content(request)))
    if "contents" not in body:
        return None
    contents = body["contents"]
    system = _either(body, "systemInstruction", "system_instruction")
    return Prompt(
        model=model_of(request),
        system=system if isinstance(system, str) else _message("system", _parts(system)).text,
        messages=tuple(
            _message(text(fields(content).get("role")) or "user", _parts(content))
            for content in (contents if isinstance(contents, list) else [contents])
        ),
        tools=tuple(_tool_names(items(body.get("tools")))),
    )


def read_answer(response: Response) -> Answer | None:
    """Read the candidates, from one JSON body, from an array of them or from events."""
    content = response_content(response)
    events = is_stream(response.headers, content)
    streamed = events or content.lstrip().startswith(b"[")
    if events:
        body = _joined(event_objects(content))
    else:
        body = _joined(_array(content)) if streamed else fields(json_of(content))
    candidates = [fields(candidate) for candidate in items(body.get("candidates"))]
    error = _error(body)
    if not candidates and not error and not streamed and "usageMetadata" not in body:
        return None
    usage = fields(body.get("usageMetadata"))
    messages = [_message("model", _parts(candidate.get("content"))) for candidate in candidates]
    return Answer(
        message=messages[0] if messages else Message(role="model"),
        others=tuple(messages[1:]),
        model=text(body.get("modelVersion")),
        finish=text(candidates[0].get("finishReason")) if candidates else _blocked(body),
        input_tokens=_sum(usage, _GIVEN),
        output_tokens=_sum(usage, _MADE),
        streamed=streamed,
        error=error,
    )


def refusal(status: int, message: str, code: str) -> dict[str, Json]:
    """Refuse a request in this API's words."""
    del code
    return {"error": {"code": status, "message": message, "status": "INVALID_ARGUMENT"}}


def _either(value: dict[str, Json], *names: str) -> Json:
    """Give a field under the first of the spellings that the service takes."""
    return next((value[name] for name in names if name in value), None)


def _parts(content: Json) -> list[Json]:
    if isinstance(content, str):
        return [{"text": content}]
    parts = fields(content).get("parts")
    return parts if isinstance(parts, list) else [parts] if isinstance(parts, dict) else []


def _tool_names(tools: list[Json]) -> Iterator[str]:
    for tool in map(fields, tools):
        for name, value in tool.items():
            if name in {"functionDeclarations", "function_declarations"}:
                for declared in items(value):
                    yield text(fields(declared).get("name"))
            else:  # a tool that the service runs itself has a key and no name
                yield name


def _sum(usage: dict[str, Json], names: tuple[str, ...]) -> int | None:
    known = [count for name in names if (count := whole(usage.get(name))) is not None]
    return sum(known) if known else None


def _error(body: dict[str, Json]) -> str:
    error = fields(body.get("error"))
    return error_text({"error": {**error, "type": error.get("status")}} if error else body)


def _blocked(body: dict[str, Json]) -> str:
    return text(fields(body.get("promptFeedback")).get("blockReason"))


def _message(role: str, parts: list[Json]) -> Message:
    said: list[str] = []
    thinking: list[str] = []
    calls: list[ToolCall] = []
    results: list[ToolResult] = []
    attachments: list[str] = []
    for item in parts:
        part = _spelled({"text": item} if isinstance(item, str) else fields(item))
        kind = next((name for name in part if name not in _BESIDE), "")
        described = fields(part.get(kind))
        if kind == "text":
            (thinking if part.get("thought") is True else said).append(text(part["text"]))
        elif kind in _CALLS:
            calls.append(_tool_call(kind, described))
        elif kind in _RESULTS:
            results.append(_tool_result(kind, described))
        elif kind:
            attachments.append(attachment({"type": kind, kind: part[kind]}))
    # An answer comes as fragments of one text; a prompt's parts are texts apart.
    return Message(
        role=role,
        text=("" if role == "model" else "\n").join(said),
        thinking="".join(thinking),
        tool_calls=tuple(calls),
        tool_results=tuple(results),
        attachments=tuple(attachments),
    )


def _spelled(part: Mapping[str, Json]) -> dict[str, Json]:
    """Spell the fields of a part as answers do: `function_call` is `functionCall` too."""
    return {
        re.sub("_([a-z])", lambda found: found[1].upper(), name): value
        for name, value in part.items()
    }


def _tool_call(kind: str, call: dict[str, Json]) -> ToolCall:
    other = {name: value for name, value in call.items() if name not in {"id", "name"}}
    name = text(call.get("name")) or text(call.get(_CALLS[kind])) or _CALLS[kind]
    arguments = call.get("args", {} if kind == "functionCall" else other)
    return ToolCall(id=text(call.get("id")), name=name, arguments=json_text(arguments))


def _tool_result(kind: str, result: dict[str, Json]) -> ToolResult:
    # Without an id it is the name that tells which call it answers.
    call_id = text(result.get("id")) or text(result.get("name"))
    return ToolResult(call_id=call_id, text=json_text(result.get(_RESULTS[kind], result)))


@dataclass
class _Candidate:
    """A candidate that is arriving in pieces."""

    parts: list[Json] = field(default_factory=list)
    finish: str = ""

    def add(self, candidate: dict[str, Json]) -> None:
        self.parts += _parts(candidate.get("content"))
        self.finish = text(candidate.get("finishReason")) or self.finish

    def whole(self) -> dict[str, Json]:
        return {"content": {"parts": self.parts}, "finishReason": self.finish}


def _array(content: bytes) -> Iterator[dict[str, Json]]:
    """Give the objects of an array, of one that was cut those that are whole."""
    parsed = json_of(content)
    if parsed is not None:
        yield from map(fields, items(parsed))
        return
    written, at = content.decode("utf-8", "replace"), 1
    decoder = json.JSONDecoder()
    while (at := written.find("{", at)) >= 0:
        try:
            value, at = decoder.raw_decode(written, at)
        except (ValueError, RecursionError):
            return
        yield fields(value)


def _joined(chunks: Iterable[dict[str, Json]]) -> dict[str, Json]:
    """Rebuild, from a stream's chunks, the body that would have come without streaming."""
    candidates: dict[int, _Candidate] = {}
    body: dict[str, Json] = {}
    for chunk in chunks:
        body.update({name: value for name, value in chunk.items() if value is not None})
        for candidate in map(fields, items(chunk.get("candidates"))):
            index = whole(candidate.get("index")) or 0
            candidates.setdefault(index, _Candidate()).add(candidate)
    body["candidates"] = [candidates[index].whole() for index in sorted(candidates)]
    return body
