"""A chat provider whose every answer is another: each carries a global counter.

Owns the counter and the jitter. A swapped, stale or live answer in a replay shows in its number; a
live call shows in `count`.
"""

import itertools
import random
from collections.abc import Iterator

from tests.support import loopback, wire
from tests.support.loopback import Line, LoopbackServer
from tests.support.wire import Asked


class CounterServer(LoopbackServer):
    """OpenAI-shaped chat completions, plain and streamed, on any path.

    Args:
        jitter_ms: The shortest and the longest time that an answer takes.
        seed: What the times come from, together with the answer's number.
        pieces: How many pieces a streamed answer's text comes in.
        port: The port to listen on; 0 takes a free one.
    """

    def __init__(
        self,
        *,
        jitter_ms: tuple[float, float] = (10, 120),
        seed: int = 0,
        pieces: int = 4,
        port: int = 0,
    ) -> None:
        super().__init__(port=port)
        self._jitter_ms = jitter_ms
        self._seed = seed
        self._pieces = pieces
        self._numbers = itertools.count(1)

    def answer(self, asked: Asked, line: Line) -> None:
        number = next(self._numbers)
        seconds = random.Random(f"{self._seed}/{number}").uniform(*self._jitter_ms) / 1000
        model = asked.json().get("model", "counter")
        if asked.json().get("stream"):
            events = [wire.event(value) for value in self._events(number, model)]
            line.send(wire.head(200, [wire.EVENTS_TYPE, wire.CHUNKED]))
            for data in [*events, wire.event("[DONE]")]:
                line.pause(seconds / (len(events) + 1))
                line.send(wire.piece(data))
            line.send(wire.LAST_PIECE)
        else:
            line.pause(seconds)
            line.send(wire.whole_json(_completion(number, model)))

    def _events(self, number: int, model: str) -> Iterator[dict]:
        text = content(number)
        cuts = [len(text) * part // self._pieces for part in range(self._pieces + 1)]
        deltas = [{"role": "assistant", "content": ""}]
        deltas += [{"content": text[start:end]} for start, end in itertools.pairwise(cuts)]
        for delta in deltas:
            yield _event(number, model, [{"index": 0, "delta": delta, "finish_reason": None}])
        yield _event(number, model, [{"index": 0, "delta": {}, "finish_reason": "stop"}])


def content(number: int) -> str:
    """What the `number`th answer says."""
    return f"This is answer {number}."


def _head(number: int, model: str) -> dict:
    return {"id": f"chatcmpl-{number}", "created": 1_700_000_000 + number, "model": model}


def _completion(number: int, model: str) -> dict:
    message = {"role": "assistant", "content": content(number)}
    return {
        **_head(number, model),
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 4, "total_tokens": 9},
    }


def _event(number: int, model: str, choices: list) -> dict:
    return {**_head(number, model), "object": "chat.completion.chunk", "choices": choices}


def main() -> None:
    parser = loopback.arguments(__doc__)
    parser.add_argument("--jitter-ms", type=float, nargs=2, default=(10, 120))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pieces", type=int, default=4)
    asked = parser.parse_args()
    low, high = asked.jitter_ms
    loopback.serve(
        CounterServer(jitter_ms=(low, high), seed=asked.seed, pieces=asked.pieces, port=asked.port)
    )


if __name__ == "__main__":
    main()
