"""Ask through two clients, and reach for what no client records, each as its argument says."""

import contextlib
import socket
import subprocess
import sys

import httpx
import httpx2


def ask_twice(url: str) -> None:
    httpx.get(f"{url}/json")
    httpx.post(f"{url}/echo", content=b"x" * 1000)


def ask_otherwise(url: str) -> None:
    httpx2.get(f"{url}/json")


def child(word: str) -> None:
    subprocess.run([sys.executable, __file__, word], check=True)


def closed_child(code: str) -> None:
    subprocess.run([sys.executable, "-I", "-c", code], check=True)


def connect(port: str) -> None:
    socket.create_connection(("127.0.0.1", int(port))).close()


def connect_locally(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as client, contextlib.suppress(OSError):
        client.connect(path)


def serve_locally(path: str) -> None:
    """Listen on a Unix socket that another process reaches."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        child(f"locally={path}")


def ask_the_kernel(_: str) -> None:
    """Send an empty message to the kernel's routing table, which says nothing to it."""
    with (
        socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as kernel,
        contextlib.suppress(OSError),
    ):
        kernel.sendto(b"", (0, 0))


def leave(status: str) -> None:
    sys.exit(int(status))


SITUATIONS = {
    "twice": ask_twice,
    "otherwise": ask_otherwise,
    "child": child,
    "closed": closed_child,
    "connect": connect,
    "locally": connect_locally,
    "serve": serve_locally,
    "kernel": ask_the_kernel,
    "leave": leave,
}

if __name__ == "__main__":
    print("begun", flush=True)
    for word in sys.argv[1:]:
        name, _, value = word.partition("=")
        SITUATIONS[name](value)
