"""The shelf of interceptors: one client library a file, listed here.

Owns the registry and whether the interceptors are in place. Each file has a function that patches
its client, given the imported module.
"""

from __future__ import annotations

from typing import Any, List, Tuple

from agentvcr.inside import imports
from agentvcr.inside.interceptors import httpx

Patch = Tuple[Any, str, Any]
"""A class, the name of its method, and what stood there before."""

CLIENTS = {"httpx": httpx.install, "httpx2": httpx.install}

_patches: List[Patch] = []
_clients: List[str] = []


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


def installed() -> Tuple[str, ...]:
    """Names of the clients that are being intercepted."""
    return tuple(_clients)
