"""What a cassette keeps of the environment, and which credentials stand in it.

Owns the two lists of variables. A value is kept for a few harmless names; of all others a
keyed hash, which tells later whether it was the same.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from agentvcr.model.text import storable

_CREDENTIAL = re.compile(r"KEY|TOKEN|SECRET|PASSWORD", re.IGNORECASE)
_SHOWN = ("LANG", "LC_ALL", "LC_CTYPE", "TZ", "CI")
"""Variables whose values are kept, beside those that begin with PYTHON and hold no path."""


def credentials(environment: Mapping[str, str]) -> Iterator[bytes]:
    """Name the values of variables that are called like a credential."""
    for name, value in environment.items():
        if _is_credential(name):
            yield value.encode("utf-8", "surrogateescape")


@lru_cache(maxsize=4096)
def _is_credential(name: str) -> bool:
    return _CREDENTIAL.search(name) is not None


def kept_environment(environment: Mapping[str, str], key: bytes) -> dict[str, str]:
    """Make what the cassette keeps: values, or hashes under `key`."""
    kept: dict[str, str] = {}
    for name, value in environment.items():
        if name in _SHOWN or (name.startswith("PYTHON") and "PATH" not in name):
            kept[name] = storable(value)
        elif not name.startswith("AGENTVCR_"):
            kept[storable(name)] = _hashed(key, value)
    return kept


@lru_cache(maxsize=1024)
def _hashed(key: bytes, value: str) -> str:
    """Hash a value; a test suite records block after block in one environment."""
    data = value.encode("utf-8", "surrogateescape")
    return "hmac:" + hmac.digest(key, data, "sha256")[:8].hex()
