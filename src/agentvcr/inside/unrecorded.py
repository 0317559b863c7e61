"""Say what a client asks for that is known and not recorded.

Owns the words for a URL, and that one thing is named once: the guard says no more of a connection
that was named here. Does not know clients.
"""

from __future__ import annotations

from agentvcr.inside import guard, state

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from contextvars import Token

_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


class Naming:
    """What is done in this block has been named, or on replay refused, as it was entered."""

    def __init__(self, url: str, form: str) -> None:
        """Name `url` in the words of `form`, which has a place for it.

        Raises:
            ReplayHalt: It may not be reached on replay.
            ConnectionRefusedError: It is telemetry, on replay.
        """
        place = place_of(url) if state.handler is not None else None
        if place is not None:
            host, port, shown = place
            guard.meet(host, port, form % shown)
        self._is_named = place is not None
        self._token: Token[bool] | None = None

    def __enter__(self) -> None:
        if self._is_named:
            self._token = guard.named.set(True)

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            try:
                guard.named.reset(self._token)
            except ValueError:  # a coroutine that was closed in another context than it ran in
                return


def place_of(url: str) -> tuple[str, int, str] | None:
    """Give the host and the port of a URL, and the URL without what might be a credential.

    Returns:
        None for what is no URL, or has no host: its client says so itself.
    """
    from urllib.parse import urlsplit  # noqa: PLC0415  (whoever has a client has it loaded)

    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if not host:
        return None
    shown = "%s://%s%s" % (parts.scheme, parts.netloc.rpartition("@")[2], parts.path)
    return host, port or _PORTS.get(parts.scheme, 0), shown
