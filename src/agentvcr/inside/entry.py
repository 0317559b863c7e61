"""A recorded process's way to the engine, opened when it first has something to say.

Owns the address, and the one handler of the process. A program that asks and prints nothing loads
no channel and opens no connection.
"""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any

    from agentvcr.inside.exchange import Forward, Request, Serve, StepBegan, StepEnded
    from agentvcr.inside.remote import RemoteHandler
    from agentvcr.inside.surroundings import Surroundings
    from agentvcr.inside.witness import Witness


class Entry:
    """Stands for the process's handler until there is need of it."""

    def __init__(self, address: str, token: str, lane: str, *, replaying: bool) -> None:
        """Keep where the engine is."""
        self.address = address
        self.token = token
        self.lane = lane
        self.replaying = replaying
        self.guard: object = None  # kept alive here, and by nothing else
        self.surroundings: Surroundings | None = None
        self.witness: Witness | None = None
        self._own_port = int(address[4:]) if address.startswith("tcp:") else 0
        self._made: list[RemoteHandler] = []

    @property
    def handler(self) -> RemoteHandler:
        """The handler that asks the engine; made at the first use."""
        if not self._made:
            from agentvcr.inside.channel import Link  # noqa: PLC0415  (see above)
            from agentvcr.inside.remote import RemoteHandler  # noqa: PLC0415  (see above

            link = Link(self.address, self.token, self.lane)
            self._made.append(RemoteHandler(link, replaying=self.replaying))
        return self._made[0]  # of two threads that came at once, both take the first

    def begin(self, request: Request) -> Serve | Forward:
        """Ask the engine about a request, which knows by then what the program is made of."""
        if self.surroundings is not None:
            self.surroundings.tell()
        if self.witness is not None:
            self.witness.asked(request)
        return self.handler.begin(request)

    def failed(self, error: Exception) -> Forward:
        """Tell the engine that an interceptor failed."""
        return self.handler.failed(error)

    def world(self, kind: str, lane: str, data: bytes) -> None:
        """Tell the engine a part of what surrounds this process's exchanges."""
        self.handler.world(kind, lane, data)

    def recorded_world(self, kind: str, lane: str = "") -> list[tuple[str, bytes]]:
        """Ask the engine for the recorded parts of a kind."""
        return self.handler.recorded_world(kind, lane)

    def other_order(self, text: str) -> None:
        """Tell the engine of another order than the recorded one."""
        self.tell(b"N", {"kind": "order", "text": text})

    def step_began(self, step: StepBegan) -> None:
        """Tell the engine that a step began."""
        self.handler.step_began(step)

    def step_ended(self, step: StepEnded) -> None:
        """Tell the engine that a step is over."""
        self.handler.step_ended(step)

    def hook_failed(self, module: str, error: Exception) -> None:
        """Tell the engine that a module is not hooked; a replay without its hooks stops."""
        from agentvcr.inside.exchange import failure_of  # noqa: PLC0415  (hardly ever)

        text = "cannot hook %s: %s: %s" % (module, *failure_of(error))
        if self.replaying:
            raise self.handler.stopped(text)
        self.tell(b"N", {"kind": "lost", "text": text})

    def tell(self, kind: bytes, meta: dict[str, Any], raw: bytes = b"") -> None:
        """Tell the engine something that is no exchange."""
        self.handler.tell(kind, meta, raw)

    def end(self) -> None:
        """Tell the rest of the surroundings, of a program that said anything at all."""
        if self.surroundings is not None and self._made:
            self._made[0].is_ending = True
            self.surroundings.tell()

    @property
    def is_gone(self) -> bool:
        """Whether the engine is gone."""
        return self.handler.link.gone

    def is_own(self, host: str, port: int) -> bool:
        """Whether an address is the channel's."""
        if not port:
            return self.address == "unix:" + host
        return port == self._own_port and host == "127.0.0.1"

    def reach(self, host: str, port: int, what: str = "") -> None:
        """Ask the engine whether the replayed program may reach an address, and for what.

        Raises:
            ReplayHalt: It may not, and the replay is over.
            ConnectionRefusedError: It is telemetry.
        """
        from agentvcr.inside import lanes  # noqa: PLC0415  (only a program that connects)

        by_client = not what and (lanes.is_shadow() or lanes.current().covered)
        self.handler.reach(host, port, what, lanes.current().name, by_client=by_client)

    def passed(self, host: str, port: int, what: str = "") -> None:
        """Tell the engine of an address that was reached past every interceptor, and for what."""
        self.handler.passed(host, port, what)

    def started(self, argv: object) -> None:
        """Do nothing: `children` follows processes."""

    def listens(self, port: int) -> None:
        """Tell the engine of a port; waits, since a peer may connect next."""
        from agentvcr.inside import frames  # noqa: PLC0415  (only a program that listens)
        from agentvcr.inside.real import monotonic_ns  # noqa: PLC0415  (as above)

        meta = frames.pack_meta({"port": port})
        # Asked, not told: a peer may connect through another process's connection next.
        self.handler.say(frames.pack(frames.LISTEN, 0, 0, monotonic_ns(), meta, b""), answered=True)

    def listens_at(self, path: str) -> None:
        """Tell the engine of a Unix socket."""
        self.tell(b"L", {"path": path})

    def forked(self, lane: str) -> None:
        """Begin anew as the child of a fork."""
        self.lane = lane
        if self._made:
            from agentvcr.inside.waiting import forget_served  # noqa: PLC0415  (see above)

            forget_served()
        for handler in self._made:
            handler.link.reset(lane)
