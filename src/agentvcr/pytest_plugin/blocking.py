"""Block the network for a test, as `--block-network` of pytest-recording does.

Owns which addresses are let through, and what is said of the others. `socket.socket` refuses, as
tests expect of pytest-recording; an audit hook sees the connections that Python makes past it.
Blind to C code that opens sockets of its own, but for handles of `pycurl`: they are asked by URL.
"""

from __future__ import annotations

import os
import re
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

_INTERNET: Final = (socket.AF_INET, socket.AF_INET6)
_UNIX: Final = getattr(socket, "AF_UNIX", None)
_PAIR: Final = getattr(socket.socketpair, "__code__", None)
"""Where there are no pairs of sockets (Windows), two are connected: event loops begin so."""

_PERFORMING: Final = ("perform", "perform_rb", "perform_rs")
"""Methods of a handle of `pycurl`, which finds its own before those of a class made of it."""

_let_through: list[re.Pattern[str]] = []
"""What each block that is in force lets through; empty where none is."""
_hooked: list[bool] = []


@contextmanager
def blocked(allowed: Sequence[str] | None) -> Iterator[None]:
    """Refuse connections to hosts that no pattern of `allowed` begins with.

    `RuntimeError` is what pytest-recording raises, and what tests expect.
    """
    pattern = re.compile("|".join(f"({one})" for one in allowed) if allowed else r"(?!)")
    if not _hooked:
        sys.addaudithook(_hook)
        _hooked.append(True)
    before = {name: vars(socket.socket).get(name) for name in ("connect", "connect_ex")}
    for name in before:
        setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
    _let_through.append(pattern)
    curl = sys.modules.get("pycurl")
    handle = None if curl is None else curl.Curl
    try:
        if curl is not None:
            curl.Curl = _guarded_handle(curl)  # type: ignore[attr-defined]  # a library's class
        yield
    finally:
        if curl is not None:
            curl.Curl = handle  # type: ignore[attr-defined]  # as above
        _let_through.remove(pattern)
        for name, own in before.items():
            if own is None:
                delattr(socket.socket, name)
            else:
                setattr(socket.socket, name, own)


def _guarded(original: Callable[..., Any]) -> Callable[..., Any]:
    def network_guard(self: socket.socket, address: Any, *rest: Any) -> Any:  # noqa: ANN401  (its own)
        if sys._getframe(1).f_code is not _PAIR:  # noqa: SLF001  (who calls)
            _check(self, address)
        return original(self, address, *rest)

    return network_guard


def _guarded_handle(curl: Any) -> Any:  # noqa: ANN401  (pycurl, a class)
    """Make the class of a handle that asks for the host of its URL before it performs."""

    class Curl(curl.Curl):  # type: ignore[misc]  # the library's class, known when it is there
        def __getattribute__(self, name: str) -> Any:  # noqa: ANN401  (its methods are found here)
            found = super().__getattribute__(name)
            if name == "setopt":
                return partial(_set_option, self, curl.URL, found)
            return partial(_perform, self, found) if name in _PERFORMING else found

    return Curl


def _set_option(handle: Any, url: int, setopt: Any, option: int, *value: Any) -> Any:  # noqa: ANN401
    if option == url and value:
        handle._agentvcr_url = value[0]  # noqa: SLF001  (ours)
    return setopt(option, *value)


def _perform(handle: Any, perform: Any) -> Any:  # noqa: ANN401  (the library's)
    """Perform what a handle is set to, if its host is let through.

    Raises:
        RuntimeError: It is not.
    """
    host = urlsplit(os.fsdecode(getattr(handle, "_agentvcr_url", ""))).hostname
    if host:  # else the library says what is wrong
        _check_host(host)
    return perform()


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if event == "socket.connect" and _let_through:
        caller = sys._getframe(1)  # noqa: SLF001  (who calls)
        through = caller.f_back if caller.f_code.co_name == "network_guard" else caller
        if through is None or through.f_code is not _PAIR:
            _check(*args)


def _check(sock: Any, address: Any) -> None:  # noqa: ANN401  (whatever a socket takes)
    """Refuse an address that a block does not let through.

    Raises:
        RuntimeError: It is refused.
    """
    family = getattr(sock, "family", None)
    host = address[0] if family in _INTERNET else address if family == _UNIX else ""
    _check_host(host)


def _check_host(host: Any) -> None:  # noqa: ANN401  (as above)
    text = host.decode() if isinstance(host, bytes | bytearray) else str(host)
    if not all(one.match(text) for one in _let_through):
        raise RuntimeError(f"Network is disabled for host {host!r}")
