"""The shelf of interceptors: one client library a file, listed here.

Owns the registry and whether the interceptors are in place. Each file has a function that patches
its client, given the imported module.
"""

from __future__ import annotations

from agentvcr.inside import imports

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any, Callable

    Patch = tuple[Any, str, Any]
    """A class, the name of its method, and what stood there before."""


def _httpx(module: Any) -> list[Patch]:  # noqa: ANN401  (the library)
    from agentvcr.inside.interceptors import httpx  # noqa: PLC0415  (only who has the client)

    return httpx.install(module)


def _httpx_transports(module: Any) -> list[Patch]:  # noqa: ANN401  (the library)
    from agentvcr.inside.interceptors import httpx  # noqa: PLC0415  (as above)

    return httpx.install_transports(module)


def _websocket(name: str) -> Callable[[Any], list[Patch]]:
    def hook(module: Any) -> list[Patch]:  # noqa: ANN401  (the library)
        from agentvcr.inside.interceptors import websocket  # noqa: PLC0415  (as above)

        found: list[Patch] = getattr(websocket, name)(module)
        return found

    return hook


def _grpc(name: str) -> Callable[[Any], list[Patch]]:
    def hook(module: Any) -> list[Patch]:  # noqa: ANN401  (the library)
        from agentvcr.inside.interceptors import grpc  # noqa: PLC0415  (as above)

        found: list[Patch] = getattr(grpc, name)(module)
        return found

    return hook


def _vcrpy(module: Any) -> list[Patch]:  # noqa: ANN401  (the library)
    from agentvcr.inside.interceptors import vcrpy_tail  # noqa: PLC0415  (as above)

    return vcrpy_tail.install(module)


CLIENTS = {"httpx": _httpx, "httpx2": _httpx}
"""The function that patches each client, given its module."""

TAIL = {
    "httpx_curl_cffi": _httpx_transports,
    "pyreqwest.compatibility.httpx": _httpx_transports,
    "tornado.curl_httpclient": _vcrpy,
    "tornado.simple_httpclient": _vcrpy,
}
"""The long tail: those that go through vcrpy, and other libraries' transports for httpx."""

UNRECORDED = {
    "websockets.asyncio.client": _websocket("install_websockets"),
    "websockets.legacy.client": _websocket("install_websockets"),
    "websockets.sync.client": _websocket("install_websockets_sync"),
    "websockets.trio.client": _websocket("install_websockets_trio"),
    "websocket._core": _websocket("install_websocket_client"),
    "aiohttp.client": _websocket("install_aiohttp"),
    "tornado.websocket": _websocket("install_tornado"),
    "grpc._channel": _grpc("install"),
    "grpc.aio._channel": _grpc("install_aio"),
    "grpc._server": _grpc("install_server"),
    "grpc.aio._server": _grpc("install_server"),
}
"""Those that are named while recording, and refused on replay."""

_patches: list[Patch] = []
_clients: list[str] = []


def install() -> None:
    """Intercept each client of the shelf, when it is imported or now."""
    for name, patch in {**CLIENTS, **TAIL, **UNRECORDED}.items():

        def hook(module: Any, name: str = name, patch: Any = patch) -> None:  # noqa: ANN401
            _patches.extend(patch(module))
            _clients.append(name)

        imports.when_imported(name, hook)


def uninstall() -> None:
    """Put every client back as it was."""
    while _patches:
        owner, name, original = _patches.pop()
        setattr(owner, name, original)
    _clients.clear()
    imports.forget()


def installed() -> tuple[str, ...]:
    """Names of the clients that are being intercepted."""
    return tuple(_clients)
