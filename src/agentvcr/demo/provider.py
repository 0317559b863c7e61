"""A loopback provider in the shape of OpenAI's chat completions, with a search tool beside it.

Owns the wire: HTTP/1.1 keep-alive, JSON, server-sent events, errors in OpenAI's shape. Does not own
the words (`script`) nor what the search knows (`tools`). `python -m agentvcr.demo.provider` prints
its port and serves until its standard input ends.
"""

from __future__ import annotations

import json
import random
import socket
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self, TextIO, cast
from urllib.parse import parse_qs, urlsplit

from agentvcr.demo import script, tools

MODEL = "demo-1"
_CHAT = "/v1/chat/completions"
_SEARCH = "/search"
_WORDS_PER_PIECE = 3

Json = dict[str, Any]  # a JSON object: its values are whatever the peer sent


class ProviderError(Exception):
    """A refusal, as OpenAI words it."""

    def __init__(self, status: int, message: str, *, param: str | None = None) -> None:
        """Keep what the answer will say."""
        super().__init__(message)
        self.status = status
        self.param = param

    def body(self) -> Json:
        """The answer's JSON."""
        error = {
            "message": str(self),
            "type": "invalid_request_error",
            "param": self.param,
            "code": None,
        }
        return {"error": error}


class DemoProvider(ThreadingHTTPServer):
    """The server; as a context manager it serves from a thread of its own.

    Attributes:
        seed: What this provider's choice of words comes from.
        delay_s: The pause before each streamed piece.
    """

    daemon_threads = True

    def __init__(self, *, seed: int | None = None, delay_s: float = 0.03, port: int = 0) -> None:
        """Bind to loopback; port 0 takes a free one."""
        super().__init__(("127.0.0.1", port), _Handler)
        self.seed = random.SystemRandom().getrandbits(32) if seed is None else seed
        self.delay_s = delay_s
        self._counting = threading.Lock()
        self._counts = {_CHAT: 0, _SEARCH: 0}
        self._serving = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self.server_address[1]

    @property
    def base_url(self) -> str:
        """Where it is, without a path."""
        return f"http://127.0.0.1:{self.port}"

    def count(self, path: str) -> int:
        """Count one more request to `path`, and say which one it is."""
        with self._counting:
            self._counts[path] += 1
            return self._counts[path]

    def server_bind(self) -> None:
        """Bind without the name look-up of `HTTPServer`, which may ask a DNS server."""
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "127.0.0.1", self.port

    def handle_error(self, request: object, client_address: object) -> None:
        """Let a client go before it has heard everything, as the SDKs do after `[DONE]`."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(cast("socket.socket", request), client_address)

    def __enter__(self) -> Self:
        """Start serving."""
        self._serving.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop serving and close the socket."""
        self.shutdown()
        self._serving.join()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def provider(self) -> DemoProvider:
        """The server, by its own type."""
        return cast("DemoProvider", self.server)

    def do_GET(self) -> None:
        """Answer a search."""
        url = urlsplit(self.path)
        query = parse_qs(url.query).get("q")
        if url.path != _SEARCH:
            self._send_error(ProviderError(404, f"Unknown URL: GET {url.path}"))
        elif query is None:
            self._send_error(ProviderError(400, "The parameter q is missing.", param="q"))
        else:
            self._send_json(200, tools.search(query[0], number=self.provider.count(_SEARCH)))

    def do_POST(self) -> None:
        """Answer a chat completion, plain or streamed."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            asked = self._parse(body)
        except ProviderError as error:
            self._send_error(error)
            return
        call = self.provider.count(_CHAT)
        said = script.reply(asked["messages"], call=call, seed=self.provider.seed)
        completion = _Completion(call, asked, said)
        if asked.get("stream"):
            self._send_events(completion.events())
        else:
            self._send_json(200, completion.whole())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing: the terminal belongs to the demo."""

    def _parse(self, body: bytes) -> Json:
        if self.path != _CHAT:
            raise ProviderError(404, f"Unknown URL: POST {self.path}")
        try:
            asked = json.loads(body)
        except ValueError:
            raise ProviderError(400, "The body is not JSON.") from None
        if not isinstance(asked, dict):
            raise ProviderError(400, "The body is not a JSON object.")
        messages = asked.get("messages")
        if not isinstance(messages, list) or not messages:
            raise ProviderError(400, "messages must be a non-empty list.", param="messages")
        if not all(isinstance(message, dict) for message in messages):
            raise ProviderError(400, "Each message must be an object.", param="messages")
        return asked

    def _send_error(self, error: ProviderError) -> None:
        self._send_json(error.status, error.body())

    def _send_json(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _send_events(self, events: Iterator[Json]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for event in events:
            time.sleep(self.provider.delay_s)
            self._send_piece(f"data: {json.dumps(event)}\n\n".encode())
        self._send_piece(b"data: [DONE]\n\n")
        self._send_piece(b"")

    def _send_piece(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))


class _Completion:
    """A reply in OpenAI's shape, whole or in pieces."""

    def __init__(self, call: int, asked: Json, said: script.Reply) -> None:
        self._said = said
        self._streams_usage = bool((asked.get("stream_options") or {}).get("include_usage"))
        self._finish = "tool_calls" if said.tool_call else "stop"
        self._usage = _usage(asked["messages"], said)
        self._head = {
            "id": f"chatcmpl-demo-{call:06d}",
            "created": int(time.time()),
            "model": asked.get("model", MODEL),
        }

    def whole(self) -> Json:
        """The answer to a plain request."""
        message: Json = {"role": "assistant", "content": self._said.text}
        if self._said.tool_call:
            message["tool_calls"] = [_wire_call(self._said.tool_call)]
        choice = {"index": 0, "message": message, "finish_reason": self._finish}
        return {
            **self._head,
            "object": "chat.completion",
            "choices": [choice],
            "usage": self._usage,
        }

    def events(self) -> Iterator[Json]:
        """The pieces of the answer to a streamed request."""
        yield self._event({"role": "assistant", "content": ""})
        for piece in _pieces(self._said.text):
            yield self._event({"content": piece})
        if self._said.tool_call:
            yield from self._call_events(self._said.tool_call)
        yield self._event({}, finish=self._finish)
        if self._streams_usage:
            yield self._chunk(choices=[], usage=self._usage)

    def _call_events(self, call: script.ToolCall) -> Iterator[Json]:
        head = {**_wire_call(call), "index": 0}
        yield self._event(
            {"tool_calls": [{**head, "function": {"name": call.name, "arguments": ""}}]}
        )
        middle = len(call.arguments) // 2
        for part in (call.arguments[:middle], call.arguments[middle:]):
            yield self._event({"tool_calls": [{"index": 0, "function": {"arguments": part}}]})

    def _event(self, delta: Json, *, finish: str | None = None) -> Json:
        return self._chunk(choices=[{"index": 0, "delta": delta, "finish_reason": finish}])

    def _chunk(self, **rest: object) -> Json:
        return {**self._head, "object": "chat.completion.chunk", **rest}


def _wire_call(call: script.ToolCall) -> Json:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _pieces(text: str) -> Iterator[str]:
    words = text.split(" ")
    for start in range(0, len(words), _WORDS_PER_PIECE):
        piece = " ".join(words[start : start + _WORDS_PER_PIECE])
        yield piece if start == 0 else f" {piece}"


def _usage(messages: list[script.Message], said: script.Reply) -> dict[str, int]:
    """Count tokens as words: no tokenizer is needed to tell a small step from a big one."""
    asked = sum(len(str(message.get("content") or "").split()) for message in messages)
    arguments = said.tool_call.arguments if said.tool_call else ""
    answered = len(said.text.split()) + len(arguments.split())
    return {
        "prompt_tokens": asked,
        "completion_tokens": answered,
        "total_tokens": asked + answered,
    }


def serve(ready: TextIO, until_end_of: TextIO) -> None:
    """Serve until `until_end_of` ends, which it also does when the one who started us dies."""
    with DemoProvider() as provider:
        print(provider.port, file=ready, flush=True)
        until_end_of.read()


if __name__ == "__main__":
    serve(sys.stdout, sys.stdin)
