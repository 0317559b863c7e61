"""Put the replayed program into a network of its own, with nothing in it but itself.

Owns the empty network namespace: the proof, for every process and every language, that a replay
reaches nobody. Linux only, and only where the system permits it; the audit hook guards elsewhere.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from collections.abc import Callable
from pathlib import Path

_NEW_USER = 0x10000000
_NEW_NET = 0x40000000
_SET_FLAGS = 0x8914  # SIOCSIFFLAGS
_UP_AND_RUNNING = 0x41
_BACKLOG = 256


def entering(report: socket.socket, port: int) -> Callable[[], None] | None:
    """Make what a child runs between fork and exec to leave the network; None where it can't.

    Args:
        report: Gets one byte, `y` when the child is in a network of its own, else `n`; with the
            first comes a socket that listens there.
        port: Where that listens: the gateway's door.
    """
    if sys.platform != "linux":
        return None
    unshare = _c_function("unshare")
    uid, gid = os.geteuid(), os.getegid()

    def enter() -> None:
        entered = False
        try:
            entered = _enter(unshare, uid, gid)
            if entered:
                with socket.create_server(("127.0.0.1", port), backlog=_BACKLOG) as listener:
                    socket.send_fds(report, [b"y"], [listener.fileno()])
        except OSError:
            entered = False
        if not entered:
            report.send(b"n")

    return enter


def join_network(pid: int) -> None:
    """Go into the network that a process was put into; where that is over, stay outside."""
    join = _c_function("setns")
    for names in (("net",), ("user", "net")):  # root may at once, others as that network's owner
        try:
            for name in names:
                with Path(f"/proc/{pid}/ns/{name}").open("rb") as file:
                    joined = join(file.fileno(), 0) == 0
        except OSError:
            return
        if joined:
            return


def _c_function(name: str) -> Callable[..., int]:
    import ctypes  # noqa: PLC0415  (a replay only; Python 3.12 has both in os, 3.11 has not)

    function = getattr(ctypes.CDLL(None, use_errno=True), name)
    return lambda *numbers: int(function(*numbers))


def _enter(unshare: Callable[..., int], uid: int, gid: int) -> bool:
    if unshare(_NEW_NET) != 0:  # allowed to root alone
        if unshare(_NEW_USER | _NEW_NET) != 0:
            return False
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    import fcntl  # noqa: PLC0415  (POSIX only)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, _SET_FLAGS, struct.pack("16sh14x", b"lo", _UP_AND_RUNNING))
    return True
