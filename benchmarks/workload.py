"""What the benchmark asks and what it is answered: the same bytes for every way of asking.

Owns the request bodies and the answers. Does not measure and knows no recorder.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import NamedTuple

Json = dict[str, object]

TURNS = 20
"""Requests measured in one conversation."""
SDK_CHUNKS = 57

_VOCABULARY = """
the agent plans a route and asks the weather tool about wind rain snow heat tides before it writes
down which town to visit next who will pay for dinner where the train leaves what the museum costs
on Sundays why nobody answered yesterday when the last ferry returns
"""
_WORDS = _VOCABULARY.split()


class Load(NamedTuple):
    """One kind of exchange."""

    title: str
    path: str
    streamed: bool
    body: Callable[[int, int], Json]
    """Makes the request body of a conversation's turn, no two the same; the client encodes it."""


class Answer(NamedTuple):
    """What the server says: a JSON body in one piece, or a stream of events."""

    content_type: str
    chunks: list[bytes]
    gap_s: float
    """Pause before the JSON body, or before each event."""


def _prose(seed: int, size: int) -> str:
    words = random.Random(seed)
    text = ""
    while len(text) < size:
        text += words.choice(_WORDS) + " "
    return text.strip()


def _message(role: str, seed: int, size: int) -> Json:
    return {"role": role, "content": _prose(seed, size)}


_HISTORY = [_message("assistant" if turn % 2 else "user", turn, 550) for turn in range(100)]
_GROWTH = [_message("user", 1000 + turn, 300) for turn in range(TURNS)]


def _small(conversation: int, turn: int) -> Json:
    return {"city": "Lima", "day": turn, "unit": "celsius", "of": conversation}


def _chat(conversation: int, turn: int) -> Json:
    message = _message("user", conversation * 1000 + turn, 700)
    return {"model": "bench", "stream": True, "seed": turn, "messages": [message]}


def _growing(conversation: int, turn: int) -> Json:
    first: Json = {"role": "system", "content": f"run {conversation}"}
    messages = [first, *_HISTORY, *_GROWTH[: turn % TURNS + 1]]
    return {"model": "bench", "messages": messages, "temperature": 0, "seed": turn}


LOADS = {
    "small": Load("small JSON", "/small", streamed=False, body=_small),
    "stream": Load("60-chunk SSE", "/stream", streamed=True, body=_chat),
    "growing": Load("60 KB growing request", "/growing", streamed=False, body=_growing),
    "waiting": Load("60 KB request, answered in 20 ms", "/waiting", streamed=False, body=_growing),
    "growing-stream": Load("60 KB request, 53 chunks", "/chunks", streamed=True, body=_growing),
    "slow": Load("10 chunks, 20 ms apart", "/slow", streamed=True, body=_chat),
}


def _event(number: int, word: str | None) -> bytes:
    choice = {
        "index": 0,
        "delta": {} if word is None else {"content": word},
        "finish_reason": "stop" if word is None else None,
    }
    event = {
        "id": "chatcmpl-bench00000001",
        "object": "chat.completion.chunk",
        "created": 1_760_000_000 + number // 1000,
        "model": "bench",
        "choices": [choice],
    }
    return b"data: %s\n\n" % json.dumps(event).encode()


def _events(count: int) -> list[bytes]:
    words = random.Random(7)
    spoken = [_event(number, words.choice(_WORDS) + " ") for number in range(count - 2)]
    return [*spoken, _event(count, None), b"data: [DONE]\n\n"]


def _completion() -> bytes:
    message = {"role": "assistant", "content": _prose(3, 300)}
    return json.dumps(
        {
            "id": "chatcmpl-bench00000002",
            "object": "chat.completion",
            "created": 1_760_000_000,
            "model": "bench",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 15000, "completion_tokens": 70, "total_tokens": 15070},
        }
    ).encode()


_JSON, _SSE = "application/json", "text/event-stream"
ANSWERS = {
    "/small": Answer(_JSON, [b'{"city":"Lima","sky":"overcast","high":19,"low":15}'], 0),
    "/stream": Answer(_SSE, _events(60), 0),
    "/growing": Answer(_JSON, [_completion()], 0),
    "/waiting": Answer(_JSON, [_completion()], 0.02),
    "/chunks": Answer(_SSE, _events(53), 0),
    "/slow": Answer(_SSE, _events(10), 0.02),
    "/v1/chat/completions": Answer(_SSE, _events(SDK_CHUNKS), 0),
}
"""Answers by path."""
