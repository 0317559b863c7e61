"""The exceptions of aiohttp, made again from a recorded one's class and words.

Owns how each class wants to be made. Many take a connection's key and a system's error: these are
made of the request at hand and of the words.
"""

from __future__ import annotations

import ast
import errno
import os
import re
import sys

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from agentvcr.inside.exchange import Serve

BEFORE_SENDING = (
    "ClientConnectorError",
    "ClientConnectorDNSError",
    "ClientConnectorCertificateError",
    "ClientConnectorSSLError",
    "ClientProxyConnectionError",
    "ClientHttpProxyError",
    "ConnectionTimeoutError",
    "ServerFingerprintMismatch",
    "ServerTimeoutError",
    "UnixClientConnectorError",
)
"""Failures of connecting: nothing of the request has been sent."""

_NUMBERED = re.compile(r"\[Errno (-?\d+)\] (.*)", re.DOTALL)
_CANNOT = re.compile(r"Cannot connect to (?:host|unix socket) (.*) ssl:(.*?) \[(.*)\]\Z", re.DOTALL)
_ANSWERED = re.compile(r"(\d+), message=(.*), url=(?:'.*'|\".*\")\Z", re.DOTALL)


def error_of(module: ModuleType, serve: Serve, request: Any) -> BaseException:  # noqa: ANN401
    """Make the exception that ended a recorded exchange."""
    kind, message = serve.failure or ("", "")
    home, _, name = kind.rpartition(".")
    own: Any = getattr(sys.modules.get(home), name, None) or getattr(module, name, None)
    if kind == "builtins.SystemExit":
        return SystemExit(int(message) if message.lstrip("-").isdigit() else message or None)
    if isinstance(own, type) and issubclass(own, BaseException):
        try:
            return _made(module, own, message, request)
        except Exception:  # noqa: BLE001  (a class that wants other arguments)
            return _bare(own, message)
    error: BaseException = module.ClientConnectionError("%s: %s" % (kind, message))
    return error


def _made(module: Any, own: Any, message: str, request: Any) -> BaseException:  # noqa: ANN401
    """Make an error of the class `own`: as the library does, where it wants more than words."""
    error: BaseException
    if issubclass(own, module.ClientConnectorError):
        return _unconnected(module, own, message, request)
    if issubclass(own, module.ClientResponseError):
        found = _ANSWERED.match(message)
        status, words = (found[1], ast.literal_eval(found[2])) if found else ("0", message)
        error = own(request.request_info, (), status=int(status), message=words)
        return error
    if issubclass(own, OSError):
        found = _NUMBERED.match(message)
        if found:
            error = own(int(found[1]), found[2])
            return error
    if not message and own is not module.ServerDisconnectedError:
        error = own()
        return error
    error = own(message)
    return error


def _unconnected(module: Any, own: Any, message: str, request: Any) -> BaseException:  # noqa: ANN401
    found = _CANNOT.match(message)
    if found is None:
        return _bare(own, message)
    key, words = request.connection_key, found[3]
    if issubclass(own, module.ClientConnectorCertificateError):
        name, _, args = words.partition(": ")
        certificate: Any = getattr(sys.modules["ssl"], name)
        error: BaseException = own(key, certificate(*ast.literal_eval(args)))
        return error
    cause = OSError(*_numbered(words))
    if own.__name__ == "UnixClientConnectorError":
        return own(found[1], key, cause)  # type: ignore[no-any-return]  # untyped module
    if own is module.ClientProxyConnectionError and request.proxy is not None:
        key = key._replace(host=request.proxy.raw_host, port=request.proxy.port)
    return own(key, cause)  # type: ignore[no-any-return]  # as above


def _numbered(words: str) -> tuple[int | None, str | None]:
    """Give the number that the system has for an error with these words."""
    if words == "None":
        return None, None
    if words.startswith("Connect call failed"):
        return errno.ECONNREFUSED, words
    found = _NUMBERED.search(words)
    if found:
        return int(found[1]), words
    for number in errno.errorcode:
        if os.strerror(number) == words:
            return number, words
    return None, words


def _bare(own: Any, message: str) -> BaseException:  # noqa: ANN401  (a class)
    """Make an error of this class that says these words, however it wants to be made."""

    def said(self: BaseException) -> str:
        del self
        return message

    kind: Any = type(own.__name__, (own,), {"__str__": said, "__module__": own.__module__})
    kind.__qualname__ = own.__qualname__
    error: BaseException = kind.__new__(kind)
    error.args = (message,)
    return error
