"""Make the exception again with which a recorded request of the long tail failed.

Owns how its class is found, what it is made of, and what stands for one of another client.
"""

from __future__ import annotations

import errno
import re
import sys

_NUMBERED = re.compile(r"\[Errno (-?\d+)\] (.*)", re.DOTALL)
_SSL_ERROR = 1
_STATUS = re.compile(r"HTTP (\d+): (.*)", re.DOTALL)


def failure_again(failure: tuple[str, str] | None) -> Exception:
    """Make an exception from the name of its class and its words.

    An operating system's error has its number again; what cannot be made is a RuntimeError that
    says what it was.
    """
    name, message = failure or ("builtins.ConnectionError", "the recording does not say why")
    module, _, leaf = name.rpartition(".")
    found = getattr(sys.modules.get(module), leaf, None)
    if not isinstance(found, type) or not issubclass(found, Exception):
        return _of_another_client(leaf, "%s: %s" % (name, message))
    numbered = _NUMBERED.fullmatch(message) if issubclass(found, OSError) else None
    status = _STATUS.fullmatch(message)
    try:
        if numbered is not None:
            return found(int(numbered.group(1)), numbered.group(2))
        if status is not None:
            return found(int(status.group(1)), status.group(2))
        if found.__module__ == "ssl":  # its words stand for the second of its arguments
            return found(_SSL_ERROR, message)
        return found(message)
    except Exception:  # noqa: BLE001  (a class that wants other arguments)
        return RuntimeError("%s: %s" % (name, message))


def _of_another_client(leaf: str, words: str) -> Exception:
    """Give the nearest that tornado has for what another client raised."""
    if "Timeout" in leaf:
        timeout = getattr(sys.modules.get("tornado.simple_httpclient"), "HTTPTimeoutError", None)
        return timeout(words) if timeout is not None else TimeoutError(words)
    if "Connect" in leaf:
        return ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
    return RuntimeError(words)
