"""A file's content in a few characters, from which no short secret can be guessed.

Owns which files are hashed under the user's key: those that are named like a credential, and those
that give something with such a name a value. Whoever has another key cannot compare these. A long
random credential could not be guessed from any hash, and code names no values of secrets.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import stat
from functools import lru_cache
from pathlib import Path
from typing import Final

_MOST: Final = 4 << 20
"""Bytes of a file that are hashed; of a longer one its length is too."""
_MOST_SEARCHED: Final = 1 << 20
"""Bytes in which credentials are looked for; what is longer may hold one."""
_CODE: Final = (".py", ".pyw")
_SECRET: Final = re.compile(
    r"(^|[._-])(env|keys?|tokens?|secrets?|passwords?|passwd|credentials?|netrc|pem|p12|pfx|pgpass"
    r"|htpasswd|pypirc|id_(rsa|dsa|ecdsa|ed25519))([._-]|$)",
    re.IGNORECASE,
)
_WORDS: Final = (b"passw", b"passphrase", b"secret", b"token", b"key", b"credential", b"pin")
_GIVEN: Final = re.compile(
    rb"(?:passw(?:or)?d|passphrase|secret|token|key|credential|\bpin)[\w-]*[\"'\]]*\s*[:=]"
    rb"|begin [a-z ]*private key"
)
"""In lower case: a setting that is named like a credential, or one in armour."""
_KEYED: Final = "hmac:"


class Digest:
    """Hashes files, some of them under one key."""

    def __init__(self, key: bytes) -> None:
        """Use `key` where a secret might be guessed."""
        self._key = key
        self.key_id = hmac.digest(key, b"which key", "sha256")[:4].hex()
        """Tells one user's key from another's, and nothing else of it."""

    def of(self, path: str) -> str:
        """Hash a regular file; empty where it is none, is not there or cannot be read."""
        try:
            found = os.stat(path)  # noqa: PTH116  (a Path would cost as much as the call)
            if not stat.S_ISREG(found.st_mode):
                return ""
            state = (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
            plain, keyed = _hashed(path, self._key, state)
        except (OSError, ValueError):
            return ""
        return f"{_KEYED}{self.key_id}:{keyed}" if keyed else plain


@lru_cache(maxsize=4096)
def _hashed(path: str, key: bytes, _state: tuple[int, ...]) -> tuple[str, str]:
    """Hash a file in one of two ways; again in this process only once it has changed.

    A test suite records a block for each of its tests, of the same sources.
    """
    data, size = _read(path)
    if size > _MOST:
        data += b"\0%d" % size
    if _may_be_secret(Path(path).name, data):
        return "", hmac.digest(key, data, "sha256")[:8].hex()
    return hashlib.blake2b(data, digest_size=8).hexdigest(), ""


def _may_be_secret(name: str, data: bytes) -> bool:
    if _SECRET.search(name) or len(data) > _MOST_SEARCHED:
        return True
    if name.endswith(_CODE):
        return False
    lower = data.lower()
    # The words alone are looked for much faster, and most files have none.
    return any(word in lower for word in _WORDS) and _GIVEN.search(lower) is not None


def is_known_to_differ(one: str, other: str) -> bool:
    """Whether two contents differ; of two that are hashed under other keys nobody knows."""
    keyed = [text.split(":")[1] for text in (one, other) if text.startswith(_KEYED)]
    return one != other and len(set(keyed)) < 2  # noqa: PLR2004  (two keys)


def _read(path: str) -> tuple[bytes, int]:
    # It may have become a pipe, which nobody is to wait for.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise OSError
        return file.read(_MOST), found.st_size
