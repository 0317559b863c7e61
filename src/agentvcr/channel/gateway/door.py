"""The gateway's door: its listening socket, and the process that answers when somebody knocks.

Owns both, at the engine's end. A run in which nobody comes to the gateway starts no process for it.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys

_BACKLOG = 256
_PATIENCE_S = 2.0
_OURS = "AGENTVCR_"
ENOUGH = b"."
"""Told to the process at the end of a run; without it, its engine has died."""


class Door:
    """A port on loopback, open from the start, with nobody behind it until the first knock."""

    def __init__(self, port: int = 0, *, has_key: bool = True) -> None:
        """Open `port` where that is free, else another; without a key, its URLs can be foretold."""
        self.listener = _listening(port)
        self.port: int = self.listener.getsockname()[1]
        self._key = f"/{os.urandom(6).hex()}" if has_key else ""
        self._network_of = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where the gateway is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def base(self) -> str:
        """What its URLs begin with, with the key that others on this machine do not know."""
        return f"{self.address}{self._key}"

    def move(self, listener: socket.socket, pid: int) -> None:
        """Listen in the network that process `pid` was put into, at the same port."""
        self.listener.close()
        self.listener = listener
        self._network_of = pid

    def answer(self, address: str, token: str, mode: str) -> None:
        """Start the process that answers whoever knocks.

        Args:
            address: The channel's.
            token: Of the session.
            mode: `record`, `replay`, or `serve` for a replay that goes on after a miss.
        """
        env = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        env |= {"AGENTVCR_CHANNEL": address, "AGENTVCR_TOKEN": token, "AGENTVCR_MODE": mode}
        env["AGENTVCR_GATEWAY"] = self.base
        handed = self.listener.fileno()
        # A session of its own: Ctrl-C is for the program, whose last words it has to pass on.
        self._process = subprocess.Popen(  # noqa: S603  (our own module)
            [sys.executable, "-P", "-m", __package__, str(handed), str(self._network_of)],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(handed,),
            start_new_session=True,
        )
        self.listener.close()  # it alone answers: where it ends, nobody is to wait for an answer

    def close(self) -> None:
        """Close the door and have the process go; where we are killed, it sees that itself."""
        self.listener.close()
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            with contextlib.suppress(OSError):  # it has gone already
                process.stdin.write(ENOUGH)
                process.stdin.close()
        try:
            process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _listening(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port), backlog=_BACKLOG)
    except OSError:
        if not port:
            raise
        return socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
