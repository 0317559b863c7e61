"""Bring MCP servers on standard streams under the session: each behind a shim of ours.

Owns the program's part: the command that `mcp.client.stdio` starts, and who speaks in each line
that it sends. What the shim does is `agentvcr.inside.mcp`.
"""

from __future__ import annotations

import copy
import os
import sys

from agentvcr.inside import children, lanes, state
from agentvcr.inside.patching import dressed_as

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any

SHIM = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "mcp", "shim.py")


def install(module: Any) -> list[tuple[Any, str, Any]]:  # noqa: ANN401  (the library)
    """Put the shim before each server that `module.stdio_client` starts."""
    if not children.passes_a_session_on() or sys.platform == "win32":
        return []
    original = module.stdio_client

    @dressed_as(original)
    def stdio_client(server: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401  (the library's)
        if state.handler is None or not sys.executable:
            return original(server, *args, **options)
        try:
            behind = _behind_shim(server)
        except Exception as error:  # noqa: BLE001  (ours: it must not become the program's)
            state.handler.failed(error)
            behind = None
        if behind is None:
            return original(server, *args, **options)
        return Connected(original(behind, *args, **options))

    module.stdio_client = stdio_client
    return [(module, "stdio_client", original)]


def _behind_shim(server: Any) -> Any:  # noqa: ANN401  (StdioServerParameters)
    """Name the shim in place of the server; None where the server cannot be started anyway."""
    replaying = getattr(state.handler, "replaying", False)
    if not replaying and not _is_there(server):
        return None
    words = [SHIM, "--replay" if replaying else "--", server.command, *server.args]
    # Named here too: an event loop that starts processes by itself knows no hooks of ours.
    env = children.environment_for(server.env or {}, lanes.current().child("mcp").name)
    return server.model_copy(update={"command": sys.executable, "args": words, "env": env})


def _is_there(server: Any) -> bool:  # noqa: ANN401  (as above)
    """Whether the command can be started: if not, the program is to get the very error."""
    import shutil  # noqa: PLC0415  (asyncio, which is there, has it)

    if os.path.dirname(server.command):
        path = os.path.join(server.cwd or ".", server.command)
        return os.access(path, os.X_OK) and not os.path.isdir(path)
    path = (server.env or {}).get("PATH", os.environ.get("PATH", os.defpath))
    return shutil.which(server.command, path=path) is not None


class Connected:
    """The library's connection, of which the sending end says who sends."""

    def __init__(self, inner: Any) -> None:  # noqa: ANN401  (the library's)
        """Stand before an asynchronous context manager."""
        self._inner = inner

    async def __aenter__(self) -> Any:  # noqa: ANN401  (two streams)
        read, write = await self._inner.__aenter__()
        return read, Named(write)

    async def __aexit__(self, *error: object) -> Any:  # noqa: ANN401  (the library's)
        return await self._inner.__aexit__(*error)


class Named:
    """A stream of messages to the server, each of which names the lane that it comes from."""

    def __init__(self, inner: Any) -> None:  # noqa: ANN401  (the library's stream)
        """Stand before a stream."""
        self._inner = inner

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  (whatever the stream has)
        return getattr(self._inner, name)

    async def send(self, item: Any) -> Any:  # noqa: ANN401  (the library's message)
        """Send a message, from the lane of the running code."""
        return await self._inner.send(_named(item))

    def send_nowait(self, item: Any) -> Any:  # noqa: ANN401  (as above)
        """Send a message without waiting."""
        return self._inner.send_nowait(_named(item))

    def clone(self) -> Named:
        """Give another end of the same stream."""
        return Named(self._inner.clone())

    async def __aenter__(self) -> Any:  # noqa: ANN401  (itself)
        await self._inner.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> Any:  # noqa: ANN401  (the library's)
        return await self._inner.__aexit__(*error)


class Line:
    """A message that names its lane when it is written."""

    def __init__(self, message: Any, opening: str) -> None:  # noqa: ANN401  (the library's)
        """Stand before a message."""
        self._message = message
        self._opening = opening

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  (whatever the message has)
        return getattr(self._message, name)

    def model_dump_json(self, *args: Any, **options: Any) -> str:  # noqa: ANN401  (pydantic's)
        """Write the message as JSON, with our member before its own."""
        text: str = self._message.model_dump_json(*args, **options)
        return self._opening + text[1:] if text.startswith("{") else text


def _named(item: Any) -> Any:  # noqa: ANN401  (a SessionMessage; in old versions a bare message)
    from agentvcr.inside.mcp.messages import origin_text  # noqa: PLC0415  (needs json)

    try:
        opening = origin_text(lanes.current())
        if not hasattr(item, "message"):
            return Line(item, opening)
        named = copy.copy(item)
        named.message = Line(item.message, opening)
    except Exception as error:  # noqa: BLE001  (ours: it must not become the program's)
        if state.handler is not None:
            state.handler.failed(error)
        return item
    return named
