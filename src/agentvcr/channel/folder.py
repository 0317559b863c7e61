"""The private folder that holds a session's socket.

Owns its name, and that folders which a killed engine left are cleared away by the next one.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import time

_LONGEST_BASE = 70
"""A socket's whole name may have 104 bytes on macOS."""
_PREFIX = "agentvcr-"
_LEFT_S = 60.0
"""A younger folder may be that of an engine which is just starting."""
_NAMES = ("s", "gone", "arrivals")


def private_folder() -> str:
    """Make a folder that nobody else can look into; `tempfile` would cost each start 4 ms."""
    base = os.environ.get("TMPDIR", "")
    if not base or len(base) > _LONGEST_BASE or not os.access(base, os.W_OK):
        base = "/tmp"  # noqa: S108  (0700, and a name nobody guesses)
    _clear(base)
    folder = f"{base}/{_PREFIX}{os.urandom(6).hex()}"
    os.mkdir(folder, 0o700)  # noqa: PTH102  (fails if it exists)
    return folder


def remove_folder(folder: str) -> None:
    """Remove a folder and what is ours in it."""
    for name in _NAMES:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{folder}/{name}")  # noqa: PTH108  (a socket's name)
    with contextlib.suppress(OSError):  # somebody has put something there
        os.rmdir(folder)  # noqa: PTH106  (as above)


def _clear(base: str) -> None:
    """Remove the folders of our own engines that were killed: nobody answers at their sockets."""
    with contextlib.suppress(OSError), os.scandir(base) as entries:
        for entry in entries:
            if entry.name.startswith(_PREFIX) and _is_left(entry):
                remove_folder(entry.path)


def _is_left(entry: os.DirEntry[str]) -> bool:
    found = entry.stat(follow_symlinks=False)
    if found.st_uid != os.getuid() or time.time() - found.st_mtime < _LEFT_S:
        return False
    name = f"{entry.path}/s"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(0)
        try:
            if not stat.S_ISSOCK(os.lstat(name).st_mode):
                return False
            probe.connect(name)
        except ConnectionRefusedError:
            return True
        except OSError:  # no socket of ours in it, or too busy to answer
            return False
    return False
