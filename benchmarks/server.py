"""A loopback provider in a process of its own: keep-alive, no delay, as little work as possible.

Prints its port, then answers by path until it is ended.
"""

from __future__ import annotations

import socket
import threading
import time

from workload import ANSWERS, Answer


def main() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_serve, args=(connection,), daemon=True).start()


def _serve(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection:
        waiting = b""
        while request := _request(connection, waiting):
            path, waiting = request
            _answer(connection, ANSWERS[path])


def _request(connection: socket.socket, data: bytes) -> tuple[str, bytes] | None:
    """Read one request; gives its path, and what came after it."""
    while (end := data.find(b"\r\n\r\n")) < 0:
        more = connection.recv(262144)
        if not more:
            return None
        data += more
    head = data[:end].decode("latin-1").split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in head[1:])
    size = end + 4 + int(fields.get("content-length", 0))
    while len(data) < size:
        more = connection.recv(262144)
        if not more:
            return None
        data += more
    return head[0].split(" ")[1], data[size:]


def _answer(connection: socket.socket, answer: Answer) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {answer.content_type}\r\nX-Request-Id: req_1\r\n"
    if len(answer.chunks) == 1:
        body = answer.chunks[0]
        time.sleep(answer.gap_s)
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        return
    start = f"{head}Transfer-Encoding: chunked\r\n\r\n".encode()
    pieces = [b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in answer.chunks]
    if not answer.gap_s:
        connection.sendall(start + b"".join(pieces) + b"0\r\n\r\n")
        return
    connection.sendall(start)
    for piece in pieces:
        time.sleep(answer.gap_s)
        connection.sendall(piece)
    connection.sendall(b"0\r\n\r\n")


if __name__ == "__main__":
    main()
