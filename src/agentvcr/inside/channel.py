"""The program's end of the channel: connections to the engine, and the handler that asks it.

Owns the connections of this process. Decides nothing about a request and writes no file.

No thread and no lock of ours: code takes an exclusive connection from a free list and puts it
back only after success, so a signal handler that raises in the middle leaves a torn frame on a
connection that is never used again, and a fork finds nothing held. Frames carry (exchange,
sequence), so the engine can drop what is sent twice.
"""

from __future__ import annotations

import atexit
import os
import struct
import sys
from itertools import count
from time import monotonic_ns
from typing import Any, Dict, List, Optional, Tuple, Union

from agentvcr.inside import frames, lanes
from agentvcr.inside.exchange import (
    Forward,
    HeaderList,
    NullSink,
    ReplayHalt,
    Request,
    Serve,
    failure_of,
)

FLUSH_NS = 5_000_000
"""Chunks that follow each other faster than this travel together."""
FLUSH_BYTES = 65536


class Gone(Exception):  # noqa: N818  (a state of the channel, never shown to the program)
    """The engine is not there any more."""


class Wire:
    """One connection to the engine, used by one caller at a time.

    Holds the bare descriptor: a socket object would warn of itself when the program ends, and bring
    down interpreters that drop it when hardly anything of them is left.
    """

    __slots__ = ("buffer", "family", "fd", "inode")

    def __init__(self, address: str, hello: bytes) -> None:
        """Connect to `unix:PATH` or `tcp:PORT` and say hello."""
        import _socket  # noqa: PLC0415  (the C module: nobody patches it, and a start needs none)

        scheme, _, place = address.partition(":")
        self.family = int(_socket.AF_UNIX if scheme == "unix" else _socket.AF_INET)
        sock = _socket.socket(self.family, _socket.SOCK_STREAM)
        sock.settimeout(None)
        if hasattr(_socket, "SO_NOSIGPIPE"):  # macOS has no MSG_NOSIGNAL
            sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_NOSIGPIPE, 1)
        sock.connect(place if scheme == "unix" else ("127.0.0.1", int(place)))
        self.fd = _beyond_standard(sock.detach())
        self.inode = os.fstat(self.fd).st_ino
        self.buffer = b""
        self.put(hello)

    def is_ours(self) -> bool:
        """Whether the descriptor still is this connection: programs close what they don't know."""
        try:
            return os.fstat(self.fd).st_ino == self.inode
        except OSError:
            return False

    def close(self) -> None:
        """Close the connection, unless the program has."""
        if self.is_ours():
            os.close(self.fd)

    def _borrow(self) -> Any:  # noqa: ANN401  (a socket, to be detached after use)
        import _socket  # noqa: PLC0415  (as above)

        sock = _socket.socket(self.family, _socket.SOCK_STREAM, 0, self.fd)
        if _socket.getdefaulttimeout() is not None:  # the program's, not ours
            sock.settimeout(None)
        return sock

    def put(self, data: bytes) -> None:
        """Send all of `data`; SIGPIPE must not kill a program whose recorder died."""
        import _socket  # noqa: PLC0415  (as above)

        sock = self._borrow()
        try:
            sock.sendall(data, getattr(_socket, "MSG_NOSIGNAL", 0))
        finally:
            sock.detach()

    def get(self) -> frames.Frame:
        """Receive the next frame, with the BODY frames before it joined to its raw bytes."""
        pieces: List[bytes] = []
        while True:
            found = frames.unpack(self.buffer, 0)
            if found is None:
                sock = self._borrow()
                try:
                    data = sock.recv(262144)
                finally:
                    sock.detach()
                if not data:
                    raise Gone
                self.buffer += data
                continue
            frame, size = found
            self.buffer = self.buffer[size:]
            pieces.append(frame.raw)
            if frame.kind != frames.BODY:
                return frame._replace(raw=b"".join(pieces)) if len(pieces) > 1 else frame


def _beyond_standard(fd: int) -> int:
    """Move a descriptor out of the way of 0, 1 and 2, which a program may have closed."""
    if fd > 2:  # noqa: PLR2004  (the standard descriptors)
        return fd
    import fcntl  # noqa: PLC0415  (hardly ever)

    moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)
    os.close(fd)
    return moved


class Link:
    """All connections of this process to the engine."""

    def __init__(self, address: str, token: str, lane: str) -> None:
        """Connect later, at the first frame: a program that says nothing opens nothing."""
        self.address = address
        self.token = token
        self.lane = lane
        self.gone = False
        self.uid = ""
        self.free: List[Wire] = []
        self.reset(lane)

    def reset(self, lane: str) -> None:
        """Start anew as another process, at the start and after a fork."""
        for wire in self.free:
            wire.close()
        self.free, self.uid, self.lane = [], os.urandom(8).hex(), lane

    def tell(self, data: bytes) -> None:
        """Send without waiting for an answer."""
        self._use(data, answered=False)

    def ask(self, data: bytes) -> frames.Frame:
        """Send and wait for the answer."""
        return self._use(data, answered=True)  # type: ignore[return-value]  # a frame, since asked

    def _use(self, data: bytes, *, answered: bool) -> Optional[frames.Frame]:
        if self.gone:
            raise Gone
        try:
            wire = self._take()
        except OSError:
            self.gone = True
            raise Gone from None
        try:
            wire.put(data)
            answer = wire.get() if answered else None
        except (OSError, Gone):
            self.gone = True
            raise Gone from None
        except BaseException:  # a signal handler's: a torn frame dies with its connection
            wire.close()
            raise
        self.free.append(wire)
        return answer

    def _take(self) -> Wire:
        while True:
            try:
                wire = self.free.pop()
            except IndexError:
                return Wire(self.address, self._hello())
            if wire.is_ours():
                return wire

    def _hello(self) -> bytes:
        argv = getattr(sys, "orig_argv", None) or [sys.executable, *getattr(sys, "argv", [])]
        meta = {
            "protocol": frames.PROTOCOL,
            "token": self.token,
            "uid": self.uid,
            "pid": os.getpid(),
            "ppid": os.getppid(),
            "lane": self.lane,
            "argv": list(argv),
            "python": "%d.%d.%d" % sys.version_info[:3],
        }
        return frames.pack(frames.HELLO, 0, 0, monotonic_ns(), frames.pack_meta(meta), b"")


class RemoteSink:
    """Tells the engine about one exchange; told again after an interruption, it repeats itself."""

    __slots__ = ("ended", "exchange", "flushed_ns", "handler", "out", "seq", "size", "uid")

    def __init__(self, handler: RemoteHandler, exchange: int, seq: int) -> None:
        """Continue exchange number `exchange` of this process after frame `seq - 1`."""
        self.handler = handler
        self.uid = handler.link.uid
        self.exchange = exchange
        self.seq = seq
        self.out: List[bytes] = []
        self.size = 0
        self.flushed_ns = 0
        self.ended = False
        handler.open[exchange] = self

    def _add(self, kind: bytes, meta: bytes, raw: bytes) -> int:
        now = monotonic_ns()
        pieces, last = frames.split(raw)
        for piece in pieces:
            self.out.append(frames.pack(frames.BODY, self.exchange, self.seq, now, b"", piece))
            self.seq += 1
        self.out.append(frames.pack(kind, self.exchange, self.seq, now, meta, last))
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
        now = self._add(frames.CHUNK, b"", data)
        if now - self.flushed_ns > FLUSH_NS or self.size > FLUSH_BYTES:
            self.flushed_ns = now
            self._send(answered=False)

    def end(self, kind: str, error: Optional[BaseException] = None) -> None:
        """Tell the end and wait until the engine has handed it to the operating system."""
        if not self.ended:
            self.ended = True
            self.handler.open.pop(self.exchange, None)
            meta: Dict[str, Any] = {"how": kind}
            if error is not None and kind in ("failed", "cancelled"):
                meta["failure"] = failure_of(error)
            self._add(frames.END, frames.pack_meta(meta), b"")
        if self.out:
            self._send(answered=True)

    def flush(self) -> None:
        """Send what is held, without waiting."""
        if self.out:
            self._send(answered=False)

    def _send(self, *, answered: bool) -> None:
        if self.uid != self.handler.link.uid:  # a fork's copy of its parent's exchange
            self.out = []
            return
        self.handler.say(b"".join(self.out), answered=answered)
        self.out, self.size = [], 0  # only after success: frames may be repeated, never lost


class RemoteHandler:
    """Asks the engine about each request, over the channel."""

    def __init__(self, link: Link, *, replaying: bool) -> None:
        """Recording, `begin` is told and waits for nobody; replaying, it is asked."""
        self.link = link
        self.replaying = replaying
        self.numbers = count(1)
        self.halted: Optional[str] = None
        self.guard: object = None  # kept alive here, and by nothing else
        self.open: Dict[int, RemoteSink] = {}
        atexit.register(self.flush)

    def flush(self) -> None:
        """Send what is held of exchanges that the program's end will break off."""
        for sink in list(self.open.values()):
            sink.flush()

    def begin(self, request: Request) -> Union[Serve, Forward]:
        """Tell or ask the engine about a request."""
        if self.halted is not None:
            raise ReplayHalt(self.halted)
        number = next(self.numbers)
        data, seq = _pack_begin(number, request)
        if not self.replaying:
            said = self.say(data, answered=False)
            return Forward(RemoteSink(self, number, seq) if said else NullSink())
        answer = self.ask(data)
        if answer.kind == frames.SERVE:
            return _unpack_serve(answer, lambda *taken: self._taken(number, seq, *taken))
        if answer.kind == frames.FORWARD:
            unrecorded = bool(answer.fields().get("unrecorded"))
            return Forward(NullSink() if unrecorded else RemoteSink(self, number, seq))
        raise self.halt(answer.raw.decode("utf-8", "replace"))

    def failed(self, error: Exception) -> Forward:
        """Tell the engine that an exchange passes unrecorded; stop a replay."""
        text = "%s: %s" % failure_of(error)
        if self.replaying:
            raise self.halt("the interceptor failed: " + text)
        self.tell(frames.NOTE, {"kind": "lost", "text": text})
        return Forward(NullSink())

    def halt(self, message: str) -> ReplayHalt:
        """Remember that the replay is over, for every later request of this process."""
        self.halted = message
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

    def tell(self, kind: bytes, meta: Dict[str, Any], raw: bytes = b"") -> None:
        """Send one frame that belongs to no exchange."""
        now = monotonic_ns()
        pieces, last = frames.split(raw)
        packed = frames.pack_meta(meta)
        for piece in (*pieces, last):
            self.say(frames.pack(kind, 0, 0, now, packed, piece), answered=False)

    def _taken(self, number: int, seq: int, chunks: int, kind: str) -> None:
        meta = frames.pack_meta({"chunks": chunks, "how": kind})
        self.say(
            frames.pack(frames.TAKEN, number, seq, monotonic_ns(), meta, b""),
            answered=kind == "overrun",  # fatal: known to the engine before the program goes on
        )

    def _lost(self) -> None:
        if self.replaying or not self.link.address.startswith("unix:"):
            return
        folder = os.path.dirname(self.link.address[5:])
        try:
            marker = os.open(os.path.join(folder, "gone"), os.O_CREAT | os.O_EXCL, 0o600)
            os.close(marker)
        except OSError:  # another process of this run has said it, or the run is over
            return
        os.write(2, b"agentvcr: the recorder is gone; this program goes on unrecorded\n")


def encode_headers(headers: HeaderList) -> List[Tuple[str, str]]:
    """Make raw header pairs fit for JSON, byte for byte."""
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]


def decode_headers(pairs: List[Tuple[str, str]]) -> HeaderList:
    """Undo `encode_headers`."""
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]


def _pack_begin(number: int, request: Request) -> Tuple[bytes, int]:
    meta = {
        "method": request.method,
        "url": request.url,
        "headers": encode_headers(request.headers),
        "lane": request.lane,
        "client": request.client,
    }
    now = monotonic_ns()
    pieces, last = frames.split(request.body)
    out = [frames.pack(frames.BODY, number, seq, now, b"", raw) for seq, raw in enumerate(pieces)]
    out.append(frames.pack(frames.BEGIN, number, len(out), now, frames.pack_meta(meta), last))
    return b"".join(out), len(out)


def pack_serve(serve: Serve) -> bytes:
    """Encode an answer; used by the engine, kept beside the decoding that must agree with it."""
    sizes, delays = len(serve.chunks), len(serve.delays_ns)
    # Beside the bytes and not in the meta object: a long stream has more chunks than that may hold.
    table = struct.pack(
        "<%dI%dq" % (sizes, delays), *(len(one) for one in serve.chunks), *serve.delays_ns
    )
    raw = b"".join((table, *serve.chunks))
    pieces, last = frames.split(raw)
    meta = {
        "status": serve.status,
        "reason": serve.reason.decode("latin-1"),
        "version": serve.http_version.decode("latin-1"),
        "headers": encode_headers(serve.headers),
        "sizes": sizes,
        "delays": delays,
        "how": serve.end_kind,
        "failure": serve.failure,
    }
    out = [frames.pack(frames.BODY, 0, 0, 0, b"", piece) for piece in pieces]
    out.append(frames.pack(frames.SERVE, 0, 0, 0, frames.pack_meta(meta), last))
    return b"".join(out)


def _unpack_serve(frame: frames.Frame, taken: Any) -> Serve:  # noqa: ANN401  (a Taken)
    meta = frame.fields()
    layout = struct.Struct("<%dI%dq" % (meta["sizes"], meta["delays"]))
    table = layout.unpack_from(frame.raw)
    sizes, delays_ns = table[: meta["sizes"]], list(table[meta["sizes"] :])
    chunks, position = [], layout.size
    for size in sizes:
        chunks.append(frame.raw[position : position + size])
        position += size
    failure = meta["failure"]
    return Serve(
        status=meta["status"],
        reason=meta["reason"].encode("latin-1"),
        http_version=meta["version"].encode("latin-1"),
        headers=decode_headers(meta["headers"]),
        chunks=chunks,
        delays_ns=delays_ns,
        end_kind=meta["how"],
        failure=(failure[0], failure[1]) if failure else None,
        taken=taken,
    )


def lane_for_child() -> str:
    """Name the lane of a process that the running code is about to start."""
    return lanes.current().child("proc").name
