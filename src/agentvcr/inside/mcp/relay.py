"""The shim's process: its streams, the server behind it, signals, and how it ends.

Owns the two pipes and the order of things on them. What is told of a line, or said in a server's
place, is `recorded` and `replayed`.

To the client it is the server: its lines at once, its end of file, its exit status. To the server
it is the client, and a signal that reaches us reaches it once, since it has a process group of its
own. The server is no part of the run: it does not get the session's variables.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading

from agentvcr.inside import children, state
from agentvcr.inside.exchange import ReplayHalt
from agentvcr.inside.mcp.naming import name_of

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Iterator

    from agentvcr.inside.exchange import ProcessHandler
    from agentvcr.inside.mcp.recorded import Recorded

_READ = 65536
_HALTED = 4
_NOT_FOUND = 127
_NOT_EXECUTABLE = 126
_PASSED_ON = ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGCONT")
_PR_SET_PDEATHSIG = 1


def stand_before(words: list[str]) -> None:
    """Be the server that `words` start, recorded or replayed; without a session become it."""
    handler = state.handler
    if handler is None:
        _become(words)
        return
    if os.environ.get("AGENTVCR_MODE") == "replay":
        _replay(words, handler)
    else:
        _record(words, handler)


def _become(words: list[str]) -> None:
    for name in ("SIGPIPE", "SIGXFSZ"):  # which Python ignores, and a server does not
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    try:
        os.execvp(words[0], words)  # noqa: S606  (the server that the user named)
    except OSError as error:
        _cannot_start(words, error)


def _cannot_start(words: list[str], error: OSError) -> None:
    text = "agentvcr: cannot start %s: %s\n" % (words[0], error.strerror)
    os.write(2, text.encode("utf-8", "backslashreplace"))
    os._exit(_NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_EXECUTABLE)


def lines_of(descriptor: int, until: int = -1) -> Iterator[bytes]:
    """Give what comes in as lines, each as soon as it is whole; the last may have no end.

    Args:
        descriptor: What is read.
        until: Nothing more is given once this can be read, too.
    """
    rest: list[bytes] = []  # joined once: a line may have a hundred megabytes
    while True:
        if until >= 0 and until in select.select([descriptor, until], [], [])[0]:
            return
        try:
            data = os.read(descriptor, _READ)
        except OSError:  # closed, by whoever gave it up
            data = b""
        if not data:
            break
        *whole, last = data.split(b"\n")
        for line in whole:
            yield b"".join((*rest, line, b"\n"))
            rest.clear()
        if last:
            rest.append(last)
    if rest:
        yield b"".join(rest)


def write_all(descriptor: int, data: bytes) -> bool:
    """Write all of it; False where nobody reads."""
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except OSError:
        return False
    return True


class Server(subprocess.Popen):  # type: ignore[type-arg]  # not subscriptable in 3.9 at run time
    """The server's process, outside of the session: started as if we were not there."""

    _execute_child = getattr(
        subprocess.Popen._execute_child,  # type: ignore[attr-defined]  # not public
        "__wrapped__",
        subprocess.Popen._execute_child,  # type: ignore[attr-defined]  # as above
    )


def _record(words: list[str], handler: ProcessHandler) -> None:
    from agentvcr.inside.mcp.recorded import Recorded  # noqa: PLC0415  (a replay has no use for it)

    try:
        server = Server(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=children.environment_without_session(),
            preexec_fn=_apart,  # no thread is there yet
            bufsize=0,
        )
    except OSError as error:
        _cannot_start(words, error)
        return
    assert server.stdin is not None  # noqa: S101  (a pipe)
    _pass_signals_on(server.pid)
    told = Recorded(handler, name_of(words))
    ended, tell_ended = os.pipe()
    thread = threading.Thread(target=_from_server, args=(server, told, tell_ended), daemon=True)
    thread.start()
    # Signals are handled by this thread: one that came before the client's last words, or before
    # the end of its stream, reaches the server before them.
    _to_server(server.stdin.fileno(), told, ended)
    thread.join()
    told.over(server.returncode)
    end_as(server.returncode)


def _to_server(descriptor: int, told: Recorded, ended: int) -> None:
    for line in lines_of(0, ended):
        if not write_all(descriptor, told.client_says(line)):
            os.close(0)  # the server reads no more: the client is to notice, as it would
            return
    told.client_left()
    os.close(descriptor)


def _from_server(server: Server, told: Recorded, tell_ended: int) -> None:
    assert server.stdout is not None  # noqa: S101  (a pipe)
    _to_client(server.stdout.fileno(), told)
    server.wait()
    os.close(tell_ended)


def _to_client(descriptor: int, told: Recorded) -> None:
    for line in lines_of(descriptor):
        told.server_says(line)
        if not write_all(1, line):
            os.close(descriptor)  # the client reads no more: the server is to notice, as it would
            break
    told.server_left()
    _close_output()


def _close_output() -> None:
    try:
        os.close(1)
    except OSError:
        return


def _apart() -> None:
    """Between fork and exec: a group of its own, and an end with us where we are killed."""
    os.setpgid(0, 0)
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415  (only here)

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _pass_signals_on(pid: int) -> None:
    def pass_on(number: int, _frame: object) -> None:
        try:
            os.killpg(pid, number)
        except OSError:  # it is gone
            return

    for name in _PASSED_ON:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, pass_on)


def end_as(status: int) -> None:
    """End as a process did: with its exit status, or by its signal."""
    handler = state.handler
    flush = getattr(getattr(handler, "handler", handler), "flush", None)
    if flush is not None:
        flush()
    if status < 0:
        if -status not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status if status >= 0 else 128 - status)


class Output:
    """What the client is told, handed over by a thread: a client that writes must be read."""

    def __init__(self) -> None:
        """Start handing over."""
        import queue  # noqa: PLC0415  (a recording has no use for it)

        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._hand_over, daemon=True)
        self._thread.start()

    def say(self, line: bytes) -> None:
        """Hand a line to the client."""
        self._queue.put(line)

    def close(self) -> None:
        """Close the stream, after everything that was said."""
        self._queue.put(None)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _hand_over(self) -> None:
        for line in iter(self._queue.get, None):
            write_all(1, line)
        _close_output()


def _replay(words: list[str], handler: ProcessHandler) -> None:
    from agentvcr.inside.mcp.replayed import Replayed  # noqa: PLC0415  (only a replay)

    for name in ("SIGINT", "SIGPIPE"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    output = Output()

    def leave(status: int) -> None:
        output.close()
        end_as(status)

    try:
        server = Replayed(handler, name_of(words), output.say, leave)
        server.begin()
        for line in lines_of(0):
            server.client_says(line)
        server.client_left()
    except ReplayHalt:  # the engine knows, and the program is to see that its server is gone
        leave(_HALTED)
