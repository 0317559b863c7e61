"""Collect the answer of one exchange until its end, and hand it to the recorder.

Owns an exchange between its beginning and its end. Writes nothing itself (`recorder`).
"""

from __future__ import annotations

from functools import partial
from itertools import accumulate
from time import monotonic_ns
from typing import TYPE_CHECKING

from agentvcr.cassette import format as fmt
from agentvcr.inside.exchange import UNSEEN, HeaderList, Request, Serve, failure_of
from agentvcr.model.exchange import EndKind

if TYPE_CHECKING:
    from agentvcr.recording.recorder import Recorder


class RecordingSink:
    """Collects one exchange's answer until its end; times are monotonic nanoseconds, 0 for now."""

    __slots__ = (
        "_recorder",
        "answer",
        "asked",
        "chunks",
        "ended",
        "is_call",
        "is_clean",
        "is_live",
        "number",
    )

    def __init__(
        self,
        recorder: Recorder,
        number: int,
        *,
        is_clean: bool = False,
        is_call: bool = False,
        asked: tuple[str, str] = ("", ""),
    ) -> None:
        """Collect for exchange `number`.

        Args:
            recorder: Whom to tell.
            number: The exchange.
            is_clean: The answer comes from a cassette.
            is_call: It is the result of a recorded function.
            asked: The URL, without credentials, and the client; empty of what is internal.
        """
        self.asked = asked
        self.is_clean = is_clean
        self.is_call = is_call
        self.is_live = False
        """Whether it is asked of the real service in the middle of a replay."""
        self._recorder = recorder
        self.number = number
        self.answer: tuple[int, int, HeaderList, bytes, bytes] | None = None
        self.chunks: list[tuple[int, bytes]] = []
        self.ended = False

    def head(
        self, status: int, headers: HeaderList, reason: bytes, http_version: bytes, at_ns: int = 0
    ) -> None:
        """Take the head."""
        self.answer = (at_ns or monotonic_ns(), status, headers, reason, http_version)

    def chunk(self, data: bytes, at_ns: int = 0) -> None:
        """Take a chunk."""
        self.chunks.append((at_ns or monotonic_ns(), data))

    def end(self, kind: str, error: BaseException | None = None) -> None:
        """Take the end, from code in this process."""
        failed = error is not None and kind in ("failed", "cancelled")
        self.end_as(kind, failure_of(error) if failed and error is not None else None)

    def end_as(self, kind: str, failure: tuple[str, str] | None, at_ns: int = 0) -> None:
        """Take the end, once, with the failure's class and message."""
        if self.ended:
            return
        self.ended = True
        if kind == UNSEEN:
            kind, self.answer, self.chunks = "cancelled", None, []
        recorder = self._recorder
        failure_type, message = failure or (None, None)
        if message is not None:
            message = recorder.redactor.output(message.encode("utf-8", "replace")).decode()
        how: EndKind = kind  # type: ignore[assignment]  # from this package's own interceptors
        end = fmt.ExchangeEnd(self.number, recorder.since_start(at_ns), how, failure_type, message)
        recorder.finish(self, end)


class TelemetrySink:
    """Waits for the end of a request to a collector, and keeps nothing but how it was answered."""

    def __init__(self, recorder: Recorder, request: Request) -> None:
        """Wait for the answer to `request`."""
        self._recorder = recorder
        self.request = request
        self.number = 0  # it is no exchange
        self._status = 0
        self._ended = False

    def head(
        self, status: int, headers: HeaderList, reason: bytes, http_version: bytes, at_ns: int = 0
    ) -> None:
        """Take the status."""
        del headers, reason, http_version, at_ns
        self._status = status

    def chunk(self, data: bytes, at_ns: int = 0) -> None:
        """Leave the chunk."""

    def end(self, kind: str, error: BaseException | None = None) -> None:
        """Take the end, from code in this process."""
        self.end_as(kind, failure_of(error) if error is not None else None)

    def end_as(self, kind: str, failure: tuple[str, str] | None, at_ns: int = 0) -> None:
        """Take the end, once."""
        del at_ns
        if not self._ended:
            self._ended = True
            how = ": ".join(failure) if failure else str(self._status or kind)
            self._recorder.collector_answered(self, how)


class ServedSink:
    """Records a served answer, as much of it as the program took."""

    __slots__ = ("_began_ns", "_inner", "_recorder", "_serve", "number")

    def __init__(self, recorder: Recorder, number: int, serve: Serve) -> None:
        """Stand before who else wants to know what was taken of `serve`."""
        self._recorder = recorder
        self.number = number
        self._serve = serve
        self._inner = serve.taken
        self._began_ns = monotonic_ns()

    def __call__(self, chunks: int, kind: str, at_ns: int = 0) -> None:
        """Take what the program took."""
        now = at_ns or monotonic_ns()
        self._recorder.taken += 1
        if self._inner is not None:
            self._inner(chunks, kind, now)
        self._recorder.later(partial(self._write, chunks, kind, now))

    def _times(self, chunks: int, now: int) -> list[int]:
        """When the head and the first `chunks` chunks were handed out: at its pace, or at once."""
        delays = self._serve.delays_ns[: chunks + 1]
        if len(delays) <= chunks:
            return [now] * (chunks + 1)
        return [self._began_ns + elapsed for elapsed in accumulate(delays)]

    def _write(self, chunks: int, kind: str, now: int) -> None:
        serve = self._serve
        sink = RecordingSink(self._recorder, self.number, is_clean=not serve.is_edited)
        if serve.status and kind != UNSEEN:
            head_ns, *times = self._times(chunks, now)
            sink.answer = (head_ns, serve.status, serve.headers, serve.reason, serve.http_version)
            sink.chunks = list(zip(times, serve.chunks, strict=False))
        failure = serve.failure if kind in ("failed", "cancelled", UNSEEN) else None
        sink.end_as("cut" if kind in ("overrun", "misfit") else kind, failure, now)
