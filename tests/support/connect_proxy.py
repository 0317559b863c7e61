"""A loopback proxy that opens tunnels (CONNECT) and does nothing else."""

import contextlib
import socket
import threading

from tests.support import wire
from tests.support.loopback import Line, LoopbackServer
from tests.support.wire import Asked

_MOST = 65536


class ConnectProxy(LoopbackServer):
    """Its `count` is that of the tunnels."""

    def answer(self, asked: Asked, line: Line) -> None:
        if asked.method != "CONNECT":
            line.send(wire.whole_json({"error": "tunnels only"}, status=405))
            return
        host, _, port = asked.target.rpartition(":")
        with socket.create_connection((host, int(port))) as far:
            line.send(wire.head(200, reason="Connection established"))
            back = threading.Thread(target=_back, args=(far, line))
            back.start()
            with contextlib.suppress(OSError):
                while data := line.reader.read1(_MOST):
                    far.sendall(data)
            with contextlib.suppress(OSError):
                far.shutdown(socket.SHUT_RDWR)
            back.join()
        line.close()


def _back(far: socket.socket, line: Line) -> None:
    """Carry what the far end says, and hang up as it does."""
    with contextlib.suppress(Exception):
        while data := far.recv(_MOST):
            line.send(data)
    line.hang_up()
