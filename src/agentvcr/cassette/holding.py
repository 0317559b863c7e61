"""Hold a cassette while it is written, so that nobody else records into it or seals it.

Owns the lock, which ends with the process that has it, however that ends. Where the system or the
file system has no such locks, nobody is held up.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from agentvcr.errors import CassetteBusyError

if sys.platform != "win32":
    import fcntl


def hold(descriptor: int, path: Path) -> None:
    """Hold an open file until its descriptor is closed.

    Raises:
        CassetteBusyError: Somebody else holds it.
    """
    if sys.platform == "win32":  # which replaces or truncates no file that is open
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CassetteBusyError(
            f"{path} is being recorded or sealed", where=str(path), cure="wait until that is over"
        ) from None
    except OSError:  # a file system without locks
        return


def let_go(descriptor: int) -> None:
    """Hold an open file no longer, whoever else has the descriptor."""
    if sys.platform != "win32":
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the file that `path` names now, until the block ends.

    Raises:
        CassetteBusyError: Somebody else holds it.
    """
    while True:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            hold(descriptor, path)
            if os.path.samestat(os.fstat(descriptor), path.stat()):  # else sealed in between
                yield
                return
        finally:
            os.close(descriptor)
