"""The shelf of interceptors: one client library a file, listed here.

Owns the registry and whether the interceptors are in place. Each file has a function that patches
its client, given the imported module.
"""

from __future__ import annotations

from agentvcr.inside import imports
from agentvcr.inside.patching import Made

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any, Callable

    Patch = tuple[Any, str, Any]
    """A class, the name of its method, and what stood there before."""


def _by(file: str, function: str = "install") -> Callable[[Any], list[Patch]]:
    """Patch a client by a function of one of these files, loaded when somebody has that client."""

    def patch(module: Any) -> list[Patch]:  # noqa: ANN401  (the library)
        interceptor = __import__("%s.%s" % (__name__, file), fromlist=[function])
        found: list[Patch] = getattr(interceptor, function)(module)
        return found

    return patch


def _http_client(module: Any) -> list[Patch]:  # noqa: ANN401  (the library)
    from agentvcr.inside.interceptors import http_client  # noqa: PLC0415  (only who has the client)

    return http_client.install(module, _later)


CLIENTS = {
    "aiohttp": _by("aiohttp"),
    "http.client": _http_client,
    "httplib2": _by("http_client_callers", "hook_httplib2"),
    "httpx": _by("httpx"),
    "httpx2": _by("httpx"),
    "mcp.client.stdio": _by("mcp_stdio"),
    "mcp.client.streamable_http": _by("mcp_http"),
    "urllib3.connection": _by("http_client_callers", "hook_urllib3_connection"),
    "urllib3.connectionpool": _by("http_client_callers", "hook_urllib3_pool"),
}
"""The function that patches each client, given its module."""

TAIL = {
    "httpx_curl_cffi": _by("httpx", "install_transports"),
    "pyreqwest.compatibility.httpx": _by("httpx", "install_transports"),
    "tornado.curl_httpclient": _by("vcrpy_tail"),
    "tornado.simple_httpclient": _by("vcrpy_tail"),
}
"""The long tail: those that go through vcrpy, and other libraries' transports for httpx."""

UNRECORDED = {
    "aiohttp.client": _by("websocket", "install_aiohttp"),
    "grpc._channel": _by("grpc"),
    "grpc._server": _by("grpc", "install_server"),
    "grpc.aio._channel": _by("grpc", "install_aio"),
    "grpc.aio._server": _by("grpc", "install_server"),
    "tornado.websocket": _by("websocket", "install_tornado"),
    "websocket._core": _by("websocket", "install_websocket_client"),
    "websockets.asyncio.client": _by("websocket", "install_websockets"),
    "websockets.legacy.client": _by("websocket", "install_websockets"),
    "websockets.sync.client": _by("websocket", "install_websockets_sync"),
    "websockets.trio.client": _by("websocket", "install_websockets_trio"),
}
"""Those that are named while recording, and refused on replay."""

_AGAIN = ("aiohttp", "httplib2", "httpx", "httpx2", "urllib3.connection", "urllib3.connectionpool")
"""Clients whose patches are the same in block after block, as tests are: they are made once."""

_patches: list[Patch] = []
_later: list[Patch] = []
"""What was patched of classes that were made after their client was patched."""
_clients: list[str] = []
_known: dict[str, tuple[Any, Made]] = {}
"""The module that each client was last, and what its patches put where."""


def install(shelf: dict[str, Callable[[Any], list[Patch]]] | None = None) -> None:
    """Intercept each client of the shelf, when it is imported or now; or those of a part of it."""
    for name, patch in ({**CLIENTS, **TAIL, **UNRECORDED} if shelf is None else shelf).items():

        def hook(module: Any, name: str = name, patch: Any = patch) -> None:  # noqa: ANN401
            _patches.extend(_patched(name, module, patch))
            _clients.append(name)

        imports.when_imported(name, hook)


def _patched(name: str, module: Any, patch: Any) -> list[Patch]:  # noqa: ANN401  (the library)
    known, made = _known.get(name, (None, None))
    if made is not None and known is module and made.fits():
        return made.put()
    found: list[Patch] = patch(module)
    if name in _AGAIN:
        _known[name] = module, Made(found)
    return found


def uninstall() -> None:
    """Put every client back as it was."""
    for patches in (_later, _patches):
        while patches:
            owner, name, original = patches.pop()
            setattr(owner, name, original)
    _clients.clear()
    imports.forget()


def installed() -> tuple[str, ...]:
    """Names of the clients that are being intercepted."""
    return tuple(_clients)
