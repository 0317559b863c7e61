"""The handler of a recorded process: asks the engine over the channel, and tells it what came back.

Owns the words of an exchange on the channel. Decides nothing about a request; `channel` has the
connections.
"""

from __future__ import annotations

import atexit
import os
from itertools import count

from agentvcr.inside import clock, frames
from agentvcr.inside.channel import Gone, Link
from agentvcr.inside.course import Course
from agentvcr.inside.exchange import (
    UNSEEN,
    Forward,
    HeaderList,
    NullSink,
    ReplayHalt,
    Request,
    Serve,
    StepBegan,
    StepEnded,
    by_a_handler,
    failure_of,
)
from agentvcr.inside.order import world as worlds
from agentvcr.inside.real import monotonic_ns
from agentvcr.inside.waiting import note_served
from agentvcr.inside.wire import encode_headers, pack_begin, unpack_parts, unpack_serve

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any

FLUSH_NS = 5_000_000
"""Chunks that follow each other faster than this travel together."""
FLUSH_BYTES = 65536


class RemoteSink:
    """Tells the engine about one exchange; told again after an interruption, it repeats itself."""

    __slots__ = ("ended", "exchange", "flushed_ns", "handler", "last", "out", "seq", "size", "uid")

    def __init__(self, handler: RemoteHandler, exchange: int, seq: int) -> None:
        """Continue exchange number `exchange` of this process after frame `seq - 1`."""
        self.handler = handler
        self.uid = handler.link.uid
        self.exchange = exchange
        self.seq = seq
        self.out: dict[int, bytes] = {}
        """Frames not yet sent, by sequence number: other threads flush while this one adds."""
        self.last = b""
        """The END frame, until it is acknowledged."""
        self.size = 0
        self.flushed_ns = 0
        self.ended = False
        handler.open[exchange] = self

    def _add(self, kind: bytes, meta: bytes, raw: bytes) -> int:
        now = monotonic_ns()
        pieces, last = frames.split(raw)
        for piece in pieces:
            self.out[self.seq] = frames.pack(frames.BODY, self.exchange, self.seq, now, b"", piece)
            self.seq += 1
        self.out[self.seq] = frames.pack(kind, self.exchange, self.seq, now, meta, last)
        self.seq += 1
        self.size += len(raw)
        return now

    def head(self, status: int, headers: HeaderList, reason: bytes, http_version: bytes) -> None:
        """Tell the head; it travels with the first chunk that follows soon."""
        meta = {
            "status": status,
            "headers": encode_headers(headers),
            "reason": reason.decode("latin-1"),
            "version": http_version.decode("latin-1"),
        }
        self.flushed_ns = self._add(frames.HEAD, frames.pack_meta(meta), b"")

    def chunk(self, data: bytes) -> None:
        """Tell one chunk, at once unless chunks come in a burst."""
        if self.ended:  # read on after a close, from what the client still had
            return
        now = self._add(frames.CHUNK, b"", data)
        if now - self.flushed_ns > FLUSH_NS or self.size > FLUSH_BYTES:
            self.flushed_ns = now
            self._send()

    def end(self, kind: str, error: BaseException | None = None) -> None:
        """Tell the end and wait until the engine has handed it to the operating system."""
        if not self.ended:
            self.ended = True
            self.handler.open.pop(self.exchange, None)
            meta: dict[str, Any] = {"how": kind}
            if error is not None and kind in ("failed", "cancelled", UNSEEN):
                meta["failure"] = failure_of(error)
            self.handler.tell_order()
            packed, now = frames.pack_meta(meta), monotonic_ns()
            clock.flush()  # as safe as the exchange that they led to
            self.last = frames.pack(frames.END, self.exchange, self.seq, now, packed, b"")
        if self.last:
            self._send(self.last)

    def flush(self) -> None:
        """Send what is held, without waiting."""
        if self.out:
            self._send()

    def _send(self, last: bytes = b"") -> None:
        """Send what is held, and with an END wait for its acknowledgement.

        Other threads flush and this one adds meanwhile, so that only what was sent is dropped, and
        only after it was: the engine drops what comes twice, and waits for what is lost.
        """
        if self.uid != self.handler.link.uid:  # a fork's copy of its parent's exchange
            self.out, self.last = {}, b""
            return
        held = list(self.out)
        data = b"".join([*(self.out.get(seq, b"") for seq in held), last])
        self.handler.say(data, answered=bool(last))
        for seq in held:
            self.out.pop(seq, None)
        self.size = 0
        if last:
            self.last = b""


class RemoteHandler:
    """Asks the engine about each request, over the channel."""

    def __init__(self, link: Link, *, replaying: bool) -> None:
        """Recording, `begin` is told and waits for nobody; replaying, it is asked."""
        self.link = link
        self.replaying = replaying
        self.numbers = count(1)
        self.halted: str | None = None
        self.open: dict[int, RemoteSink] = {}
        self.is_ending = False
        """The program is over: whether anybody still listens is no news to its user."""
        atexit.register(self.flush)

    def flush(self) -> None:
        """Send what is held of exchanges that the program's end will break off."""
        self.tell_order()
        for sink in list(self.open.values()):
            sink.flush()

    def tell_order(self) -> None:
        """Tell in which order things have happened so far."""
        world = worlds.active
        if world is not None:
            world.tell()

    def begin(self, request: Request) -> Serve | Forward:
        """Tell or ask the engine about a request."""
        if self.halted is not None:
            raise ReplayHalt(self.halted)
        number = next(self.numbers)
        data, seq = pack_begin(number, request)
        if not self.replaying:
            if not self.say(data, answered=False):
                return Forward(NullSink())
            forward = Forward(RemoteSink(self, number, seq))
            forward.course = _course_of(number, number)
            return forward
        answer = self.ask(data)
        if answer.kind == frames.SERVE:
            serve = unpack_serve(answer, lambda *taken: self._taken(number, seq, *taken))
            note_served(serve.number)
            serve.course = _course_of(0 if serve.is_lent else serve.number, number)
            return serve
        if answer.kind == frames.FORWARD:
            meta = answer.fields()
            sink = NullSink() if meta.get("unrecorded") else RemoteSink(self, number, seq)
            body = answer.raw if meta.get("changed") else None
            forward = Forward(sink, meta.get("number", 0), body=body)
            forward.course = _course_of(forward.number, number, is_real=True)
            return forward
        raise self.halt(answer.raw.decode("utf-8", "replace"))

    def failed(self, error: Exception) -> Forward:
        """Tell the engine that an exchange passes unrecorded; stop a replay.

        What a signal handler of the program's raised is the program's, and goes on.
        """
        if by_a_handler(error):
            raise error
        text = "%s: %s" % failure_of(error)
        if self.replaying:
            raise self.stopped("the interceptor failed: " + text)
        self.tell(frames.NOTE, {"kind": "lost", "text": text})
        return Forward(NullSink())

    def stopped(self, message: str) -> ReplayHalt:
        """Tell the engine that the replay cannot go on, over an error of our own."""
        self.tell(frames.NOTE, {"kind": "failed", "text": message})
        return self.halt(message)

    def reach(self, host: str, port: int, what: str, lane: str, *, by_client: bool = False) -> None:
        """Ask whether the replayed program may reach an address; see `Entry.reach`.

        `by_client` says that a recorded client does, for a request that the engine knows of.
        """
        meta = {"host": host, "port": port, "lane": lane, "what": what, "client": by_client}
        packed = frames.pack_meta(meta)
        answer = self.ask(frames.pack(frames.GUARD, 0, 0, monotonic_ns(), packed, b""))
        if answer.kind == frames.HALT:
            raise self.halt(answer.raw.decode("utf-8", "replace"))
        if answer.kind == frames.SERVE:  # telemetry: an ordinary refusal, which its client expects
            raise ConnectionRefusedError(111, "Connection refused")

    def passed(self, host: str, port: int, what: str) -> None:
        """Tell of an address that was reached past every interceptor, and for what."""
        self.tell(frames.NOTE, {"kind": "unrecorded", "host": host, "port": port, "what": what})

    def halt(self, message: str) -> ReplayHalt:
        """Remember that the replay is over, for every later request of this process."""
        self.halted = message
        world = worlds.active
        if world is not None:
            with world.lock:
                world.halt(ReplayHalt(message))
        return ReplayHalt(message)

    def say(self, data: bytes, *, answered: bool) -> bool:
        """Send frames; False, and said once to the user, when the recorder is gone."""
        try:
            if answered:
                self.link.ask(data)
            else:
                self.link.tell(data)
        except Gone:
            self._lost()
            return False
        return True

    def ask(self, data: bytes) -> frames.Frame:
        """Send frames and return the answer; a replay without its engine stops."""
        try:
            return self.link.ask(data)
        except Gone:
            raise self.halt("the replay's engine is gone") from None

    def tell(
        self, kind: bytes, meta: dict[str, Any], raw: bytes = b"", at_ns: int | None = None
    ) -> None:
        """Send one frame that belongs to no exchange, after what the program had seen by then."""
        self.flush()
        now = at_ns or monotonic_ns()
        pieces, last = frames.split(raw)
        packed = frames.pack_meta(meta)
        for piece in (*pieces, last):
            self.say(frames.pack(kind, 0, 0, now, packed, piece), answered=False)

    def step_began(self, step: StepBegan) -> None:
        """Tell the engine that a step began."""
        meta = {"path": step.path, "name": step.name, "kind": step.kind, "agent": step.agent}
        self.tell(frames.STEP, {**meta, "lane": step.lane}, step.content, step.at_ns)

    def step_ended(self, step: StepEnded) -> None:
        """Tell the engine that a step is over."""
        meta = {"path": step.path, "failure": step.failure}
        self.tell(frames.STEP, meta, step.content, step.at_ns)

    def world(self, kind: str, lane: str, data: bytes) -> None:
        """Tell the engine a part of what surrounds this process's exchanges."""
        for start in range(0, len(data), frames.MAX_RAW):
            raw = data[start : start + frames.MAX_RAW]
            meta = frames.pack_meta({"kind": kind, "lane": lane})
            self.say(frames.pack(frames.WORLD, 0, 0, monotonic_ns(), meta, raw), answered=False)

    def recorded_world(self, kind: str, lane: str = "") -> list[tuple[str, bytes]]:
        """Ask for the recorded parts of a kind, each with its lane, in the order of recording."""
        meta = frames.pack_meta({"kind": kind, "lane": lane})
        answer = self.ask(frames.pack(frames.WANTED, 0, 0, monotonic_ns(), meta, b""))
        if answer.kind == frames.HALT:
            raise self.halt(answer.raw.decode("utf-8", "replace"))
        return unpack_parts(answer)

    def _taken(self, number: int, seq: int, chunks: int, kind: str) -> None:
        meta = frames.pack_meta({"chunks": chunks, "how": kind})
        self.say(
            frames.pack(frames.TAKEN, number, seq, monotonic_ns(), meta, b""),
            answered=kind
            in ("overrun", "misfit"),  # fatal: known to the engine before the program goes on
        )

    def _lost(self) -> None:
        if self.replaying or self.is_ending or not self.link.address.startswith("unix:"):
            return
        folder = os.path.dirname(self.link.address[5:])
        try:
            marker = os.open(os.path.join(folder, "gone"), os.O_CREAT | os.O_EXCL, 0o600)
            os.close(marker)
        except OSError:  # another process of this run has said it, or the run is over
            return
        os.write(2, b"agentvcr: the recorder is gone; this program goes on unrecorded\n")


def _course_of(number: int, own: int, *, is_real: bool = False) -> Course:
    from agentvcr.inside.order.gates import course_of  # noqa: PLC0415  (only who asks)

    return course_of(number, own, is_real=is_real)
