"""A provider in trouble: speaks OpenAI's chat completions and Anthropic's messages, each its way.

The first part of the path says what the trouble is. Answers carry a counter, so that one which went
to another caller, or was asked for anew, shows. An SDK says in a header how often it has asked
before: the third time a busy provider answers.
"""

import itertools
from typing import Any

from tests.support import wire
from tests.support.loopback import Line, LoopbackServer
from tests.support.wire import Asked

LATE_S = 0.6
_TRIES = 2
_GAP_S = 0.01
_BEFORE_IT_STALLS = 6


class TroubledProvider(LoopbackServer):
    """Answers as the first part of the path says."""

    def __init__(self) -> None:
        super().__init__()
        self._counter = itertools.count(1)

    def answer(self, asked: Asked, line: Line) -> None:
        trouble = asked.path.split("/")[1]
        tried = int(asked.header("x-stainless-retry-count") or 0)
        name, is_chat = f"{next(self._counter)}", asked.path.endswith("/chat/completions")
        if trouble == "busy" and tried < _TRIES:
            line.send(wire.whole(429, b'{"error": {"type": "rate_limit", "message": "busy"}}'))
        elif trouble == "full" and tried < _TRIES:
            after = ("Retry-After", "0.7")
            line.send(wire.whole(429, b'{"error": {"message": "full"}}', [wire.JSON_TYPE, after]))
        elif trouble == "never":
            line.hang()
        elif trouble in ("endless", "stalls"):
            self._stream(name, line, _EVENTS[is_chat], does_stall=trouble == "stalls")
        else:
            line.pause(LATE_S if trouble == "late" and not tried else 0)
            line.send(wire.whole_json(_WHOLE[is_chat](name)))

    def _stream(self, name: str, line: Line, event: Any, *, does_stall: bool) -> None:
        line.send(wire.head(200, [wire.EVENTS_TYPE, wire.CHUNKED]))
        for number in itertools.count():
            if does_stall and number == _BEFORE_IT_STALLS:
                line.hang()
            line.send(wire.piece(event(name, number)))
            line.pause(_GAP_S)


def _chat(name: str, kind: str, **choice: Any) -> dict[str, Any]:
    choices = [{"index": 0, "finish_reason": None, **choice}]
    return {"id": f"chat-{name}", "object": kind, "created": 1, "model": "one", "choices": choices}


def _chat_whole(name: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": f"answer {name}"}
    return _chat(name, "chat.completion", message=message)


def _chat_event(name: str, number: int) -> bytes:
    delta = {"content": f"piece {number} of {name}"}
    return wire.event(_chat(name, "chat.completion.chunk", delta=delta))


def _message(name: str, *content: Any) -> dict[str, Any]:
    usage = {"input_tokens": 1, "output_tokens": 1}
    head = {"id": f"message-{name}", "type": "message", "role": "assistant", "model": "one"}
    return {**head, "content": content, "stop_reason": None, "stop_sequence": None, "usage": usage}


def _message_whole(name: str) -> dict[str, Any]:
    return _message(name, {"type": "text", "text": f"answer {name}"})


def _message_event(name: str, number: int) -> bytes:
    event: dict[str, Any] = {"type": "message_start", "message": _message(name)}
    if number == 1:
        text = {"type": "text", "text": ""}
        event = {"type": "content_block_start", "index": 0, "content_block": text}
    elif number:
        delta = {"type": "text_delta", "text": f"piece {number} of {name}"}
        event = {"type": "content_block_delta", "index": 0, "delta": delta}
    return f"event: {event['type']}\n".encode() + wire.event(event)


_WHOLE = {True: _chat_whole, False: _message_whole}
_EVENTS = {True: _chat_event, False: _message_event}
