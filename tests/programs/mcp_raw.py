"""A client without an SDK: `mcp_raw.py SCENE COMMAND …`; its child gets hardly any environment."""

import json
import os
import signal
import subprocess
import sys


class Server:
    def __init__(self, command: list[str]) -> None:
        env = {"PATH": os.environ["PATH"]}
        self.process = subprocess.Popen(
            command,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def send(self, **message: object) -> None:
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self.process.stdin.flush()

    def hear(self) -> None:
        print("heard:", self.process.stdout.readline().rstrip("\n"), flush=True)

    def leave(self) -> None:
        self.process.stdin.close()
        print("rest:", repr(self.process.stdout.read()), "status:", self.process.wait())


def lines(server: Server) -> None:
    server.hear()
    first = int(os.environ.get("FIRST_ID", "1"))
    server.send(id=first, method="echo", params={"text": "ä € 𝄞", "n": 1.50})
    server.hear()
    server.send(id=first + 1, method="wait")
    server.send(method="notifications/cancelled", params={"requestId": first + 1})
    server.hear()
    server.send(id=first + 2, method="question", params={"about": "x"})
    server.hear()
    server.send(id="q1", result={"answer": os.environ.get("ANSWER", "yes")})
    server.hear()
    server.leave()


def ends(server: Server) -> None:
    server.hear()
    server.send(id=1, method="exit", params={"status": 9})
    server.leave()


def signals(server: Server) -> None:
    server.hear()
    os.killpg(server.process.pid, signal.SIGUSR1)
    server.send(id=1, method="echo")
    server.hear()
    server.process.terminate()
    server.leave()


if __name__ == "__main__":
    scene, *command = sys.argv[1:]
    {"lines": lines, "ends": ends, "signals": signals}[scene](Server(command))
