"""A busy recording that is about to be killed, and what must be in the file that it leaves.

Owns the processes: starting them, naming them, killing them, cleaning up. The program is
`tests/programs/crash_lanes.py`, its peer a `CrashProvider`.
"""

import contextlib
import hashlib
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import types
from dataclasses import dataclass

from agentvcr.cassette.seal import BESIDE
from agentvcr.model.exchange import Exchange
from agentvcr.model.run import Run
from tests.support.command_line import python
from tests.support.crash_provider import CrashProvider, Said

_PATIENCE_S = 60
_THEN_ITS_STATUS = ["/bin/sh", "-c", '"$@"; echo $?', "sh"]
"""Who runs a command under this tells its status on standard output, also after its parent died."""


@dataclass(frozen=True)
class Noted:
    """An exchange whose end the program had seen: a line of its notes."""

    path: str
    how: str
    asked: str
    told: str


class CrashRun:
    """`agentvcr record` of four busy lanes, in a process group of its own."""

    def __init__(
        self, cassette: pathlib.Path, provider: CrashProvider, driver: str, *, tells: bool = False
    ) -> None:
        """Start; `tells`: the program's own status will be the whole of standard output."""
        self.cassette = cassette
        self.provider = provider
        self._has_ended = False
        self._notes = cassette.with_suffix(".notes")
        self._sockets = tempfile.TemporaryDirectory()  # a killed recorder cannot remove its own
        program = [*(_THEN_ITS_STATUS if tells else ()), *python("crash_lanes.py", driver)]
        self._recorder = subprocess.Popen(
            [sys.executable, "-m", "agentvcr", "record", "-o", cassette.name, "--", *program],
            cwd=cassette.parent,
            env={
                **os.environ,
                "BASE_URL": provider.base_url,
                "NOTES": str(self._notes),
                "TMPDIR": self._sockets.name,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def __enter__(self):
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        if not self._has_ended:
            self.kill_all()
            self.end()
        self._sockets.cleanup()

    def kill_program(self) -> None:
        pid = self._notes.read_bytes().split(b"\n")[0]
        os.kill(int(pid), signal.SIGKILL)

    def kill_recorder(self) -> None:
        self._recorder.kill()

    def kill_all(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._recorder.pid, signal.SIGKILL)

    def watch_for_sealing(self) -> None:
        """Watch until the recorder seals its file, or is done with it."""
        beside = self.cassette.with_name(self.cassette.name + BESIDE)
        while self._recorder.poll() is None and not beside.exists():
            pass

    def seen(self) -> list[Noted]:
        """Read what the program has seen the end of by now."""
        return notes_of(self._notes)

    def end(self) -> tuple[int, str, str]:
        """Wait until the recorder, the program and all that they started have ended."""
        out, err = self._recorder.communicate(timeout=_PATIENCE_S)
        self._has_ended = True  # its number may be another group's from here on
        return self._recorder.returncode, out.decode(), err.decode()


def notes_of(path: pathlib.Path) -> list[Noted]:
    """Read the notes of a program that may have been killed in the middle of a line."""
    whole = path.read_text().rpartition("\n")[0]
    return [Noted(*line.split(" ")) for line in whole.split("\n")[1:]]


def as_noted(exchange: Exchange) -> Noted:
    """Say what the program noted of an exchange, if it saw the end of it."""
    bodies = exchange.request.body, _told(exchange)
    hashes = (hashlib.sha256(body).hexdigest() for body in bodies)
    return Noted(_path(exchange), exchange.ending.kind if exchange.ending else "", *hashes)


def assert_holds(run: Run, seen: list[Noted], said: dict[str, Said]) -> None:
    """Everything that was seen is in the run as it was, and nothing is that never was."""
    recorded = {_path(one): one for one in run.exchanges}
    assert len(recorded) == len(run.exchanges), "an exchange is there twice"
    for one in seen:
        assert one.path in recorded, f"lost: {one}"
        assert as_noted(recorded[one.path]) == one, f"recorded otherwise: {one}"
    for path in recorded.keys() & said.keys():  # the last requests did not arrive, or not whole
        exchange, told = recorded[path], _told(recorded[path])
        assert exchange.request.body.startswith(said[path].asked), f"another request: {path}"
        assert said[path].answer.startswith(told), f"another answer: {path}"
        if exchange.ending and exchange.ending.kind == "eof":
            assert told == said[path].answer, f"not the whole answer: {path}"


def _told(exchange: Exchange) -> bytes:
    return exchange.response.body if exchange.response else b""


def _path(exchange: Exchange) -> str:
    return "/" + exchange.request.url.split("/", 3)[3]
