"""A mail server on loopback that keeps what it is given, for programs that send real mail.

Owns as much of SMTP as `smtplib` needs for a plain message. Delivers nothing.
"""

import contextlib
import socket
import threading


class SmtpServer:
    """Takes mail from a thread a connection.

    Attributes:
        mails: The text of every message so far.
        connections: How many clients came, whatever they said.
    """

    def __init__(self) -> None:
        self.mails: list[str] = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._accepting = threading.Thread(target=self._accept, daemon=True)

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1]

    def __enter__(self):
        self._accepting.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._accepting.join()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                with connection, connection.makefile("rwb") as line:
                    self._converse(line)

    def _converse(self, line) -> None:
        _say(line, "220 loopback")
        while words := line.readline().split():
            verb = words[0].upper()
            if verb == b"DATA":
                _say(line, "354 go on")
                self.mails.append(b"".join(iter(line.readline, b".\r\n")).decode())
            _say(line, "221 bye" if verb == b"QUIT" else "250 ok")


def _say(line, text: str) -> None:
    line.write(text.encode() + b"\r\n")
    line.flush()
