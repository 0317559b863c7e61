"""Name WebSocket connections while recording, and refuse them on replay.

Owns where the libraries open one: `websockets`, `websocket` (websocket-client), aiohttp and
tornado. Records nothing of what is said: a replay has no server that would say it again. Upgrades
that a recorded HTTP client makes itself are exchanges with the status 101, which the engine knows.
"""

from __future__ import annotations

from agentvcr.inside import lanes
from agentvcr.inside.patching import dressed_as
from agentvcr.inside.unrecorded import Naming

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any, Callable

    from agentvcr.inside.interceptors import Patch

_SCHEMES = (("http://", "ws://"), ("https://", "wss://"))


def _opening(client: str, url_of: Callable[[], object]) -> Naming:
    """Name what is opened: aiohttp and tornado take the schemes of HTTP for the same.

    Where another version of a library keeps its address elsewhere, the guard names the connection.
    """
    try:
        text = str(url_of())
    except Exception:  # noqa: BLE001  (ours: it must not become the program's)
        text = ""
    for plain, own in _SCHEMES:
        if text.lower().startswith(plain):
            text = own + text[len(plain) :]
    return Naming(text, "websocket %s (" + client + ")")


def _entry(owner: Any, name: str, client: str, url_of: Callable[..., object]) -> Patch:  # noqa: ANN401
    """Patch a plain function or method that opens a connection before it returns."""
    original = owner.__dict__[name]

    @dressed_as(original)
    def opens(*args: Any, **options: Any) -> Any:  # noqa: ANN401  (the library's)
        with _opening(client, lambda: url_of(*args, **options)):
            return original(*args, **options)

    setattr(owner, name, opens)
    return owner, name, original


def _async_entry(owner: Any, name: str, client: str, url_of: Callable[..., object]) -> Patch:  # noqa: ANN401
    """Patch a coroutine function that opens a connection."""
    original = owner.__dict__[name]

    @dressed_as(original)
    async def opens(*args: Any, **options: Any) -> Any:  # noqa: ANN401  (the library's)
        with _opening(client, lambda: url_of(*args, **options)):
            return await original(*args, **options)

    setattr(owner, name, opens)
    return owner, name, original


def _own_url(connecting: Any, *_: Any, **__: Any) -> object:  # noqa: ANN401  (websockets' own)
    return getattr(connecting, "uri", None) or connecting._uri


def _given_url(*args: Any, **options: Any) -> object:  # noqa: ANN401  (a URL, or a request for it)
    given = args[0] if args else options.get("url", options.get("uri", ""))
    return getattr(given, "url", given)


def install_websockets(module: Any) -> list[Patch]:  # noqa: ANN401  (websockets.asyncio.client)
    """Patch the asyncio client, or the legacy one: whatever is done with it, it is awaited."""
    owner = module.connect if "legacy" not in module.__name__ else module.Connect
    original = owner.__await__

    @dressed_as(original)
    def awaited(self: Any) -> Any:  # noqa: ANN401  (the library's)
        with _opening("websockets", lambda: _own_url(self)):
            return (yield from original(self))

    owner.__await__ = awaited
    return [(owner, "__await__", original)]


def install_websockets_sync(module: Any) -> list[Patch]:  # noqa: ANN401  (websockets.sync.client)
    """Patch the blocking client; before version 17 its `connect` is a function that does it all."""
    if hasattr(module, "reconnect"):
        return [_entry(module.reconnect, "connect", "websockets", _own_url)]
    return [_entry(module, "connect", "websockets", _given_url)]


def install_websockets_trio(module: Any) -> list[Patch]:  # noqa: ANN401  (websockets.trio.client)
    """Patch the client for trio."""
    return [_async_entry(module.connect, "connect", "websockets", _own_url)]


def install_websocket_client(module: Any) -> list[Patch]:  # noqa: ANN401  (websocket._core)
    """Patch websocket-client: its app and its functions all connect through this method."""

    def url_of(_: object, *args: object, **options: object) -> object:
        return _given_url(*args, **options)

    return [_entry(module.WebSocket, "connect", "websocket-client", url_of)]


def install_aiohttp(module: Any) -> list[Patch]:  # noqa: ANN401  (aiohttp.client)
    """Patch aiohttp's `ws_connect`; its HTTP request is part of it, and no exchange."""
    session = module.ClientSession
    original = session._ws_connect

    @dressed_as(original)
    async def opens(self: Any, url: Any, **options: Any) -> Any:  # noqa: ANN401  (the library's)
        base = getattr(self, "_base_url", None)
        with _opening("aiohttp", lambda: url if base is None else base.join(type(base)(url))):
            token = lanes.enter(lanes.current().under_cover())
            try:
                return await original(self, url, **options)
            finally:
                lanes.leave(token)

    session._ws_connect = opens
    return [(session, "_ws_connect", original)]


def install_tornado(module: Any) -> list[Patch]:  # noqa: ANN401  (tornado.websocket)
    """Patch tornado's `websocket_connect`, which starts what connects before it returns."""
    return [_entry(module, "websocket_connect", "tornado", _given_url)]
