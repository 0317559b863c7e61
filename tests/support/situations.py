"""The situations in which a recorded program must look as a bare one, and how to bring each about.

Owns the table and the driving: pipes, terminals, redirections, signals at a given moment. The
programs are the modes of `tests/programs/situations.py`. Does not compare: a test does.
"""

import contextlib
import dataclasses
import io
import os
import pathlib
import selectors
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Sequence

PROGRAM = pathlib.Path(__file__).parents[1] / "programs" / "situations.py"
PATIENCE_S = 40
_ON_TERMINAL = (
    "import os, sys; os.login_tty(int(sys.argv[1])); os.execvp(sys.argv[2], sys.argv[2:])"
)
_IGNORED_IN_BACKGROUND = (signal.SIGINT, signal.SIGQUIT)
"""What a shell makes the jobs it starts with `&` ignore: perhaps the tests, never a situation."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Act:
    """Something done to the program, once it has said `after` on its standard output."""

    after: bytes
    write: bytes = b""
    """To standard input, or typed at the terminal."""
    signal: int = 0
    """Sent to the process that was started alone, as `kill PID` does …"""
    to_group: bool = False
    """… or to its whole process group, as a terminal and `timeout` do."""
    end_input: bool = False
    """Close its standard input."""
    hang_up: bool = False
    """Stop reading its output."""
    resume: bool = False
    """Wait until it is stopped, then continue the group."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Situation:
    """One row of the table."""

    name: str
    mode: str = ""
    """The program's mode; the situation's name if empty."""
    python: tuple[str, ...] = ()
    """Options of the interpreter."""
    arguments: tuple[str | bytes, ...] = ()
    stdin: bytes | None = b""
    """What a pipe brings; None leaves the pipe open for `acts` to write to."""
    terminal: bool = False
    redirect: str = ""
    """A redirection in the shell's words."""
    environment: tuple[tuple[str, str], ...] = ()
    from_stdin: bool = False
    """The program itself comes on standard input (`python - MODE`)."""
    acts: tuple[Act, ...] = ()

    def command(self) -> list[str | bytes]:
        """The bare command."""
        program = "-" if self.from_stdin else str(PROGRAM)
        return [sys.executable, *self.python, program, self.mode or self.name, *self.arguments]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Observation:
    """What the one who started the program saw. On a terminal `stdout` is all of the output."""

    status: int
    """The exit status as a shell has it: 128 + n for a signal."""
    stdout: bytes
    stderr: bytes
    stops: int
    """How often it was seen stopped."""


SITUATIONS = (
    Situation(name="terminal", terminal=True),
    Situation(name="pipe", mode="terminal"),
    Situation(
        name="chat",
        stdin=None,
        acts=(
            Act(after=b"you> ", write=b"one\n"),
            Act(after=b"echo one\n", write=b"two\n"),
            Act(after=b"echo two\n", end_input=True),
        ),
    ),
    Situation(
        name="chat_on_terminal",
        mode="chat",
        terminal=True,
        acts=(Act(after=b"you> ", write=b"one\n"), Act(after=b"echo one\r\nyou> ", write=b"\x04")),
    ),
    Situation(name="interrupted", terminal=True, acts=(Act(after=b"chunk 3\r\n", write=b"\x03"),)),
    Situation(
        name="uncaught_interrupt", terminal=True, acts=(Act(after=b"chunk 3\r\n", write=b"\x03"),)
    ),
    Situation(name="sigterm", acts=(Act(after=b"ready\n", signal=signal.SIGTERM),)),
    Situation(
        name="sigterm_to_group",
        mode="sigterm",
        acts=(Act(after=b"ready\n", signal=signal.SIGTERM, to_group=True),),
    ),
    Situation(
        name="sigterm_unhandled",
        mode="stopped",
        acts=(Act(after=b"ready\n", signal=signal.SIGTERM),),
    ),
    Situation(name="exit_7"),
    Situation(name="exit_words"),
    Situation(name="killed"),
    Situation(name="crashed"),
    Situation(name="exception"),
    Situation(name="daemon_thread"),
    Situation(name="os_exit"),
    Situation(name="forked"),
    Situation(name="moved"),
    Situation(name="closed_stdout", mode="no_stdout", redirect=">&-"),
    Situation(name="closed_stderr", mode="exit_7", redirect="2>&-"),
    Situation(name="full_stdout", mode="exit_7", redirect=">/dev/full"),
    Situation(name="reader_gone", mode="chatter", acts=(Act(after=b"line\n", hang_up=True),)),
    Situation(name="large_output"),
    Situation(name="inherited"),
    Situation(name="at_exit"),
    Situation(name="child_process"),
    Situation(name="bare_child"),
    Situation(name="asking_handler"),
    Situation(name="copy_stdin", stdin=bytes(range(256)) * 1200),
    Situation(name="ignore_stdin", stdin=b"nobody reads this\n" * 20_000),
    Situation(name="no_stdin", redirect="<&-"),
    Situation(name="null_stdin", mode="no_stdin", redirect="</dev/null"),
    Situation(
        name="stopped",
        acts=(Act(after=b"ready\n", signal=signal.SIGTSTP, to_group=True, resume=True),),
    ),
    Situation(
        name="prompt",
        python=("-u",),
        stdin=None,
        acts=(Act(after=b"name? ", write=b"Ada\n"),),
    ),
    Situation(name="encodings", arguments=("✓", b"\xff\xfe")),
    Situation(
        name="latin_encoding",
        mode="encodings",
        environment=(("PYTHONIOENCODING", "latin-1:backslashreplace"),),
    ),
    Situation(name="one_pipe", mode="interleaved", redirect="2>&1"),
    Situation(name="signal_state"),
    Situation(
        name="program_from_stdin", mode="exit_7", from_stdin=True, stdin=PROGRAM.read_bytes()
    ),
)


def observe(
    situation: Situation,
    *,
    base_url: str,
    folder: pathlib.Path,
    prefix: Sequence[str | bytes] = (),
) -> Observation:
    """Run the program in this situation and watch it.

    Args:
        situation: The row of the table.
        base_url: Where the script server is.
        folder: The working directory.
        prefix: What stands before the command, for example `agentvcr record -o FILE --`.
    """
    with _Watch(situation, base_url, folder, [*prefix, *situation.command()]) as watch:
        return watch.until_the_end()


def heed_signals() -> None:
    """Put back, in a child, what a background job ignores."""
    for number in _IGNORED_IN_BACKGROUND:
        signal.signal(number, signal.SIG_DFL)


class _Watch:
    """One program under observation."""

    def __init__(
        self,
        situation: Situation,
        base_url: str,
        folder: pathlib.Path,
        command: list[str | bytes],
    ) -> None:
        self._situation = situation
        self._acts = list(situation.acts)
        self._read_up_to = 0
        self._stops = 0
        self._overdue = False
        self._environment = {**os.environ, **dict(situation.environment), "BASE_URL": base_url}
        self._environment.pop("PYTHONUNBUFFERED", None)  # that is a situation of its own
        if situation.redirect:
            command = ["/bin/sh", "-c", f'exec "$@" {situation.redirect}', "sh", *command]
        start = self._start_on_terminal if situation.terminal else self._start_on_pipes
        self._stdin, self._outputs = start(command, folder)
        self._said = {output: bytearray() for output in self._outputs}
        self._deadline = threading.Timer(PATIENCE_S, self._give_up)

    def __enter__(self):
        self._deadline.start()
        return self

    def __exit__(self, *_):
        self._deadline.cancel()
        self._kill_group()
        self._process.wait()
        for end in (self._stdin, *self._outputs):
            end.close()

    def until_the_end(self) -> Observation:
        """Read everything, act when it is time, and tell how it ended."""
        feeder = threading.Thread(target=self._feed)
        feeder.start()
        with selectors.DefaultSelector() as selector:
            for output in self._outputs:
                selector.register(output, selectors.EVENT_READ)
            while selector.get_map():
                for key, _ in selector.select():
                    if not self._read(key.fileobj):
                        selector.unregister(key.fileobj)
                        key.fileobj.close()
        status = self._process.wait()
        feeder.join()
        stdout, *stderr = (bytes(said) for said in self._said.values())
        assert not self._overdue, f"not over after {PATIENCE_S} s; so far: {stdout, stderr}"
        assert not self._acts, f"ended before {self._acts[0].after!r}: {stdout, stderr}"
        return Observation(
            status=status if status >= 0 else 128 - status,
            stdout=stdout,
            stderr=b"".join(stderr),
            stops=self._stops,
        )

    def _start_on_terminal(
        self, command: list[str | bytes], folder: pathlib.Path
    ) -> tuple[io.FileIO, list[io.FileIO]]:
        master, slave = os.openpty()
        termios.tcsetwinsize(slave, (33, 101))
        command = [sys.executable, "-S", "-c", _ON_TERMINAL, str(slave), *command]
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=self._environment,
            pass_fds=[slave],
            preexec_fn=heed_signals,  # noqa: PLW1509  (two system calls)
        )
        os.close(slave)
        return io.FileIO(os.dup(master), "w"), [io.FileIO(master)]

    def _start_on_pipes(
        self, command: list[str | bytes], folder: pathlib.Path
    ) -> tuple[io.FileIO, list[io.FileIO]]:
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            process_group=0,
            preexec_fn=heed_signals,  # noqa: PLW1509  (two system calls)
        )
        return self._process.stdin, [self._process.stdout, self._process.stderr]

    def _feed(self) -> None:
        if self._situation.terminal or self._situation.stdin is None:
            return
        rest = memoryview(self._situation.stdin)
        with contextlib.suppress(BrokenPipeError):
            while rest:
                rest = rest[self._stdin.write(rest) :]
        self._stdin.close()

    def _read(self, output: io.FileIO) -> bool:
        """Take what there is to read; False at the end, or when we stop listening."""
        try:
            data = output.read(65536)
        except OSError:  # a terminal that nobody has open any more
            return False
        self._said[output] += data
        goes_on = True
        while goes_on and (act := self._next_act()):
            goes_on = self._do(act)
        return bool(data) and goes_on

    def _next_act(self) -> Act | None:
        """The next act, if it is time for it."""
        said = self._said[self._outputs[0]]
        if not self._acts or (at := said.find(self._acts[0].after, self._read_up_to)) < 0:
            return None
        self._read_up_to = at + len(self._acts[0].after)
        return self._acts.pop(0)

    def _do(self, act: Act) -> bool:
        """Act; False if we stop listening by it."""
        if act.write:
            self._stdin.write(act.write)
        if act.end_input:
            self._stdin.close()
        if act.signal and act.to_group:
            os.killpg(self._process.pid, act.signal)
        elif act.signal:
            os.kill(self._process.pid, act.signal)
        if act.resume:
            self._resume()
        if act.hang_up:
            del self._said[self._outputs[0]][self._read_up_to :]
        return not act.hang_up

    def _resume(self) -> None:
        """Wait until it is stopped (or has ended), then continue it."""
        wanted = os.WSTOPPED | os.WEXITED | os.WNOWAIT
        seen = os.waitid(os.P_PID, self._process.pid, wanted)
        self._stops += seen is not None and seen.si_code == os.CLD_STOPPED
        os.killpg(self._process.pid, signal.SIGCONT)

    def _give_up(self) -> None:
        self._overdue = True
        self._kill_group()

    def _kill_group(self) -> None:
        """Reach everybody who is left."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
