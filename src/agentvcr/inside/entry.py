"""A recorded process's way to the engine, opened when it first has something to say.

Owns the address, and the one handler of the process. A program that asks and prints nothing loads
no channel and opens no connection.
"""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any

    from agentvcr.inside.exchange import Forward, Request, Serve
    from agentvcr.inside.remote import RemoteHandler


class Entry:
    """Stands for the process's handler until there is need of it."""

    def __init__(self, address: str, token: str, lane: str, *, replaying: bool) -> None:
        """Keep where the engine is."""
        self.address = address
        self.token = token
        self.lane = lane
        self.replaying = replaying
        self.guard: object = None  # kept alive here, and by nothing else
        self._made: list[RemoteHandler] = []

    @property
    def handler(self) -> RemoteHandler:
        """The handler that asks the engine; made at the first use."""
        if not self._made:
            from agentvcr.inside.channel import Link  # noqa: PLC0415  (see above)
            from agentvcr.inside.remote import RemoteHandler  # noqa: PLC0415  (see above)

            link = Link(self.address, self.token, self.lane)
            self._made.append(RemoteHandler(link, replaying=self.replaying))
        return self._made[0]  # of two threads that came at once, both take the first

    def begin(self, request: Request) -> Serve | Forward:
        """Ask the engine about a request."""
        return self.handler.begin(request)

    def failed(self, error: Exception) -> Forward:
        """Tell the engine that an interceptor failed."""
        return self.handler.failed(error)

    def hook_failed(self, module: str, error: Exception) -> None:
        """Tell the engine that a module is not hooked; a replay without its hooks stops."""
        from agentvcr.inside.exchange import ReplayHalt, failure_of  # noqa: PLC0415  (hardly ever)

        text = "cannot hook %s: %s: %s" % (module, *failure_of(error))
        if self.replaying:
            raise ReplayHalt(text)
        self.tell(b"N", {"kind": "lost", "text": text})

    def tell(self, kind: bytes, meta: dict[str, Any], raw: bytes = b"") -> None:
        """Tell the engine something that is no exchange."""
        self.handler.tell(kind, meta, raw)

    def forked(self, lane: str) -> None:
        """Begin anew as the child of a fork."""
        self.lane = lane
        for handler in self._made:
            handler.link.reset(lane)
