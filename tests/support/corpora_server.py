"""A provider that answers with what real providers once said, byte for byte.

Owns who is answered with what: each recording has a prefix of its own (`/r07`), under which a
request gets the recorded answer of its method and path. Does not choose the recordings (`corpora`)
and does not ask for them (`tests/programs/sdk_calls.py`).
"""

import collections
import itertools
import json
import pathlib
import random
import re
import threading
from collections.abc import Iterator, Sequence

from tests.support import corpora, loopback, wire
from tests.support.corpora import Recording
from tests.support.loopback import Line, LoopbackServer
from tests.support.wire import Asked

_EVENT_END = re.compile(rb"(?<=\n\n)|(?<=\r\n\r\n)")


class CorporaServer(LoopbackServer):
    """Answers with the next recording of a (method, path); after the last, the first again.

    Args:
        recordings: What it can answer with.
        gap_ms: The pause before each piece of a stream.
        port: The port to listen on; 0 takes a free one.
    """

    def __init__(
        self, recordings: Sequence[Recording], *, gap_ms: float = 1, port: int = 0
    ) -> None:
        super().__init__(port=port)
        shelves = collections.defaultdict(list)
        for place, recording in enumerate(recordings):
            shelves["POST", prefix(place) + recording.path].append(recording)
        self._next = {key: itertools.cycle(shelf) for key, shelf in shelves.items()}
        self._taking = threading.Lock()
        self._gap_s = gap_ms / 1000

    def answer(self, asked: Asked, line: Line) -> None:
        shelf = self._next.get((asked.method, asked.path))
        if shelf is None:
            line.send(wire.whole_json({"error": {"message": "not recorded"}}, status=404))
            return
        with self._taking:
            recording = next(shelf)
        if not recording.streamed:
            line.send(wire.whole(recording.status, recording.body, recording.headers))
            return
        line.send(wire.head(recording.status, (*recording.headers, wire.CHUNKED)))
        for data in split(recording.body, seed=recording.name):
            line.pause(self._gap_s)
            line.send(wire.piece(data))
        line.send(wire.LAST_PIECE)


def prefix(place: int) -> str:
    """Under which path the recording at this place of the list is asked for."""
    return f"/r{place:02}"


def split(body: bytes, *, seed: str) -> Iterator[bytes]:
    """Cut a stream of events into pieces: one to three events each, some cut in mid-event."""
    choice = random.Random(seed)
    rest = b""
    events = [event for event in _EVENT_END.split(body) if event]
    while events:
        size = choice.randint(1, 3)
        data, events = rest + b"".join(events[:size]), events[size:]
        cut = choice.randrange(1, len(data)) if len(data) > 1 and choice.random() < 0.3 else None
        data, rest = (data[:cut], data[cut:]) if cut else (data, b"")
        yield data
    if rest:
        yield rest


def calls(recordings: Sequence[Recording]) -> list[dict]:
    """What `sdk_calls.py` has to ask, as it reads it."""
    return [
        {
            "name": recording.name,
            "family": recording.family,
            "prefix": prefix(place),
            "asked": recording.asked,
        }
        for place, recording in enumerate(recordings)
    ]


def main() -> None:
    parser = loopback.arguments(__doc__)
    parser.add_argument("--calls", type=pathlib.Path, help="write the calls to this file")
    parser.add_argument("--each", type=int, default=corpora.EACH)
    parser.add_argument("--gap-ms", type=float, default=1)
    asked = parser.parse_args()
    recordings = corpora.choose(corpora.folder() or parser.error("AGENTVCR_CORPORA is not set"))
    if asked.calls:
        asked.calls.write_text(json.dumps(calls(recordings)), encoding="utf-8")
    loopback.serve(CorporaServer(recordings, gap_ms=asked.gap_ms, port=asked.port))


if __name__ == "__main__":
    main()
