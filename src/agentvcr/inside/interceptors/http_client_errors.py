"""Say where an exchange of `http.client` failed before its answer, and fail there again.

Owns the words that a recording has for that place, and exceptions made again from their words: with
the number of an `OSError`, since clients look at it. Raises nothing itself.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any

CONNECTING = " (while connecting)"
SENDING = " (while sending)"
_REFUSED, _RESET = 111, 104
_NEVER_LATER = ("gaierror", "herror", "ConnectionRefusedError", "SSLCertVerificationError")
_NUMBERS = (99, 101, 110, 113)
"""Errors of Linux that only a connection attempt gives: no address, no network, no route, late."""
_TLS_NUMBERS = {"SSLEOFError": 8, "SSLZeroReturnError": 6, "SSLSyscallError": 5}
_CUT = (
    "IncompleteRead",
    "RemoteDisconnected",
    "RemoteProtocolError",
    "ServerDisconnectedError",
    "ClientPayloadError",
    "TransferEncodingError",
    "ContentLengthError",
)
"""What clients say of a connection that was closed too early; `http.client` says it of itself."""
_LATE = ("ReadTimeout", "WriteTimeout", "SocketTimeoutError", "ServerTimeoutError", "TimeoutError")
_BROKEN = ("ReadError", "WriteError", "ClientOSError")
_NOT_REACHED = ("ConnectError", "ClientConnectorError", "ClientConnectorDNSError")
_REACHED_LATE = ("ConnectTimeout", "ConnectionTimeoutError")


class Closed(Exception):  # noqa: N818  (no error: a place)
    """The peer closed the connection, and what to say of that is the client's parser's matter."""


def told(error: BaseException, place: str) -> BaseException:
    """Give the error to be recorded: the system's own, and where it was, if nothing else says so.

    `urllib3` has wrapped it already, in words that name an address in memory.
    """
    cause = error.__cause__
    if not isinstance(error, OSError) and isinstance(cause, OSError):
        error = cause
    if not isinstance(error, OSError) or _is_of_connecting(type(error).__name__, error.errno):
        return error
    kind = type(error)
    words = str(error) + place
    members = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
    renamed: BaseException = type(kind.__name__, (Exception,), members)(words)
    return renamed


def _is_of_connecting(name: str, number: int | None) -> bool:
    return name in _NEVER_LATER or number in _NUMBERS


def made_again(failure: tuple[str, str] | None, *, has_head: bool) -> tuple[str, BaseException]:
    """Make a recorded failure again, with its place: CONNECTING, SENDING, or none.

    Args:
        failure: The class in full and the message, of whatever client.
        has_head: Whether it was after the answer's head.
    """
    kind, message = failure or ("", "")
    name = kind.rpartition(".")[2]
    place = ""
    for one in (CONNECTING, SENDING):
        if message.endswith(one):
            place, message = one, message[: -len(one)]
    error = _of_a_client(name, message) or _of_its_class(kind, message)
    if name in _NOT_REACHED or name in _REACHED_LATE:
        place = CONNECTING
    elif not place and not has_head and isinstance(error, OSError):
        is_tls = "ssl" in kind.partition(".")[0]
        if is_tls or _is_of_connecting(type(error).__name__, error.errno):
            place = CONNECTING
    return place, error


def _of_a_client(name: str, message: str) -> BaseException | None:
    """Translate what other clients say into what `http.client` meets there."""
    if name in _CUT:
        return Closed()
    if name in _REACHED_LATE or (name in _LATE and not message.startswith("[Errno")):
        return TimeoutError(message if "timed out" in message else "timed out")
    if name in _BROKEN:
        return ConnectionResetError(_RESET, "Connection reset by peer")
    return _not_reached(message) if name in _NOT_REACHED else None


def _not_reached(message: str) -> BaseException:
    number, words = _number_of(message)
    if number is None:
        return ConnectionRefusedError(_REFUSED, "Connection refused")
    if number > 0:
        return OSError(number, words)
    import socket  # noqa: PLC0415  (the client has it loaded)

    return socket.gaierror(number, words)


def _number_of(message: str) -> tuple[int | None, str]:
    """Part an `OSError`'s words into its number and the rest."""
    if message.startswith("[Errno "):
        number, bracket, words = message[7:].partition("] ")
        if bracket and number.lstrip("-").isdigit():
            return int(number), words
    return None, message


def _of_its_class(kind: str, message: str) -> BaseException:
    if kind == "builtins.SystemExit":
        return SystemExit(int(message) if message.lstrip("-").isdigit() else message or None)
    module, _, name = kind.rpartition(".")
    found: Any = getattr(sys.modules.get(module), name, None)
    if not isinstance(found, type) or not issubclass(found, BaseException):
        return OSError("%s: %s" % (kind, message))
    number, words = _number_of(message)
    try:
        if issubclass(found, OSError) and number is not None:
            return found(number, words)
        if found.__module__ == "ssl":
            return _of_tls(found, message)
        error: Any = found.__new__(found, message)
        error.args = (message,)
        if name in ("BadStatusLine", "UnknownProtocol"):
            error.line = error.version = message
    except Exception:  # noqa: BLE001  (a class that wants other arguments)
        return OSError("%s: %s" % (kind, message))
    made: BaseException = error
    return made


def _of_tls(found: Any, message: str) -> BaseException:  # noqa: ANN401  (a class of `ssl`)
    """Make an error of `ssl`, which keeps its parts beside its words."""
    error = found(_TLS_NUMBERS.get(found.__name__, 1), message)
    if message.startswith("["):
        library, _, rest = message[1:].partition(": ")
        error.library, error.reason = library, rest.partition("]")[0]
    if found.__name__ == "SSLCertVerificationError":
        words = message.partition("certificate verify failed: ")[2]
        error.verify_message, error.verify_code = words.rpartition(" (")[0], 0
    made: BaseException = error
    return made
