"""Where nobody answers at the gateway's door, nobody waits for an answer."""

import signal
import socket

import pytest

from agentvcr.channel.gateway.door import Door


def test_a_gateway_that_has_died_refuses_connections():
    door = Door()
    door.answer("unix:/nowhere", "token", "record")
    door._process.send_signal(signal.SIGKILL)
    door._process.wait()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", door.port))
    door.close()
