"""Take a URL apart, also one that makes no sense: a program may send what it likes.

Owns that tolerance. Does not judge where an address lies (`boundary`).
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

import msgspec

DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_LOOPBACK_NAMES = frozenset({"localhost", "0.0.0.0", "::"})  # noqa: S104  (compared, not bound)


class Address(msgspec.Struct, frozen=True):
    """The parts of a URL; `port` is the scheme's own where none is given, 0 where none is known."""

    scheme: str
    host: str
    port: int
    path: str
    query: str


def address_of(url: str) -> Address | None:
    """Take a URL apart; None where that cannot be done."""
    try:
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
        host = (parts.hostname or "").lower().rstrip(".")
    except ValueError:
        return None
    return Address(parts.scheme, host, port, parts.path or "/", parts.query)


def path_of(url: str) -> str:
    """Find the path of a URL; the URL itself where it has none that can be found."""
    address = address_of(url)
    return address.path if address else url


@lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    """Whether a name or a literal address means this machine's loopback."""
    if host in _LOOPBACK_NAMES:
        return True
    return is_literal(host) and ip_address(host.partition("%")[0]).is_loopback


def is_literal(host: str) -> bool:
    """Whether a host is a number and not a name."""
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
