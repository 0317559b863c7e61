"""Take down what a process tells besides its exchanges, and answer what it asks besides them.

Owns the frames that belong to no exchange. Knows no sockets (`hub`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from agentvcr.boundary import Boundary, name_unrecorded, why_blocked
from agentvcr.channel.engine import Divergences, Engine, Worlds
from agentvcr.channel.peers import Peer
from agentvcr.channel.turns import Turns
from agentvcr.inside import frames
from agentvcr.inside.exchange import StepBegan, StepEnded
from agentvcr.inside.frames import Frame, ProtocolError
from agentvcr.inside.wire import pack_parts
from agentvcr.model.run import Stream

_GO: Final = frames.pack(frames.FORWARD, 0, 0, 0, b"", b"")
_REFUSE: Final = frames.pack(frames.SERVE, 0, 0, 0, b"", b"")


def pack_halt(message: str) -> bytes:
    """Encode that a replay is over."""
    raw = message.encode("utf-8", "replace")[: frames.MAX_RAW]
    return frames.pack(frames.HALT, 0, 0, 0, b"", raw)


class Events:
    """The desk where they come in."""

    LATER: Final = b"later"
    """In place of an answer: acknowledge it, once it is safe."""

    def __init__(
        self,
        recorder: Engine,
        boundary: Boundary,
        ledger: Divergences | None,
        worlds: Worlds | None,
        stop: Callable[[str], None],
    ) -> None:
        """Take down for `recorder`; `stop` ends a replay over an error of our own."""
        self._recorder = recorder
        self._boundary = boundary
        self._ledger = ledger
        self._worlds = worlds
        self._stop = stop
        self._unrecorded: dict[tuple[str, int, str], int] = {}
        self._own_paths: set[str] = set()
        self._turns: dict[int, Turns] = {}

    def _passed(self) -> Iterator[tuple[str, str, int]]:
        """Give what was reached past every interceptor: as what, where or what for, how often."""
        for (host, port, what), count in self._unrecorded.items():
            kind = self._boundary.kind_of_passing(host, port)
            if kind is not None and host not in self._own_paths:
                yield kind, name_unrecorded(host, port, what), count

    def take(self, peer: Peer, frame: Frame) -> bytes:
        """Take one frame; gives what to answer, `LATER`, or nothing.

        Raises:
            ProtocolError: Nobody knows its kind.
        """
        kind, meta = frame.kind, frame.fields()
        if kind == frames.OUTPUT:
            stream: Stream = meta["stream"]
            self._recorder.output(peer.index, stream, frame.raw, frame.at_ns)
        elif kind == frames.LISTEN and "path" in meta:
            self._own_paths.add(f"unix:{meta['path']}")
        elif kind == frames.LISTEN:
            self._boundary.listens(int(meta["port"]))
            return self.LATER
        elif kind == frames.NOTE:
            self._note(peer, meta)
        elif kind == frames.GUARD:
            return self._guard(peer, meta)
        elif kind == frames.STEP:
            self._step(peer, meta, frame)
        elif kind == frames.WORLD:
            self._world(peer, str(meta["kind"]), str(meta["lane"]), frame.raw)
        elif kind == frames.WANTED:
            asked = str(meta["kind"]), peer.index, str(meta.get("lane", ""))
            return pack_parts(self._worlds.parts(*asked) if self._worlds else [])
        else:
            raise ProtocolError(f"kind {kind!r}")
        return b""

    def _world(self, peer: Peer, kind: str, lane: str, data: bytes) -> None:
        if kind == "order":
            self.turns_of(peer).add(lane, data)
        else:
            self._recorder.world(kind, peer.index, lane, data)

    def turns_of(self, peer: Peer) -> Turns:
        """Give who takes down the order of a process."""
        turns = self._turns.get(peer.index)
        if turns is None:
            write = partial(self._recorder.world, "order", peer.index)
            turns = self._turns[peer.index] = Turns(write)
        return turns

    def close(self) -> None:
        """Take down what still waits for something."""
        for turns in self._turns.values():
            turns.close()
        for kind, address, count in self._passed():
            self._recorder.note(kind, address, count=count)

    def _step(self, peer: Peer, meta: dict[str, Any], frame: Frame) -> None:
        if "name" in meta:
            step = StepBegan(content=frame.raw, at_ns=frame.at_ns, process=peer.index, **meta)
            self._recorder.step_began(step)
        else:
            failure = meta["failure"]
            named = (str(failure[0]), str(failure[1])) if failure else None
            self._recorder.step_ended(StepEnded(meta["path"], frame.raw, named, frame.at_ns))

    def _note(self, peer: Peer, meta: dict[str, Any]) -> None:
        if meta["kind"] == "lost":
            self._recorder.lost(str(meta["text"]))
        elif meta["kind"] == "failed":
            self._stop(str(meta["text"]))
        elif meta["kind"] == "order":
            if self._ledger is not None:
                self._ledger.diverged("order", str(meta["text"]), fatal=False)
            self._recorder.note("order", str(meta["text"]), process=peer.index)
        elif meta["kind"] == "unentered":
            self._recorder.unentered([str(word) for word in meta["argv"]], peer.index, seen=False)
        else:
            key = (str(meta["host"]), int(meta["port"]), str(meta.get("what", "")))
            self._unrecorded[key] = self._unrecorded.get(key, 0) + 1

    def _guard(self, peer: Peer, meta: dict[str, object]) -> bytes:
        host, port = str(meta["host"]), int(str(meta["port"]))
        place = self._boundary.place(host, port)
        goes_out = self._boundary.lets_out(host, port, by_client=bool(meta.get("client")))
        if place in ("internal", "live", "gateway") or (goes_out and place == "outside"):
            return _GO
        if place == "telemetry":
            if self._ledger is not None:
                self._ledger.telemetry += 1
            self._recorder.note("telemetry", f"{host}:{port}", process=peer.index)
            return _REFUSE
        message = why_blocked(host, port, str(meta["lane"]), what=str(meta.get("what", "")))
        if self._ledger is not None:
            self._ledger.diverged("blocked", message)
        self._recorder.note("divergence", message, process=peer.index)
        return pack_halt(message)
