"""A model provider on loopback that never answers alike twice: words, ids and counts are drawn.

Owns which tools are called when, made-up data after a JSON schema, and two APIs of OpenAI's: chat
completions and responses, whole and streamed. Knows no framework: what it does follows from the
tools on offer. As a process of its own it prints its address and serves until its input ends.
"""

import dataclasses
import http.server
import json
import random
import socketserver
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

CHANCE = random.SystemRandom()
HANDOFFS = ("transfer", "delegate", "handoff")
"""How tools begin that give the work to another agent: called when no plain tool is left."""
LAST = ("final_",)
"""How tools begin that end an agent's work with data: called when nothing else is left."""
_LONGEST_THOUGHT_S = 0.03
_SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]

Data = Any  # what JSON holds


# --- chance ---------------------------------------------------------------------------------------


def word() -> str:
    """Make up one word."""
    return "".join(CHANCE.choices(_SYLLABLES, k=CHANCE.randint(3, 5)))


def text() -> str:
    """Make up a sentence or two."""
    return " ".join(word() for _ in range(CHANCE.randint(6, 24))).capitalize() + "."


def made_id(start: str) -> str:
    """Make up an id."""
    return f"{start}{CHANCE.getrandbits(96):024x}"


def data_after(schema: Data, root: Data = None) -> Data:
    """Make up data that a JSON schema allows."""
    root = schema if root is None else root
    if "$ref" in schema:
        found = root
        for name in schema["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        return data_after(found, root)
    if "const" in schema or "enum" in schema:
        return schema["const"] if "const" in schema else CHANCE.choice(schema["enum"])
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            real = [one for one in schema[several] if one.get("type") != "null"]
            return data_after(real[0], root) if real else None
    return _data_of_type(schema, root)


def _data_of_type(schema: Data, root: Data) -> Data:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if kind == "object":
        fields = schema.get("properties", {})
        return {name: data_after(field, root) for name, field in fields.items()}
    if kind == "array":
        least = schema.get("minItems", 2)
        count = CHANCE.randint(least, schema.get("maxItems", least + 1))
        return [data_after(schema.get("items", {}), root) for _ in range(count)]
    if kind in ("integer", "number"):
        least = int(schema.get("minimum", 1))
        most = int(schema.get("maximum", max(least, 1) * 1000))
        return CHANCE.randint(least, most)
    return {"boolean": CHANCE.random() < 1 / 2, "null": None}.get(kind, f"{word()} {word()}")


# --- what is asked, and what to answer ------------------------------------------------------------


@dataclasses.dataclass
class Asked:
    """A request in words that both APIs share.

    Attributes:
        called: Names of the tools that were called since the user last spoke.
        tools: What is on offer: names and the schemas of their arguments.
        schema: What an answer in data must look like, if data is asked for.
    """

    model: str
    called: list[str]
    tools: dict[str, Data]
    schema: Data
    one_call: bool
    streamed: bool


@dataclasses.dataclass
class Call:
    name: str
    arguments: str
    id: str

    def words(self) -> Data:
        """Give what both APIs say of a call."""
        return {"name": self.name, "arguments": self.arguments}


def answer_to(asked: Asked) -> list[Call] | str:
    """Decide: plain tools side by side, then a handoff, then the tool that ends it, else words."""
    open_tools = [name for name in asked.tools if name not in asked.called]
    handoffs = [name for name in open_tools if name.startswith(HANDOFFS)]
    lasts = [name for name in open_tools if name.startswith(LAST)]
    plain = [name for name in open_tools if not name.startswith(HANDOFFS + LAST)]
    chosen = (plain[:1] if asked.one_call else plain) or handoffs[:1] or lasts[:1]
    if chosen:
        return [
            Call(name, json.dumps(data_after(asked.tools[name] or {})), made_id("call_"))
            for name in chosen
        ]
    return json.dumps(data_after(asked.schema)) if asked.schema else text()


def pieces(whole: str) -> Iterator[str]:
    """Cut as a stream does: anywhere."""
    while whole:
        size = CHANCE.randint(1, 12)
        yield whole[:size]
        whole = whole[size:]


# --- chat completions -----------------------------------------------------------------------------


def read_chat(body: Data) -> Asked:
    """Read a request to /chat/completions."""
    called: list[str] = []
    for message in body["messages"]:
        if message["role"] == "user":
            called.clear()
        called += [call["function"]["name"] for call in message.get("tool_calls") or []]
    functions = [tool["function"] for tool in body.get("tools") or [] if "function" in tool]
    return Asked(
        model=body["model"],
        called=called,
        tools={one["name"]: one.get("parameters") for one in functions},
        schema=(body.get("response_format") or {}).get("json_schema", {}).get("schema"),
        one_call=body.get("parallel_tool_calls") is False,
        streamed=bool(body.get("stream")),
    )


def _chat_usage() -> Data:
    given, made = CHANCE.randint(40, 900), CHANCE.randint(5, 300)
    return {"prompt_tokens": given, "completion_tokens": made, "total_tokens": given + made}


def _chat_calls(calls: list[Call]) -> list[Data]:
    return [{"id": call.id, "type": "function", "function": call.words()} for call in calls]


def _chat_head(asked: Asked, kind: str) -> Data:
    return {
        "id": made_id("chatcmpl-"),
        "object": kind,
        "created": int(time.time()),
        "model": asked.model,
        "system_fingerprint": made_id("fp_"),
    }


def chat_whole(asked: Asked) -> Data:
    """Answer in one piece."""
    said = answer_to(asked)
    message: Data = {"role": "assistant", "content": said}
    if not isinstance(said, str):
        message |= {"content": None, "tool_calls": _chat_calls(said)}
    finish = "stop" if isinstance(said, str) else "tool_calls"
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    head = _chat_head(asked, "chat.completion")
    return {**head, "choices": [choice], "usage": _chat_usage()}


def chat_events(asked: Asked) -> Iterator[str]:
    """Answer as a stream of events."""
    said = answer_to(asked)
    head = _chat_head(asked, "chat.completion.chunk")

    def event(delta: Data, finish: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return f"data: {json.dumps({**head, 'choices': [choice]})}\n\n"

    yield event({"role": "assistant", "content": "" if isinstance(said, str) else None})
    if isinstance(said, str):
        for piece in pieces(said):
            yield event({"content": piece})
    else:
        for index, call in enumerate(_chat_calls(said)):
            arguments = call["function"]["arguments"]
            call["function"]["arguments"] = ""
            yield event({"tool_calls": [{"index": index, **call}]})
            for piece in pieces(arguments):
                part = {"index": index, "function": {"arguments": piece}}
                yield event({"tool_calls": [part]})
    yield event({}, "stop" if isinstance(said, str) else "tool_calls")
    yield f"data: {json.dumps({**head, 'choices': [], 'usage': _chat_usage()})}\n\n"
    yield "data: [DONE]\n\n"


# --- responses ------------------------------------------------------------------------------------


def read_responses(body: Data) -> Asked:
    """Read a request to /responses."""
    called: list[str] = []
    for item in body["input"] if isinstance(body["input"], list) else []:
        if item.get("role") == "user":
            called.clear()
        if item.get("type") == "function_call":
            called.append(item["name"])
    functions = [tool for tool in body.get("tools") or [] if tool["type"] == "function"]
    return Asked(
        model=body["model"],
        called=called,
        tools={one["name"]: one.get("parameters") for one in functions},
        schema=((body.get("text") or {}).get("format") or {}).get("schema"),
        one_call=body.get("parallel_tool_calls") is False,
        streamed=bool(body.get("stream")),
    )


def _items(said: list[Call] | str) -> list[Data]:
    if isinstance(said, str):
        content = [{"type": "output_text", "text": said, "annotations": [], "logprobs": []}]
        head = {"id": made_id("msg_"), "type": "message", "status": "completed"}
        return [{**head, "role": "assistant", "content": content}]
    head = {"type": "function_call", "status": "completed"}
    return [{"id": made_id("fc_"), **head, "call_id": one.id, **one.words()} for one in said]


def _response(asked: Asked, items: list[Data]) -> Data:
    given, made = CHANCE.randint(40, 900), CHANCE.randint(5, 300)
    return {
        "id": made_id("resp_"),
        "object": "response",
        "created_at": int(time.time()),
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "model": asked.model,
        "output": items,
        "parallel_tool_calls": not asked.one_call,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": given,
            "input_tokens_details": {"cached_tokens": CHANCE.randint(0, given)},
            "output_tokens": made,
            "output_tokens_details": {"reasoning_tokens": CHANCE.randint(0, made)},
            "total_tokens": given + made,
        },
    }


def responses_whole(asked: Asked) -> Data:
    """Answer in one piece."""
    return _response(asked, _items(answer_to(asked)))


def responses_events(asked: Asked) -> Iterator[str]:
    """Answer as a stream of events."""
    whole = responses_whole(asked)
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    told: list[Data] = [
        {"type": f"response.{name}", "response": begun} for name in ("created", "in_progress")
    ]
    for index, item in enumerate(whole["output"]):
        told += _item_events(item, index)
    told.append({"type": "response.completed", "response": whole})
    for number, event in enumerate(told):
        data = json.dumps({**event, "sequence_number": number})
        yield f"event: {event['type']}\ndata: {data}\n\n"


def _item_events(item: Data, index: int) -> Iterator[Data]:
    at = {"item_id": item["id"], "output_index": index}
    if item["type"] == "message":
        whole, key, kind, empty = item["content"][0]["text"], "text", "output_text", {"content": []}
        at["content_index"] = 0
    else:
        whole, key, kind = item["arguments"], "arguments", "function_call_arguments"
        empty = {"arguments": ""}
    begun = {**item, **empty, "status": "in_progress"}
    yield {"type": "response.output_item.added", "output_index": index, "item": begun}
    if "content" in item:
        blank = {**item["content"][0], "text": ""}
        yield {"type": "response.content_part.added", **at, "part": blank}
    for piece in pieces(whole):
        yield {"type": f"response.{kind}.delta", **at, "delta": piece}
    yield {"type": f"response.{kind}.done", **at, key: whole}
    if "content" in item:
        yield {"type": "response.content_part.done", **at, "part": item["content"][0]}
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


# --- the server -----------------------------------------------------------------------------------

APIS = {
    "/v1/chat/completions": (read_chat, chat_whole, chat_events),
    "/v1/responses": (read_responses, responses_whole, responses_events),
}


class _Conversation(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Provider"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append(json.loads(body))
        api = APIS.get(self.path.partition("?")[0])
        if api is None:
            self._send(404, b'{"error": {"message": "no such path"}}')
            return
        read, whole, events = api
        asked = read(json.loads(body))
        # Answers of callers side by side come in any order, as they do from a real provider.
        self.server.stopping.wait(CHANCE.uniform(0, _LONGEST_THOUGHT_S))
        if asked.streamed:
            self._stream(events(asked))
        else:
            self._send(200, json.dumps(whole(asked)).encode())

    def _begin(self, status: int, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("X-Request-Id", made_id("req_"))

    def _send(self, status: int, body: bytes) -> None:
        self._begin(status, "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, events: Iterator[str]) -> None:
        self._begin(200, "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for event in events:
            data = event.encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


class Provider(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Serves while its context is open; `base_url` is what OPENAI_BASE_URL wants.

    Attributes:
        asked: The body of every request so far.
    """

    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.asked: list[Data] = []
        self.stopping = threading.Event()
        self.base_url = f"http://127.0.0.1:{self.server_port}/v1"
        self._serving = threading.Thread(target=self.serve_forever, args=(0.05,))

    def __enter__(self):
        self._serving.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stopping.set()
        self.shutdown()
        self._serving.join()
        self.server_close()  # waits for the conversations, which end with their clients


if __name__ == "__main__":
    with Provider() as provider:
        print(provider.base_url, flush=True)
        sys.stdin.read()
