"""Whether a thread of this process could go on and only lacks a core, and whether a child works.

Owns what the system says of that. A machine that is busy with others lets nobody of ours work:
that must not be taken for waiting. Where the system is not Linux, nobody can say.
"""

from __future__ import annotations

import os
from _thread import get_ident

try:
    from _thread import get_native_id
except ImportError:
    get_native_id = get_ident

_THREADS = b"/proc/self/task"
_AT_WORK = b"RD"
"""Runs or waits for a core; waits for a disk."""
_MOST_LOOKED_AT = 256


def is_anybody_ready() -> bool:
    """Whether another thread than the running one is at work, or would be."""
    own = b"%d" % get_native_id()
    try:
        names = os.listdir(_THREADS)
    except OSError:
        return False
    return any(name != own and _state_of(name) in _AT_WORK for name in names[:_MOST_LOOKED_AT])


def has_children() -> bool:
    """Whether this process has started others, of which it has not seen the end."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except (AttributeError, OSError):  # no such call here, or no child
        return False
    return True


def _state_of(name: bytes) -> bytes:
    """Read a thread's state: it stands behind its name, which may hold anything."""
    try:
        descriptor = os.open(b"%s/%s/stat" % (_THREADS, name), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b"?"
    try:
        return os.read(descriptor, 512).rpartition(b") ")[2][:1] or b"?"
    except OSError:
        return b"?"
    finally:
        os.close(descriptor)
