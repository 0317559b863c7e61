"""Hold a connection of aiohttp's back while what it gave waits for its turn.

Owns when more may come over it. Knows nothing of turns.
"""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any


def hold_back(protocol: Any) -> Any:  # noqa: ANN401  (the library's; a transport, or None)
    """Let nothing more come over a connection, until what has come has been taken in its turn.

    Without us the program had it before its peer could close the connection.
    """
    transport = getattr(protocol, "transport", None)
    if transport is None or not hasattr(transport, "is_reading") or not transport.is_reading():
        return None
    transport.pause_reading()
    return transport


def let_come(protocol: Any, held: Any) -> None:  # noqa: ANN401  (as above)
    """Let more come, unless the library itself holds it back by now."""
    if held is not None and not held.is_closing() and not protocol._reading_paused:
        held.resume_reading()
