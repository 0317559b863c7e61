"""A provider for programs that are killed: it tells when to, and remembers all that it said.

Owns the answers, which are all different and of many sizes, and the count of what it has sent, by
which a test chooses its moment.
"""

import itertools
import random
import threading
from dataclasses import dataclass

from tests.support import wire
from tests.support.loopback import Line, LoopbackServer
from tests.support.wire import Asked

_PATIENCE_S = 60
_SIZES = [40] * 20 + [2_000] * 8 + [30_000] * 2 + [200_000]
"""Random bytes in a piece, which are twice as many characters."""
_MOST_PIECES = 6
_WHOLE_EVERY = 4
"""Each fourth answer has a Content-Length, the others are streams."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """One exchange as the provider knows it."""

    asked: bytes
    answer: bytes


class CrashProvider(LoopbackServer):
    """Answers on any path, each time with something else, until it tells its callers to stop.

    Attributes:
        said: Everything that was asked and answered, by path.
    """

    def __init__(self) -> None:
        super().__init__()
        self.said: dict[str, Said] = {}
        self._numbers = itertools.count(1)
        self._sent = 0
        self._sending = threading.Condition()
        self._goes_on = "yes"

    def answer(self, asked: Asked, line: Line) -> None:
        number = next(self._numbers)
        pieces = _pieces(number)
        self.said[asked.path] = Said(asked=asked.body, answer=b"".join(pieces))
        go_on = ("X-Go-On", self._goes_on)
        if number % _WHOLE_EVERY == 0:
            line.send(wire.whole(200, b"".join(pieces), [wire.EVENTS_TYPE, go_on]))
            self._count()
            return
        line.send(wire.head(200, [wire.EVENTS_TYPE, wire.CHUNKED, go_on]))
        for data in pieces:
            line.send(wire.piece(data))
            self._count()
        line.send(wire.LAST_PIECE)

    def wait_until_sent(self, more: int) -> None:
        """Wait until so many more pieces of answers were sent."""
        with self._sending:
            goal = self._sent + more
            if not self._sending.wait_for(lambda: self._sent >= goal, _PATIENCE_S):
                raise TimeoutError(f"nobody asks any more, after {self._sent} pieces")

    def wind_up(self) -> None:
        """Tell each caller to stop, with its next answer."""
        self._goes_on = "no"

    def _count(self) -> None:
        with self._sending:
            self._sent += 1
            self._sending.notify_all()


def _pieces(number: int) -> list[bytes]:
    chance = random.Random(number)
    texts = [
        chance.randbytes(chance.choice(_SIZES)).hex()
        for _ in range(chance.randint(1, _MOST_PIECES))
    ]
    return [wire.event({"answer": number, "text": text}) for text in texts]
