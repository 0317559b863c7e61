"""Run one of the servers of this folder as a process of its own.

Owns starting, asking for the count, and stopping. For tests whose own process must not be the peer:
replays in a network namespace, timings, runs under strace.
"""

import pathlib
import subprocess
import sys
import types
import urllib.request

from tests.support.loopback import COUNT_PATH, count_of

ROOT = pathlib.Path(__file__).parents[2]
_PATIENCE_S = 30


class ServerProcess:
    """A server in another process: `ServerProcess("counter_server", "--seed", "3")`."""

    def __init__(self, name: str, *args: str) -> None:
        self._command = [sys.executable, "-m", f"tests.support.{name}", *args]
        self._process: subprocess.Popen[str] | None = None
        self.port = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def count(self) -> int:
        """How many requests it got so far."""
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(self.base_url + COUNT_PATH, timeout=_PATIENCE_S) as response:
            return count_of(response.read())

    def __enter__(self):
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        self.port = int(self._process.stdout.readline())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End it; its port is closed when this returns."""
        if self._process is not None:
            self._process.stdin.close()
            self._process.wait(_PATIENCE_S)
            self._process.stdout.close()
            self._process = None
