"""What providers other than OpenAI are asked, and how they answer: whole and streamed.

Owns the wire formats of Anthropic, Gemini, Bedrock, Cohere and Ollama, with words and ids that are
made up (`provider`). Does not listen (`sdk_provider`).
"""

import base64
import json
from collections.abc import Callable, Iterable, Iterator

from tests.frameworks.provider import CHANCE, Asked, Call, Data, answer_to, made_id, pieces
from tests.support import eventstream


def _usage(given: str, made: str, **beside: int) -> Data:
    return {given: CHANCE.randint(40, 900), made: CHANCE.randint(5, 300), **beside}


def _called(messages: Iterable[Data], names: Callable[[Data], Iterator[str]]) -> list[str]:
    """Name the tools that were called since the user last spoke."""
    called: list[str] = []
    for message in messages:
        found = list(names(message))
        if message["role"] == "user" and not _gives_results(message):
            called.clear()
        called += found
    return called


def _gives_results(message: Data) -> bool:
    parts = message.get("content") or message.get("parts") or []
    results = ("toolResult", "functionResponse")
    return isinstance(parts, list) and any(
        part.get("type") == "tool_result" or any(name in part for name in results) for part in parts
    )


def _asked(body: Data, called: list[str], tools: dict[str, Data], *, streamed: bool) -> Asked:
    return Asked(body.get("model", ""), called, tools, None, one_call=False, streamed=streamed)


# --- Anthropic ------------------------------------------------------------------------------------


def read_messages(body: Data) -> Asked:
    """Read a request to /v1/messages."""

    def names(message: Data) -> Iterator[str]:
        for block in message["content"] if isinstance(message["content"], list) else []:
            if block["type"] == "tool_use":
                yield block["name"]

    tools = {tool["name"]: tool["input_schema"] for tool in body.get("tools") or []}
    called = _called(body["messages"], names)
    return _asked(body, called, tools, streamed=bool(body.get("stream")))


def messages_whole(asked: Asked) -> Data:
    """Answer in one piece."""
    said = answer_to(asked)
    content: list[Data] = [{"type": "text", "text": said}]
    if not isinstance(said, str):
        content = [
            {"type": "tool_use", "id": one.id, "name": one.name, "input": json.loads(one.arguments)}
            for one in said
        ]
    return {
        "id": made_id("msg_"),
        "type": "message",
        "role": "assistant",
        "model": asked.model,
        "content": content,
        "stop_reason": "end_turn" if isinstance(said, str) else "tool_use",
        "stop_sequence": None,
        "usage": _usage("input_tokens", "output_tokens"),
    }


def messages_events(asked: Asked) -> Iterator[bytes]:
    """Answer as a stream of events."""
    whole = messages_whole(asked)
    usage = whole["usage"]
    begun = {"content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    told: list[Data] = [
        {"type": "message_start", "message": {**whole, **begun}},
        {"type": "ping"},
    ]
    for index, block in enumerate(whole["content"]):
        key, kind, text = ("text", "text_delta", block.get("text"))
        if block["type"] == "tool_use":
            key, kind, text = "partial_json", "input_json_delta", json.dumps(block["input"])
        empty = {**block, **({"text": ""} if key == "text" else {"input": {}})}
        told.append({"type": "content_block_start", "index": index, "content_block": empty})
        for piece in pieces(text):
            delta = {"type": kind, key: piece}
            told.append({"type": "content_block_delta", "index": index, "delta": delta})
        told.append({"type": "content_block_stop", "index": index})
    end = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    told += [{"type": "message_delta", "delta": end, "usage": usage}, {"type": "message_stop"}]
    for event in told:
        yield f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


# --- Gemini ---------------------------------------------------------------------------------------


def read_contents(body: Data) -> Asked:
    """Read a request to generateContent."""

    def names(message: Data) -> Iterator[str]:
        for part in message["parts"]:
            if "functionCall" in part:
                yield part["functionCall"]["name"]

    declared = [
        one for tool in body.get("tools") or [] for one in tool.get("functionDeclarations") or []
    ]
    tools = {one["name"]: _lower(one.get("parameters") or {}) for one in declared}
    return _asked(body, _called(body["contents"], names), tools, streamed=False)


def _lower(schema: Data) -> Data:
    """Spell the types of a schema as JSON schemas do."""
    if isinstance(schema, dict):
        return {
            key: value.lower() if key == "type" and isinstance(value, str) else _lower(value)
            for key, value in schema.items()
        }
    return schema


def _generated(asked: Asked, parts: list[Data], *, last: bool = True) -> Data:
    usage = _usage("promptTokenCount", "candidatesTokenCount")
    end = {"finishReason": "STOP"} if last else {}
    return {
        "candidates": [{"content": {"parts": parts, "role": "model"}, "index": 0, **end}],
        "usageMetadata": {**usage, "totalTokenCount": sum(usage.values())},
        "modelVersion": asked.model,
        "responseId": made_id("")[:22],
    }


def _parts(said: list[Call] | str) -> list[Data]:
    if isinstance(said, str):
        return [{"text": said}]
    sign = base64.b64encode(made_id("").encode()).decode()
    return [
        {
            "functionCall": {"name": one.name, "args": json.loads(one.arguments), "id": one.id},
            "thoughtSignature": sign,
        }
        for one in said
    ]


def contents_whole(asked: Asked) -> Data:
    """Answer in one piece."""
    return _generated(asked, _parts(answer_to(asked)))


def contents_events(asked: Asked) -> Iterator[bytes]:
    """Answer as a stream of events."""
    said = answer_to(asked)
    parts = [{"text": piece} for piece in pieces(said)] if isinstance(said, str) else _parts(said)
    for number, part in enumerate(parts, 1):
        chunk = _generated(asked, [part], last=number == len(parts))
        yield f"data: {json.dumps(chunk)}\r\n\r\n".encode()


# --- Bedrock --------------------------------------------------------------------------------------


def read_converse(body: Data) -> Asked:
    """Read a request to converse."""

    def names(message: Data) -> Iterator[str]:
        for block in message["content"]:
            if "toolUse" in block:
                yield block["toolUse"]["name"]

    specs = [tool["toolSpec"] for tool in (body.get("toolConfig") or {}).get("tools") or []]
    tools = {spec["name"]: spec["inputSchema"]["json"] for spec in specs}
    return _asked(body, _called(body["messages"], names), tools, streamed=False)


def _converse_end(said: list[Call] | str) -> tuple[str, Data, Data]:
    usage = _usage("inputTokens", "outputTokens")
    reason = "end_turn" if isinstance(said, str) else "tool_use"
    metrics = {"latencyMs": CHANCE.randint(100, 3000)}
    return reason, {**usage, "totalTokens": sum(usage.values())}, metrics


def converse_whole(asked: Asked) -> Data:
    """Answer in one piece."""
    said = answer_to(asked)
    content: list[Data] = [{"text": said}]
    if not isinstance(said, str):
        uses = [(one.name, one.id, json.loads(one.arguments)) for one in said]
        content = [
            {"toolUse": {"name": name, "toolUseId": call_id, "input": given}}
            for name, call_id, given in uses
        ]
    reason, usage, metrics = _converse_end(said)
    message = {"role": "assistant", "content": content}
    return {
        "output": {"message": message},
        "stopReason": reason,
        "usage": usage,
        "metrics": metrics,
    }


def converse_events(asked: Asked) -> Iterator[bytes]:
    """Answer as a stream of binary messages."""
    said = answer_to(asked)
    reason, usage, metrics = _converse_end(said)
    yield _padded("messageStart", {"role": "assistant"})
    if isinstance(said, str):
        for piece in pieces(said):
            yield _padded("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": piece}})
        yield _padded("contentBlockStop", {"contentBlockIndex": 0})
    for index, call in enumerate([] if isinstance(said, str) else said):
        at = {"contentBlockIndex": index}
        start = {"toolUse": {"toolUseId": call.id, "name": call.name}}
        yield _padded("contentBlockStart", {**at, "start": start})
        for piece in pieces(call.arguments):
            yield _padded("contentBlockDelta", {**at, "delta": {"toolUse": {"input": piece}}})
        yield _padded("contentBlockStop", at)
    yield _padded("messageStop", {"stopReason": reason})
    yield _padded("metadata", {"usage": usage, "metrics": metrics})


def _padded(name: str, value: Data) -> bytes:
    """Make an event with the padding that hides how long its text is."""
    return eventstream.event(name, {**value, "p": "abcdefghijklmnop"[: CHANCE.randint(1, 16)]})


# --- Cohere ---------------------------------------------------------------------------------------


def _cohere_end(said: list[Call] | str) -> Data:
    usage = _usage("input_tokens", "output_tokens")
    reason = "COMPLETE" if isinstance(said, str) else "TOOL_CALL"
    return {"finish_reason": reason, "usage": {"billed_units": usage, "tokens": usage}}


def _cohere_calls(said: list[Call]) -> list[Data]:
    return [{"id": one.id, "type": "function", "function": one.words()} for one in said]


def cohere_whole(asked: Asked) -> Data:
    """Answer in one piece."""
    said = answer_to(asked)
    message: Data = {"role": "assistant"}
    if isinstance(said, str):
        message["content"] = [{"type": "text", "text": said}]
    else:
        message |= {"tool_plan": "I will look.", "tool_calls": _cohere_calls(said)}
    return {"id": made_id(""), "message": message, **_cohere_end(said)}


def cohere_events(asked: Asked) -> Iterator[bytes]:
    """Answer as a stream of events."""
    said = answer_to(asked)
    empty = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": []}
    yield _cohere_event("message-start", {"message": empty}, id=made_id(""))
    if isinstance(said, str):
        start = {"message": {"content": {"type": "text", "text": ""}}}
        yield _cohere_event("content-start", start, index=0)
        for piece in pieces(said):
            delta = {"message": {"content": {"text": piece}}}
            yield _cohere_event("content-delta", delta, index=0)
        yield _cohere_event("content-end", None, index=0)
    else:
        yield _cohere_event("tool-plan-delta", {"message": {"tool_plan": "I will look."}})
        for index, call in enumerate(_cohere_calls(said)):
            arguments = call["function"].pop("arguments")
            call["function"]["arguments"] = ""
            yield _cohere_event("tool-call-start", {"message": {"tool_calls": call}}, index=index)
            for piece in pieces(arguments):
                told = {"tool_calls": {"function": {"arguments": piece}}}
                yield _cohere_event("tool-call-delta", {"message": told}, index=index)
            yield _cohere_event("tool-call-end", None, index=index)
    yield _cohere_event("message-end", _cohere_end(said))
    yield b"data: [DONE]\n\n"


def _cohere_event(kind: str, delta: Data, **beside: Data) -> bytes:
    told = {"type": kind, **beside, **({} if delta is None else {"delta": delta})}
    return f"event: {kind}\ndata: {json.dumps(told)}\n\n".encode()


# --- Ollama ---------------------------------------------------------------------------------------


def _ollama_line(asked: Asked, **message: Data) -> Data:
    made = f"2026-01-01T00:00:00.{CHANCE.randrange(10**9):09}Z"
    told = {"role": "assistant", "content": "", **message}
    return {"model": asked.model, "created_at": made, "message": told, "done": False}


def _ollama_said(said: list[Call] | str) -> Data:
    if isinstance(said, str):
        return {"content": said}
    calls = [{"name": one.name, "arguments": json.loads(one.arguments)} for one in said]
    return {"tool_calls": [{"function": call} for call in calls]}


def _ollama_end() -> Data:
    counts = _usage("prompt_eval_count", "eval_count", total_duration=CHANCE.randrange(10**9))
    return {"done": True, "done_reason": "stop", **counts}


def ollama_whole(asked: Asked) -> Data:
    """Answer in one piece."""
    return {**_ollama_line(asked, **_ollama_said(answer_to(asked))), **_ollama_end()}


def ollama_lines(asked: Asked) -> Iterator[bytes]:
    """Answer as a stream of lines."""
    said = answer_to(asked)
    parts = list(pieces(said)) if isinstance(said, str) else [said]
    for part in parts:
        yield json.dumps(_ollama_line(asked, **_ollama_said(part))).encode() + b"\n"
    yield json.dumps({**_ollama_line(asked), **_ollama_end()}).encode() + b"\n"
