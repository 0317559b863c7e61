"""Every provider's API on one loopback server, in the real framing, never answering alike twice.

Owns which address asks which API, and the sending. The wire formats are `sdk_formats`, and those of
OpenAI `provider`: Mistral and the router of Hugging Face speak one of them. What is said is
made up, unless there is what real providers once said: then an API that is among it answers with
that, byte for byte.
"""

import dataclasses
import itertools
import json
import re
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tests.frameworks import sdk_formats as formats
from tests.frameworks.provider import (
    CHANCE,
    Asked,
    Data,
    chat_events,
    chat_whole,
    made_id,
    read_chat,
    read_responses,
    responses_events,
    responses_whole,
)
from tests.support import eventstream, wire
from tests.support.corpora import Recording
from tests.support.loopback import Line, LoopbackServer

LINES_TYPE = ("Content-Type", "application/x-ndjson")
HUB_MODEL = re.compile(r"^/api/models/(?P<model>.+)$")


@dataclasses.dataclass(frozen=True)
class Api:
    """One way of asking a model.

    Attributes:
        family: How real recordings of it are called.
        path: Which paths ask it; its groups tell the model and the stream where no body does.
        streamed: Whether a body asks for a stream.
    """

    family: str
    path: re.Pattern[str]
    read: Callable[[Data], Asked]
    streamed: Callable[[Data], bool]
    whole: Callable[[Asked], Data]
    stream: Callable[[Asked], Iterable[bytes]]
    stream_type: tuple[str, str] = wire.EVENTS_TYPE


def _said_so(body: Data) -> bool:
    return bool(body.get("stream"))


def _encoded(events: Callable[[Asked], Iterator[str]]) -> Callable[[Asked], Iterator[bytes]]:
    return lambda asked: (event.encode() for event in events(asked))


def _chat(family: str, path: str) -> Api:
    whole, stream = chat_whole, _encoded(chat_events)
    return Api(family, re.compile(path), read_chat, _said_so, whole, stream)


APIS = (
    _chat("hf_router", r"^/together/v1/chat/completions$"),
    _chat("mistral", r"^/mistral/v1/chat/completions$"),
    _chat("chat", r"/chat/completions$"),
    Api(
        "responses",
        re.compile(r"/responses$"),
        read_responses,
        _said_so,
        responses_whole,
        _encoded(responses_events),
    ),
    Api(
        "messages",
        re.compile(r"/v1/messages$"),
        formats.read_messages,
        _said_so,
        formats.messages_whole,
        formats.messages_events,
    ),
    Api(
        "gemini",
        re.compile(r"/models/(?P<model>[^/:]+):(?P<streamed>stream)?[gG]enerateContent$"),
        formats.read_contents,
        _said_so,
        formats.contents_whole,
        formats.contents_events,
    ),
    Api(
        "converse",
        re.compile(r"/model/(?P<model>[^/]+)/converse(?P<streamed>-stream)?$"),
        formats.read_converse,
        _said_so,
        formats.converse_whole,
        formats.converse_events,
        eventstream.STREAM_TYPE,
    ),
    Api(
        "cohere",
        re.compile(r"/v2/chat$"),
        read_chat,
        _said_so,
        formats.cohere_whole,
        formats.cohere_events,
    ),
    Api(
        "ollama",
        re.compile(r"/api/chat$"),
        read_chat,
        lambda body: body.get("stream") is not False,
        formats.ollama_whole,
        formats.ollama_lines,
        LINES_TYPE,
    ),
)


class SdkProvider(LoopbackServer):
    """Answers each SDK in its own API; what it does not know is a 404.

    Args:
        real: What real providers said, to be said again where the API is among it.
    """

    def __init__(self, real: Iterable[Recording] = ()) -> None:
        super().__init__()
        shelves = defaultdict(list)
        for recording in real:
            shelves[recording.family, recording.streamed].append(recording)
        self._real = {key: itertools.cycle(shelf) for key, shelf in shelves.items()}
        self._taking = threading.Lock()
        self.unknown: list[str] = []
        """Paths that were asked for and are nobody's."""

    def answer(self, asked: wire.Asked, line: Line) -> None:
        about = _about(asked)
        if about:
            line.send(wire.whole_json(about))
            return
        for api in APIS:
            if (found := api.path.search(asked.path)) and asked.method == "POST":
                self._ask(api, asked.json(), found.groupdict(), line)
                return
        self.unknown.append(f"{asked.method} {asked.path}")
        line.send(wire.whole_json({"error": {"message": "no such path"}}, status=404))

    def _ask(self, api: Api, body: Data, told: dict[str, Any], line: Line) -> None:
        streamed = bool(told.get("streamed")) or api.streamed(body)
        real = self._take(api.family, streamed)
        if real is not None:
            headers = [pair for pair in real.headers if pair[0].lower() not in _HOP]
            _send(line, real.status, headers, real.body if not streamed else _cut(real.body))
            return
        question = api.read(body)
        question.model = told.get("model") or question.model
        if streamed:
            _send(line, 200, [*_id_headers(), api.stream_type], _uneven(api.stream(question)))
        else:
            whole = json.dumps(api.whole(question)).encode()
            _send(line, 200, [*_id_headers(), wire.JSON_TYPE], whole)

    def _take(self, family: str, streamed: bool) -> Recording | None:  # noqa: FBT001  (half a key)
        with self._taking:
            shelf = self._real.get((family, streamed))
            return next(shelf) if shelf else None


_HOP = {"connection", "transfer-encoding", "content-length"}


def _id_headers() -> list[tuple[str, str]]:
    """Give the answer's id, in the headers that SDKs look into."""
    made = made_id("")
    return [(name, made) for name in ("x-request-id", "request-id", "x-amzn-RequestId")]


def _send(
    line: Line, status: int, headers: list[tuple[str, str]], body: bytes | Iterable[bytes]
) -> None:
    if isinstance(body, bytes):
        line.send(wire.whole(status, body, headers))
        return
    line.send(wire.head(status, (*headers, wire.CHUNKED)))
    for data in body:
        line.send(wire.piece(data))
    line.send(wire.LAST_PIECE)


def _uneven(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Cut some of the parts in two, as a network does."""
    for part in parts:
        cut = CHANCE.randrange(len(part)) if CHANCE.random() < 1 / 3 else 0
        yield from filter(None, (part[:cut], part[cut:]))


def _cut(body: bytes) -> Iterator[bytes]:
    while body:
        size = CHANCE.randint(1, 700)
        yield body[:size]
        body = body[size:]


def _about(asked: wire.Asked) -> Data:
    """Tell about a model, where that is asked: on Hugging Face's hub, and by Ollama."""
    if (found := HUB_MODEL.search(asked.path)) and asked.method == "GET":
        model = found["model"]
        mapping = {"status": "live", "providerId": f"{model}-turbo", "task": "conversational"}
        return {"_id": made_id(""), "id": model, "inferenceProviderMapping": {"together": mapping}}
    if asked.path == "/api/show":
        return {"details": {}, "model_info": {}, "capabilities": ["completion", "tools"]}
    return None
