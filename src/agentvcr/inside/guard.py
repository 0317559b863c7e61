"""Watch this process's connections: block them on replay, name them while recording.

Owns the audit hook, which sees every connection that Python makes, whoever patched the socket
module, and cannot be taken away. Blind to C code that opens sockets of its own; on Linux the engine
puts an empty network namespace around the replayed program for those.
"""

from __future__ import annotations

import os
import sys
from _contextvars import ContextVar
from _weakref import ref

from agentvcr.inside import lanes

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Callable, Protocol, Set

    class Gate(Protocol):
        """Whom a guard asks and tells: the session of this process."""

        replaying: bool

        @property
        def is_gone(self) -> bool:
            """Whether nobody listens any more."""

        def is_own(self, host: str, port: int) -> bool:
            """Whether an address is the session's own; of a Unix socket its path, and port 0."""

        def reach(self, host: str, port: int, what: str = "") -> None:
            """Let the replayed program pass, or raise; a port of 0 stands for a look-up.

            `what` names what is asked of the address, where that is known.
            """

        def passed(self, host: str, port: int, what: str = "") -> None:
            """Take down an address that was reached past every interceptor, and for what."""

        def started(self, argv: object) -> None:
            """Take down that a process is started."""

        def listens(self, port: int) -> None:
            """Take down that this process listens on a port."""

        def listens_at(self, path: str) -> None:
            """Take down that this process listens on a Unix socket."""


_LOCAL_NAMES = ("", "localhost", "localhost.localdomain", "ip6-localhost")
_LOOK_UPS = ("socket.getaddrinfo", "socket.gethostbyname")
_STARTS = ("subprocess.Popen", "os.posix_spawn", "os.system")
"""Events of a process that is started; the last of their first two arguments is its command."""
_SENDS = ("socket.connect", "socket.sendto", "socket.sendmsg")


_watching: list[ref[Guard]] = []
"""Who watches now. One hook serves all of them, since none can be taken away again."""


_hooked: list[bool] = []

opening: list[Callable[[Any], None]] = []
"""Who sees that a file is opened, and raises nothing. Empty again before the interpreter ends."""

named: ContextVar[bool] = ContextVar("agentvcr_named", default=False)
"""Whether what is connected here has been named already, by more than its address."""


def meet(host: str, port: int, what: str) -> None:
    """Meet a client that is known and not recorded: name what it asks for, or refuse it on replay.

    Raises:
        ReplayHalt: It may not be reached on replay.
        ConnectionRefusedError: It is telemetry, on replay.
    """
    for weak in tuple(_watching):
        guard = weak()
        if guard is not None:
            guard.meet(host, port, what)


def listens(port: int) -> None:
    """Tell whoever watches of a port that C code listens on, which no hook of ours has seen."""
    for weak in tuple(_watching):
        guard = weak()
        if guard is not None:
            guard.gate.listens(port)


def _hook(
    event: str, args: tuple[Any, ...], opening: list[Callable[[Any], None]] = opening
) -> None:
    if event == "open":
        for see in opening:  # a default of ours: this module's names go before the last file does
            see(args)
    elif event[:7] == "socket." or event in _STARTS:
        for weak in tuple(_watching):
            guard = weak()
            if guard is not None:
                guard.see(event, args)


class Guard:
    """The rule for each address that the program reaches for, asked of a session's gate once."""

    def __init__(self, gate: Gate) -> None:
        """Guard this process, asking at `gate`."""
        self.gate = gate
        self.seen: Set[tuple[str, int]] = set()
        self._patched: Any = None

    def install(self) -> None:
        """Start watching, for as long as somebody keeps this object.

        The interpreter drops its hooks when hardly anything of it is left, and crashes if a socket
        goes with them: the hook must not be what keeps the connections alive.
        """
        if not _hooked:
            _hooked.append(True)
            sys.addaudithook(_hook)
        _watching[:] = [weak for weak in _watching if weak() is not None]
        _watching.append(ref(self))

    def see(self, event: str, args: tuple[Any, ...]) -> None:
        """See one audit event; raises to refuse what it is about."""
        if event in _SENDS:
            self._reach(args[0], args[1])
        elif event in _LOOK_UPS and self.gate.replaying:
            self._look_up(args[0])
        elif event in _STARTS and not lanes.current().covered:
            self.gate.started(args[:2][-1])

    def meet(self, host: str, port: int, what: str) -> None:
        """Name what a known client asks for, each time that it does; on replay ask first."""
        if self.gate.replaying:
            self.gate.reach(host, port, what)
        elif not (lanes.is_shadow() or lanes.current().covered or self.gate.is_gone):
            self.gate.passed(host, port, what)

    def _reach(self, sock: Any, address: Any) -> None:  # noqa: ANN401  (any socket's)
        if isinstance(address, (str, bytes)):
            self._reach_locally(os.fsdecode(address))
        if not _is_internet(address) or _is_netlink(sock):  # AF_UNIX, a send on a connected socket
            return
        host, port = str(address[0]), int(address[1])
        if self.gate.is_own(host, port):
            return
        if self.gate.replaying:
            if _is_datagram(sock) and not _is_loopback(host):
                # Asking the system for one's own address is done so: no error of the program.
                raise OSError(101, "Network is unreachable")
            self.gate.reach(host, port)
        elif (
            not lanes.is_shadow()
            and not named.get()
            and not lanes.current().covered
            and (host, port) not in self.seen
            and not self.gate.is_gone
        ):
            self.seen.add((host, port))
            self.gate.passed(host, port)

    def _reach_locally(self, path: str) -> None:
        """Name a Unix socket that is reached: it is neither recorded nor refused.

        What a recorded client reaches through one is recorded.
        """
        if lanes.is_shadow() or lanes.current().covered:
            return
        if path and not self.gate.is_own(path, 0) and (path, 0) not in self.seen:
            self.seen.add((path, 0))
            self.gate.passed("unix:" + path, 0)

    def _look_up(self, name: Any) -> None:  # noqa: ANN401  (str, bytes or None)
        host = name.decode("ascii", "replace") if isinstance(name, bytes) else str(name or "")
        if host in _LOCAL_NAMES or _is_literal(host) or host == os.uname().nodename:
            return
        self.gate.reach(host, 0)

    def hook_socket(self, module: ModuleType) -> None:
        """Tell the gate where this process listens: its peers are part of the run."""
        socket_class, gate = module.socket, self.gate
        original = getattr(socket_class, "listen", None)
        if original is None:  # somebody's own, which looks like a socket's from outside
            return
        self._patched = (socket_class, original)

        def listen(own: Any, *backlog: int) -> None:  # noqa: ANN401  (a socket)
            original(own, *backlog)
            name = own.getsockname()
            if isinstance(name, (str, bytes)) and name:
                gate.listens_at(os.fsdecode(name))
            if _is_internet(name):
                gate.listens(name[1])

        socket_class.listen = listen

    def uninstall(self) -> None:
        """Watch no more, and put the socket class back as it was."""
        _watching[:] = [weak for weak in _watching if weak() is not self]
        if self._patched is not None:
            socket_class, original = self._patched
            socket_class.listen = original


def _is_datagram(sock: Any) -> bool:  # noqa: ANN401  (any socket)
    """Whether a socket sends packets, so that connecting it reaches nobody."""
    import _socket  # noqa: PLC0415  (the event's own socket has it loaded)

    return bool(sock.type & 0xF == _socket.SOCK_DGRAM)


def _is_netlink(sock: Any) -> bool:  # noqa: ANN401  (any socket)
    """Whether a socket speaks to the kernel, whose addresses are two numbers as well."""
    import _socket  # noqa: PLC0415  (as above)

    return bool(sock.family == getattr(_socket, "AF_NETLINK", None))


def _is_loopback(host: str) -> bool:
    return host == "::1" or host.startswith("127.") or host in _LOCAL_NAMES


def _is_internet(address: Any) -> bool:  # noqa: ANN401  (whatever the socket family takes)
    return isinstance(address, tuple) and isinstance(address[-1], int) and len(address) in (2, 4)


def _is_literal(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()
