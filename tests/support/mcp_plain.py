"""An MCP server in a few lines, of the standard library alone: what no SDK does.

Owns raw lines on standard streams: unprompted ones, late ones, an end at a certain time.
"""

import json
import os
import pathlib
import signal
import sys
import threading


def say(**message: object) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    (folder / "started").touch()
    (folder / "environment").write_text(json.dumps(dict(os.environ)))

    def on_signal(number: int, _frame: object) -> None:
        with (folder / "signals").open("a") as file:
            file.write(signal.Signals(number).name + "\n")
        if number == signal.SIGTERM:
            os._exit(7)

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGUSR1, on_signal)
    sys.stderr.write("the server speaks\n")
    sys.stderr.flush()
    say(method="notifications/message", params={"data": "hello"})
    waiting = None
    for line in sys.stdin:
        asked = json.loads(line)
        method = asked.get("method")
        if method == "echo":
            say(id=asked["id"], result={"line": line})
        elif method == "wait":
            waiting = asked["id"]
        elif method == "notifications/cancelled":
            say(id=waiting, error={"code": 0, "message": "cancelled"})
        elif method == "question":
            say(id="q1", method="sampling/createMessage", params={"asked": asked["params"]})
            waiting = asked["id"]
        elif method is None:  # an answer to the question
            say(id=waiting, result={"told": asked["result"]})
        elif method == "exit":
            threading.Event().wait(0)
            os._exit(asked["params"]["status"])


if __name__ == "__main__":
    main()
