"""Watch this process's connections: block them on replay, name them while recording.

Owns the audit hook, which sees every connection that Python makes, whoever patched the socket
module, and cannot be taken away. Blind to C code that opens sockets of its own; on Linux the engine
puts an empty network namespace around the replayed program for those.
"""

from __future__ import annotations

import os
import sys
from _weakref import ref
from time import monotonic_ns

from agentvcr.inside import lanes

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Set

    from agentvcr.inside.entry import Entry

_LOCAL_NAMES = ("", "localhost", "localhost.localdomain", "ip6-localhost")
_LOOK_UPS = ("socket.getaddrinfo", "socket.gethostbyname")
_SENDS = ("socket.connect", "socket.sendto", "socket.sendmsg")


class Guard:
    """The rule for each address that the program reaches for, asked of the engine once."""

    def __init__(self, entry: Entry) -> None:
        """Guard this process, asking through `entry`."""
        self.entry = entry
        self.channel_port = _port_of(entry.address)
        self.seen: Set[tuple[str, int]] = set()

    def install(self) -> None:
        """Start watching; there is no way back, so `Link.gone` ends it while recording.

        The interpreter drops its hooks when hardly anything of it is left, and crashes if a socket
        goes with them: the hook must not be what keeps the connections alive.
        """
        self.entry.guard = self
        weak = ref(self)

        def hook(event: str, args: tuple[Any, ...]) -> None:
            if event[:7] == "socket.":
                guard = weak()
                if guard is not None:
                    guard.see(event, args)

        sys.addaudithook(hook)

    def see(self, event: str, args: tuple[Any, ...]) -> None:
        """See one audit event of the socket module; raises to refuse it."""
        if event in _SENDS:
            self._reach(args[0], args[1])
        elif event in _LOOK_UPS and self.entry.replaying:
            self._look_up(args[0])

    def _reach(self, sock: Any, address: Any) -> None:  # noqa: ANN401  (any socket's)
        if isinstance(address, (str, bytes)):
            self._reach_locally(os.fsdecode(address))
        if not _is_internet(address):  # AF_UNIX, netlink, a send on a connected socket
            return
        host, port = str(address[0]), int(address[1])
        if port == self.channel_port and host == "127.0.0.1":
            return
        if self.entry.replaying:
            if _is_datagram(sock) and not _is_literal_loopback(host):
                # Asking the system for one's own address is done so: no error of the program.
                raise OSError(101, "Network is unreachable")
            self._ask(host, port)
        elif (
            not lanes.is_shadow()
            and (host, port) not in self.seen
            and not self.entry.handler.link.gone
        ):
            self.seen.add((host, port))
            self.entry.tell(b"N", {"kind": "unrecorded", "host": host, "port": port})

    def _reach_locally(self, path: str) -> None:
        """Name a Unix socket that is reached: it is neither recorded nor refused."""
        if path and "unix:" + path != self.entry.address and (path, 0) not in self.seen:
            self.seen.add((path, 0))
            self.entry.tell(b"N", {"kind": "unrecorded", "host": "unix:" + path, "port": 0})

    def _look_up(self, name: Any) -> None:  # noqa: ANN401  (str, bytes or None)
        host = name.decode("ascii", "replace") if isinstance(name, bytes) else str(name or "")
        if host in _LOCAL_NAMES or _is_literal(host) or host == os.uname().nodename:
            return
        self._ask(host, 0)

    def _ask(self, host: str, port: int) -> None:
        from agentvcr.inside import frames  # noqa: PLC0415  (only a program that connects)

        handler = self.entry.handler
        meta = frames.pack_meta({"host": host, "port": port, "lane": lanes.current().name})
        answer = handler.ask(frames.pack(frames.GUARD, 0, 0, monotonic_ns(), meta, b""))
        if answer.kind == frames.HALT:
            raise handler.halt(answer.raw.decode("utf-8", "replace"))
        if answer.kind == frames.SERVE:  # telemetry: an ordinary refusal, which its client expects
            raise ConnectionRefusedError(111, "Connection refused")


def hook_socket(module: ModuleType, entry: Entry) -> None:
    """Tell the engine each port on which this process listens: its peers are part of the run."""
    socket_class = module.socket
    original = socket_class.listen

    def listen(self: Any, *backlog: int) -> None:  # noqa: ANN401  (a socket)
        original(self, *backlog)
        name = self.getsockname()
        if isinstance(name, (str, bytes)) and name:
            entry.tell(b"L", {"path": os.fsdecode(name)})
        if _is_internet(name):
            from agentvcr.inside import frames  # noqa: PLC0415  (only a program that listens)

            meta = frames.pack_meta({"port": name[1]})
            # Asked, not told: a peer may connect through another process's connection next.
            entry.handler.say(
                frames.pack(frames.LISTEN, 0, 0, monotonic_ns(), meta, b""), answered=True
            )

    socket_class.listen = listen


def _is_datagram(sock: Any) -> bool:  # noqa: ANN401  (any socket)
    """Whether a socket sends packets, so that connecting it reaches nobody."""
    import _socket  # noqa: PLC0415  (the event's own socket has it loaded)

    return bool(sock.type & 0xF == _socket.SOCK_DGRAM)


def _is_literal_loopback(host: str) -> bool:
    return host == "::1" or host.startswith("127.")


def _is_internet(address: Any) -> bool:  # noqa: ANN401  (whatever the socket family takes)
    return isinstance(address, tuple) and isinstance(address[-1], int) and len(address) in (2, 4)


def _is_literal(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()


def _port_of(address: str) -> int:
    scheme, _, place = address.partition(":")
    return int(place) if scheme == "tcp" else 0
