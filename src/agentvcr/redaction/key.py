"""The user's own key for placeholders and environment hashes.

Owns one small file in the user's state folder, readable by nobody else. With it, one credential
gets the same placeholder in each of the user's cassettes; it never enters one.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

_SIZE = 32


def user_key() -> bytes:
    """Read the key, making it the first time; one for this run where that is not possible."""
    # Asked for each test of a suite: a Path would take ten times as long.
    base = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")  # noqa: PTH111
    try:
        return _key_in(base)
    except OSError:
        return os.urandom(_SIZE)


@lru_cache(maxsize=4)
def _key_in(base: str) -> bytes:
    """Read it once: a test suite has a session for each of its tests."""
    path = Path(base) / "agentvcr" / "key"
    return _read(path) or _create(path)


def _read(path: Path) -> bytes | None:
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        return None
    return key if len(key) == _SIZE else os.urandom(_SIZE)


def _create(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = os.urandom(_SIZE)
    beside = path.with_name(f"key.{os.getpid()}")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key)
    try:
        os.link(beside, path)  # whole or not at all, also when two recordings start at once
    except FileExistsError:
        return _read(path) or key
    finally:
        beside.unlink()
    return key
