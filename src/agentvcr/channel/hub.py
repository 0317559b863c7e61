"""Listen to every process of the run: one thread, one selector, one order.

Owns the sockets and the turning of frames into calls of the engine. Decides nothing about a request
and writes no byte of the cassette itself. An answer that a process waits for is sent after what it
acknowledges has been handed to the operating system.
"""

from __future__ import annotations

import os
import selectors
import socket
from time import monotonic

from agentvcr.boundary import Boundary
from agentvcr.channel.engine import Divergences, Engine, Worlds
from agentvcr.channel.events import Events, pack_halt
from agentvcr.channel.folder import private_folder, remove_folder
from agentvcr.channel.gateway.door import Door
from agentvcr.channel.peers import Connection, ExchangeState, Peer
from agentvcr.inside import frames
from agentvcr.inside.exchange import ReplayHalt, Request, Serve
from agentvcr.inside.frames import Frame, ProtocolError
from agentvcr.inside.mcp.messages import CLIENT
from agentvcr.inside.wire import decode_headers, pack_forward, pack_serve

_ACK = frames.pack(frames.ACK, 0, 0, 0, b"", b"")
_BACKLOG = 256
_BUFFER = 1 << 20


class Hub:
    """The engine's end of the channel."""

    def __init__(
        self,
        recorder: Engine,
        boundary: Boundary,
        ledger: Divergences | None,
        *,
        gateway_port: int = 0,
        worlds: Worlds | None = None,
    ) -> None:
        """Listen for the processes of one run; with a ledger, they are replaying.

        The gateway is at `gateway_port`, where that is given and free; `worlds` says what else was
        recorded of a process.
        """
        self.recorder = recorder
        self.token = os.urandom(16).hex()
        self.selector = selectors.DefaultSelector()
        self._boundary = boundary
        self._ledger = ledger
        self._peers: dict[str, Peer] = {}
        self._connections: set[Connection] = set()
        self._events = Events(recorder, boundary, ledger, worlds, self._stop)
        self._acks: list[Connection] = []
        self._folder = ""
        self._listener, self.address = self._listen()
        self.selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._goes_on = ledger is not None and ledger.goes_on
        self.door = Door(gateway_port, has_key=not self._goes_on)
        self._is_open = False
        self.selector.register(self.door.listener, selectors.EVENT_READ, self._knocked)
        boundary.gateway_at(self.door.port)

    def _listen(self) -> tuple[socket.socket, str]:
        if not hasattr(socket, "AF_UNIX"):
            listener = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
            listener.settimeout(0)
            return listener, f"tcp:{listener.getsockname()[1]}"
        self._folder = private_folder()
        path = os.path.join(self._folder, "s")  # noqa: PTH118  (a socket's name, 104 bytes at most)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(path)
        listener.listen(_BACKLOG)
        listener.settimeout(0)
        return listener, f"unix:{path}"

    def move_door(self, listener: socket.socket, pid: int) -> None:
        """Have the gateway listen in the network that process `pid` was put into."""
        self.selector.unregister(self.door.listener)
        self.door.move(listener, pid)
        self.selector.register(self.door.listener, selectors.EVENT_READ, self._knocked)

    def _knocked(self, _mask: int) -> None:
        """Start the gateway's process, which accepts from then on."""
        self.selector.unregister(self.door.listener)
        self._is_open = True
        self.recorder.note("gateway", self.door.address)
        mode = "record" if self._ledger is None else "serve" if self._goes_on else "replay"
        self.door.answer(self.address, self.token, mode)

    def turn(self, timeout_s: float | None) -> bool:
        """Serve what is ready, waiting at most `timeout_s`; False when nothing was."""
        events = self.selector.select(timeout_s)
        for key, mask in events:
            key.data(mask)
        self._settle()
        return bool(events)

    def _settle(self) -> None:
        """Flush, then answer those who wait for the flush."""
        self.recorder.flush()
        for connection in self._acks:
            connection.send(_ACK)
            self._write(connection)
        self._acks.clear()

    def drain(self, patience_s: float) -> None:
        """Take what dead processes left in their sockets; wait shortly for the living to end."""
        until = monotonic() + 10 * patience_s  # a survivor may go on talking for ever
        while self.turn(0) and monotonic() < until:
            pass
        until = monotonic() + patience_s
        while self._has_open() and self._connections and monotonic() < until:
            self.turn(0.05)

    def close(self) -> None:
        """Stop listening: who survives goes on unrecorded."""
        for connection in list(self._connections):
            self._drop(connection)
        self.selector.unregister(self._listener)
        self._listener.close()
        if not self._is_open:
            self.selector.unregister(self.door.listener)
        self.door.close()
        self.selector.close()
        if self._folder:
            remove_folder(self._folder)
        self._events.close()

    @property
    def has_live(self) -> bool:
        """Whether some services stay live, which a proxy may lead to."""
        return self._boundary.has_live

    @property
    def pids(self) -> list[int]:
        """Processes that are connected."""
        return [peer.pid for peer in self._peers.values() if peer.connections]

    def _has_open(self) -> bool:
        return any(
            state.sink is not None or (peer.outlives and state.taken is not None)
            for peer in self._peers.values()
            if peer.connections
            for state in peer.exchanges.values()
        )

    def _accept(self, _mask: int) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:  # nobody is waiting, or descriptors have run out: later
                return
            for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                sock.setsockopt(socket.SOL_SOCKET, option, _BUFFER)
            connection = Connection(sock)
            self._connections.add(connection)

            def serve(mask: int, connection: Connection = connection) -> None:
                self._serve(connection, mask)

            self.selector.register(sock, selectors.EVENT_READ, serve)

    def _serve(self, connection: Connection, mask: int) -> None:
        if mask & selectors.EVENT_WRITE:
            self._write(connection)
        if not mask & selectors.EVENT_READ:
            return
        try:
            for frame in connection.read():
                self._frame(connection, frame)
        except ProtocolError:
            connection.closed = True
        except Exception as error:  # noqa: BLE001  (whatever fails here, the program must go on)
            self._failed(error)
            connection.closed = True
        if connection.closed:
            self._drop(connection)

    def _failed(self, error: Exception) -> None:
        self.recorder.failed(error)
        self._stop(f"the engine failed: {type(error).__name__}: {error}")

    def _stop(self, message: str) -> None:
        """End a replay over an error of our own."""
        if self._ledger is not None:
            self._ledger.diverged("failed", message)

    def _write(self, connection: Connection) -> None:
        more = connection.write()
        if connection in self._connections:
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if more else 0)
            key = self.selector.get_key(connection.sock)
            if key.events != wanted:
                self.selector.modify(connection.sock, wanted, key.data)

    def _drop(self, connection: Connection) -> None:
        if connection not in self._connections:
            return
        self._connections.discard(connection)
        self.selector.unregister(connection.sock)
        connection.sock.close()
        if connection.peer is not None:
            connection.peer.connections -= 1
            if not connection.peer.connections:
                self.recorder.process_end(connection.peer.index)

    def _frame(self, connection: Connection, frame: Frame) -> None:
        if frame.kind == frames.HELLO:
            self._hello(connection, frame)
            return
        peer = connection.peer
        if peer is None:
            raise ProtocolError("a frame before hello")
        if not frame.exchange:
            self._event(connection, peer, frame)
            return
        if peer.is_done(frame.exchange):  # sent again after an interruption
            if frame.kind == frames.END:
                self._acks.append(connection)
            return
        state = peer.exchange(frame.exchange)
        for one, origin in state.in_order(frame, connection):
            self._apply(origin, peer, state, one)

    def _hello(self, connection: Connection, frame: Frame) -> None:
        try:
            fields = frame.fields()
            welcome = fields["token"] == self.token and fields["protocol"] == frames.PROTOCOL
        except (ValueError, TypeError, KeyError):  # a stranger's
            welcome = False
        if not welcome:
            raise ProtocolError("a hello that is not of this session")
        peer = self._peers.get(fields["uid"])
        if peer is None:
            index = self.recorder.process(fields, frame.at_ns)
            peer = Peer(index, int(fields["pid"]), outlives=bool(fields.get("gateway")))
            self._peers[fields["uid"]] = peer
        peer.connections += 1
        connection.peer = peer

    def _apply(
        self, connection: Connection, peer: Peer, state: ExchangeState, frame: Frame
    ) -> None:
        kind = frame.kind
        if kind == frames.BODY:
            state.body.append(frame.raw)
        elif kind == frames.BEGIN:
            self._begin(connection, peer, state, frame)
        elif kind == frames.HEAD:
            if state.sink is not None:
                meta = frame.fields()
                state.sink.head(
                    meta["status"],
                    decode_headers(meta["headers"]),
                    meta["reason"].encode("latin-1"),
                    meta["version"].encode("latin-1"),
                    frame.at_ns,
                )
        elif kind == frames.CHUNK:
            data = state.take_body(frame.raw)
            if state.sink is not None:
                state.sink.chunk(data, frame.at_ns)
        elif kind == frames.END:
            self._end(connection, peer, state, frame)
        elif kind == frames.TAKEN:
            self._taken(connection, peer, state, frame)
        else:
            raise ProtocolError(f"kind {kind!r}")

    def _begin(
        self, connection: Connection, peer: Peer, state: ExchangeState, frame: Frame
    ) -> None:
        meta = frame.fields()
        request = Request(
            method=meta["method"],
            url=meta["url"],
            headers=decode_headers(meta["headers"]),
            body=state.take_body(frame.raw),
            lane=meta["lane"],
            client=meta["client"],
            process=peer.index,
            at_ns=frame.at_ns,
            place=meta.get("place", ""),
            covered=meta.get("covered", False),
        )
        try:
            decision = self.recorder.begin(request)
        except ReplayHalt as halt:
            self._halt(connection, str(halt))
            return
        except Exception as error:
            if self._ledger is not None:
                raise
            self.recorder.lost(f"{type(error).__name__}: {error}")
            return
        if isinstance(decision, Serve):
            state.taken = decision.taken
            number = getattr(decision.taken, "number", 0)
            self._events.turns_of(peer).numbers[frame.exchange] = number
            peer.outlives = peer.outlives or request.client == CLIENT
            connection.send(pack_serve(decision))
        else:
            sink = state.sink = self.recorder.recorded_sink(decision)
            self._events.turns_of(peer).numbers[frame.exchange] = sink.number if sink else 0
            if self._ledger is None:
                return
            connection.send(pack_forward(decision, is_recorded=state.sink is not None))
        self._write(connection)

    def _end(self, connection: Connection, peer: Peer, state: ExchangeState, frame: Frame) -> None:
        meta = frame.fields()
        failure = meta.get("failure")
        if state.sink is not None:
            named = (str(failure[0]), str(failure[1])) if failure else None
            state.sink.end_as(meta["how"], named, frame.at_ns)
        peer.finish(frame.exchange)
        self._acks.append(connection)

    def _taken(
        self, connection: Connection, peer: Peer, state: ExchangeState, frame: Frame
    ) -> None:
        meta = frame.fields()
        if state.taken is not None:
            state.taken(meta["chunks"], meta["how"], frame.at_ns)
        peer.finish(frame.exchange)
        if meta["how"] in ("overrun", "misfit"):
            self._acks.append(connection)

    def _event(self, connection: Connection, peer: Peer, frame: Frame) -> None:
        answer = self._events.take(peer, frame)
        if answer is self._events.LATER:
            self._acks.append(connection)
        elif answer:
            connection.send(answer)
            self._write(connection)

    def _halt(self, connection: Connection, message: str) -> None:
        connection.send(pack_halt(message))
        self._write(connection)
