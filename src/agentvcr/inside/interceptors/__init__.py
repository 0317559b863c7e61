"""The shelf of interceptors: one client library a file, listed here.

Owns the registry and whether the interceptors are in place. Each file has a function that patches
its client, given the imported module.
"""

from __future__ import annotations

from agentvcr.inside import imports

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any

    Patch = tuple[Any, str, Any]
    """A class, the name of its method, and what stood there before."""


def _httpx(module: Any) -> list[Patch]:  # noqa: ANN401  (the library)
    from agentvcr.inside.interceptors import httpx  # noqa: PLC0415  (only who has the client)

    return httpx.install(module)


def _mcp_stdio(module: Any) -> list[Patch]:  # noqa: ANN401  (the library)
    from agentvcr.inside.interceptors import mcp_stdio  # noqa: PLC0415  (only who has the client)

    return mcp_stdio.install(module)


def _mcp_http(module: Any) -> list[Patch]:  # noqa: ANN401  (the library)
    from agentvcr.inside.interceptors import mcp_http  # noqa: PLC0415  (only who has the client)

    return mcp_http.install(module)


CLIENTS = {
    "httpx": _httpx,
    "httpx2": _httpx,
    "mcp.client.stdio": _mcp_stdio,
    "mcp.client.streamable_http": _mcp_http,
}
"""The function that patches each client, given its module."""

_patches: list[Patch] = []
_clients: list[str] = []


def install() -> None:
    """Intercept each client of the shelf, when it is imported or now."""
    for name, patch in CLIENTS.items():

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
