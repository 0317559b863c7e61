"""A server that speaks to an AWS client: objects, a stream of events, and `Expect: 100-continue`.

Owns the word to go on, which it gives before it reads a body, and who gets none.
"""

import binascii
import json
import struct

from tests.support import wire
from tests.support.loopback import Line
from tests.support.script_server import ScriptServer
from tests.support.wire import Asked

XML = ("Content-Type", "application/xml")
EVENTS = ("Content-Type", "application/vnd.amazon.eventstream")


class _Reader:
    """Reads requests, and answers an expectation between head and body."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._inner = line.reader
        self._head: list[bytes] = []
        self.close = self._inner.close
        self.read = self._inner.read
        self.read1 = self._inner.read1

    def readline(self) -> bytes:
        line = self._inner.readline()
        self._head.append(line)
        if line == b"\r\n":
            head, self._head = b"".join(self._head).lower(), []
            if b"100-continue" in head:
                self._answer(head)
        return line

    def _answer(self, head: bytes) -> None:
        if b"/refused" in head.split(b"\r\n", 1)[0]:
            body = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
            close = ("Connection", "close")
            self._line.send(wire.whole(403, body, [XML, close]))
            self._line.close()
        if b"/silent" not in head.split(b"\r\n", 1)[0]:
            self._line.send(b"HTTP/1.1 100 Continue\r\n\r\n")


class StorageServer(ScriptServer):
    """Keeps objects below /bucket/, and answers a model with a stream of events."""

    def __init__(self) -> None:
        super().__init__()
        self._objects: dict[str, bytes] = {}

    def _converse(self, line: Line) -> None:
        line.reader = _Reader(line)
        super()._converse(line)

    def answer(self, asked: Asked, line: Line) -> None:
        if asked.path.startswith("/model/"):
            self._events(line)
        elif asked.method == "PUT":
            self._objects[asked.path] = asked.body
            line.send(wire.whole(200, b"", [("ETag", '"x"')]))
        elif asked.path in self._objects:
            kind = ("Content-Type", "application/octet-stream")
            line.send(wire.whole(200, self._objects[asked.path], [kind]))
        else:
            body = b"<Error><Code>NoSuchKey</Code><Message>none</Message></Error>"
            line.send(wire.whole(404, body, [XML]))

    def _events(self, line: Line) -> None:
        line.send(wire.head(200, [EVENTS, wire.CHUNKED]))
        for number in range(3):
            line.pause(0.005)
            line.send(wire.piece(_event({"bytes": f"eyJuIjog{number}fQ=="})))
        line.send(wire.LAST_PIECE)


def _event(value: object) -> bytes:
    """One message of an event stream: lengths, headers, payload, each with its checksum."""
    names = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}
    headers = b"".join(
        struct.pack("!B", len(name))
        + name.encode()
        + struct.pack("!BH", 7, len(text))
        + text.encode()
        for name, text in names.items()
    )
    payload = json.dumps(value).encode()
    prelude = struct.pack("!II", 16 + len(headers) + len(payload), len(headers))
    prelude += struct.pack("!I", binascii.crc32(prelude))
    message = prelude + headers + payload
    return message + struct.pack("!I", binascii.crc32(message))
