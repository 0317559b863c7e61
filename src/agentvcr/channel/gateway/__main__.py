"""The gateway's process: `python -m agentvcr.channel.gateway FD PID`.

Owns its start and its end. Its environment says where the engine is; it goes when its standard
input ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys

import h11

from agentvcr.channel.gateway.answering import Answering
from agentvcr.channel.gateway.caller import Caller, Gone
from agentvcr.channel.gateway.door import ENOUGH
from agentvcr.channel.gateway.upstream import Upstream
from agentvcr.channel.namespace import join_network
from agentvcr.inside.channel import Link
from agentvcr.inside.exchange import ReplayHalt
from agentvcr.inside.remote import RemoteHandler

_LINGER_S = 60.0
"""How long the gateway of an engine that died waits for one more request."""
_LOOK_S = 1.0


class Service:
    """The gateway as a server."""

    def __init__(self, answering: Answering, handler: RemoteHandler, *, goes_on: bool) -> None:
        """Answer by `answering`; with `goes_on`, also after a request that was not recorded."""
        self._answering = answering
        self._handler = handler
        self._goes_on = goes_on
        self._open = 0
        self._last_s = 0.0

    async def run(self, listener: socket.socket) -> None:
        """Serve until standard input says that it is enough.

        Where it ends without that, the engine has died. A recorded program goes on, and so do its
        requests, for as long as any come.
        """
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(0, over.set)
        server = await asyncio.start_server(self._connected, sock=listener)
        await over.wait()
        loop.remove_reader(0)
        if os.read(0, 1) != ENOUGH and not self._handler.replaying:
            while self._is_used(loop.time()):  # noqa: ASYNC110  (for time to pass)
                await asyncio.sleep(_LOOK_S)
        server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        caller = Caller(reader, writer)
        self._open += 1
        try:
            await self._converse(caller)
        except Exception as error:  # noqa: BLE001  (ours: nobody is to wait for an answer over it)
            caller.reset()
            with contextlib.suppress(ReplayHalt):
                self._handler.failed(error)
            self._go_on()
        else:
            await caller.close()
        finally:
            self._open -= 1
            self._last_s = asyncio.get_running_loop().time()

    async def _converse(self, caller: Caller) -> None:
        with contextlib.suppress(Gone, h11.ProtocolError):
            while (asked := await caller.request()) is not None:
                await self._answering.answer(caller, asked)
                self._go_on()
                if not caller.is_ready_for_more():
                    break

    def _is_used(self, now_s: float) -> bool:
        """Whether somebody is connected, or was a while ago."""
        return self._open > 0 or now_s < self._last_s + _LINGER_S

    def _go_on(self) -> None:
        if self._goes_on:
            self._handler.halted = None


def main() -> None:
    """Run the gateway."""
    listener = socket.socket(fileno=int(sys.argv[1]))
    if int(sys.argv[2]):
        join_network(int(sys.argv[2]))
    mode = os.environ["AGENTVCR_MODE"]
    link = Link(
        os.environ["AGENTVCR_CHANNEL"], os.environ["AGENTVCR_TOKEN"], "gateway", is_gateway=True
    )
    handler = RemoteHandler(link, replaying=mode != "record")
    answering = Answering(handler, Upstream(), os.environ["AGENTVCR_GATEWAY"])
    service = Service(answering, handler, goes_on=mode == "serve")
    asyncio.run(service.run(listener))
    os._exit(0)  # the end of the run waits for this, and nothing is left to be told


if __name__ == "__main__":
    main()
