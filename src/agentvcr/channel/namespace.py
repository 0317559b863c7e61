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


def entering(report_fd: int) -> Callable[[], None] | None:
    """Make what a child runs between fork and exec to leave the network; None where it can't.

    Args:
        report_fd: Gets one byte, `y` when the child is in a network of its own, else `n`.
    """
    if sys.platform != "linux":
        return None
    unshare = _unshare()
    uid, gid = os.geteuid(), os.getegid()

    def enter() -> None:
        entered = False
        try:
            entered = _enter(unshare, uid, gid)
        except OSError:
            entered = False
        os.write(report_fd, b"y" if entered else b"n")

    return enter


def _unshare() -> Callable[[int], int]:
    import ctypes  # noqa: PLC0415  (a replay only; Python 3.12 has os.unshare, 3.11 has not)

    function = ctypes.CDLL(None, use_errno=True).unshare
    return lambda flags: int(function(flags))


def _enter(unshare: Callable[[int], int], uid: int, gid: int) -> bool:
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
