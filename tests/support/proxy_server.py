"""An HTTP proxy on loopback: tunnels with CONNECT, and forwards what is asked in absolute form.

Owns those two, and refusing. Counts what came through, so that a test knows that it was used.
"""

import contextlib
import socket
import threading
import types
from urllib.parse import urlsplit

_BLOCK = 65536


class ProxyServer:
    """A proxy, as a context manager. `refuse` answers every tunnel with 407."""

    def __init__(self, *, refuse: bool = False) -> None:
        self.tunnels: list[str] = []
        self.forwarded: list[str] = []
        self._refuse = refuse
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._open: list[socket.socket] = [self._listener]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Break what is open, and take no more."""
        for sock in self._open:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._open.append(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), client:
            head = b""
            while b"\r\n\r\n" not in head:
                data = client.recv(_BLOCK)
                if not data:
                    return
                head += data
            method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
            if method == "CONNECT":
                self._tunnel(client, target)
            else:
                self._forward(client, target, head)

    def _tunnel(self, client: socket.socket, target: str) -> None:
        self.tunnels.append(target)
        if self._refuse:
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            return
        host, _, port = target.rpartition(":")
        with socket.create_connection((host, int(port))) as server:
            self._open.append(server)
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self._relay(client, server)

    def _forward(self, client: socket.socket, target: str, head: bytes) -> None:
        self.forwarded.append(target)
        url = urlsplit(target)
        path = url.path + (f"?{url.query}" if url.query else "")
        with socket.create_connection((url.hostname, url.port)) as server:
            self._open.append(server)
            server.sendall(head.replace(target.encode(), path.encode(), 1))
            self._relay(client, server)

    def _relay(self, client: socket.socket, server: socket.socket) -> None:
        back = threading.Thread(target=_pump, args=(server, client), daemon=True)
        back.start()
        _pump(client, server)
        back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(_BLOCK):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
