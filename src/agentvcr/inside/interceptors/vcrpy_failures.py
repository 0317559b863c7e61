"""Make the exception again with which a recorded request of the long tail failed.

Owns how its class is found and what it is made of. Knows of no client but by the names that were
recorded.
"""

from __future__ import annotations

import re
import sys

_NUMBERED = re.compile(r"\[Errno (-?\d+)\] (.*)", re.DOTALL)
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
        return RuntimeError("%s: %s" % (name, message))
    numbered = _NUMBERED.fullmatch(message) if issubclass(found, OSError) else None
    status = _STATUS.fullmatch(message)
    try:
        if numbered is not None:
            return found(int(numbered.group(1)), numbered.group(2))
        if status is not None:
            return found(int(status.group(1)), status.group(2))
        return found(message)
    except Exception:  # noqa: BLE001  (a class that wants other arguments)
        return RuntimeError("%s: %s" % (name, message))
