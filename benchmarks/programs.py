"""The processes of the benchmark: the server, and measured programs with or without a recorder.

Owns starting, ordering and ending them. Does not know what the numbers mean.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from worker import Order, Sample

HERE = Path(__file__).parent
AGENTVCR = str(Path(sys.executable).with_name("agentvcr"))
_PATIENCE_S = 60


class Server:
    """The loopback provider."""

    def __init__(self) -> None:
        """Start it and learn its port."""
        argv = [sys.executable, str(HERE / "server.py")]
        self._process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


class Program:
    """A worker, run plainly or under `agentvcr`."""

    def __init__(self, port: int, under: Sequence[str] = (), script: str = "worker.py") -> None:
        """Start it; `under` is the command line that stands before the program's own."""
        orders, self._orders = os.pipe()
        self._samples, samples = os.pipe()
        own = [sys.executable, str(HERE / script), str(port), str(orders), str(samples)]
        self._process = subprocess.Popen(
            [*under, *own],
            pass_fds=(orders, samples),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": "0"},
        )
        os.close(orders)
        os.close(samples)
        self._answers = os.fdopen(self._samples)
        self.environment: dict[str, str] = json.loads(self._line("its start"))

    def do(self, order: Order) -> Sample:
        """Have a round done."""
        os.write(self._orders, json.dumps(order).encode() + b"\n")
        sample: Sample = json.loads(self._line(str(order)))
        return sample

    def _line(self, place: str) -> str:
        if not select.select([self._answers], [], [], _PATIENCE_S)[0]:
            message = f"the measured program is silent at {place}"
            raise RuntimeError(message)
        line = self._answers.readline()
        if not line:
            said = self._process.communicate()[1]
            message = f"the measured program ended at {place}\n{said}"
            raise RuntimeError(message)
        return line

    def engine_cpu_us(self) -> float:
        """CPU of the process that was started: with `under`, of the recorder alone (Linux)."""
        clock = (~self._process.pid << 3) | 2  # the kernel's name for another process's CPU clock
        try:
            return time.clock_gettime_ns(clock) / 1000
        except OSError:
            return float("nan")

    def close(self) -> float:
        """Let it end; gives the seconds that its recorder needed after it."""
        os.close(self._orders)
        began = time.perf_counter()
        try:
            _, said = self._process.communicate(timeout=_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            _, said = self._process.communicate()
        if self._process.returncode not in (0, 1):  # 1: a replay of a part of what was recorded
            sys.stderr.write(said)
        self._answers.close()
        return time.perf_counter() - began


def started(argv: list[str], env: dict[str, str] | None = None) -> tuple[float, float]:
    """Run a command to its end; gives its milliseconds of wall and of CPU, children included."""
    quiet = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)]
    began = time.perf_counter()
    pid = os.posix_spawn(argv[0], argv, os.environ if env is None else env, file_actions=quiet)
    _, status, used = os.wait4(pid, 0)
    wall = time.perf_counter() - began
    if status:
        message = f"{' '.join(argv)} ended with {os.waitstatus_to_exitcode(status)}"
        raise RuntimeError(message)
    return wall * 1000, (used.ru_utime + used.ru_stime) * 1000
