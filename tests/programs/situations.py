"""What a program may do besides asking: terminals, pipes, signals, forks, odd ends.

`situations.py MODE`, with the script server at BASE_URL. Each mode asks at least once and prints
what it sees, so that a run under a recorder can be compared with a bare one byte for byte.
"""

import atexit
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import threading
import time

import httpx

BASE_URL = os.environ["BASE_URL"]
ECHO_OF_A_SIGNAL_S = 0.4
"""How long a mode stays to see whether a signal comes twice."""

sys.tracebacklimit = 0  # frames hold paths, and those of a recorder


def ask(path="/json"):
    """Ask once, with a client of its own, and give back the text."""
    with httpx.Client(base_url=BASE_URL, timeout=20, verify=False) as client:
        return client.get(path).text


def say(*words):
    """Print at once, so that whoever waits for it sees it."""
    print(*words, flush=True)


def stream(on_chunk):
    """Read a stream that never ends, saying each of the first chunks; `on_chunk` sees all."""
    with (
        httpx.Client(base_url=BASE_URL, timeout=20, verify=False) as client,
        client.stream("GET", "/endless?gap_ms=20") as response,
    ):
        for number, _ in enumerate(response.iter_bytes(), start=1):
            if number <= 3:
                say("chunk", number)
            on_chunk()


def terminal():
    """Look at the three descriptors."""
    say(ask())
    say("tty", *(os.isatty(number) for number in range(3)))
    if os.isatty(1):
        size = os.get_terminal_size(1)
        say("size", size.columns, size.lines)
        say("foreground", os.tcgetpgrp(0) == os.getpgrp())


def chat():
    """Talk with whoever types."""
    print("you> ", end="", flush=True)
    for line in sys.stdin:
        say("echo", json.loads(ask(f"/echo?said={line.strip()}"))["query"]["said"])
        print("you> ", end="", flush=True)
    say("bye")


def interrupted():
    """Count what Ctrl-C does to a stream, then go as if it had been fatal."""
    seen = []
    signal.signal(signal.SIGINT, lambda *_: seen.append(1))
    try:
        stream(lambda: stop_once(seen))
    except InterruptedError:
        time.sleep(ECHO_OF_A_SIGNAL_S)
        say("interrupts", len(seen))
        sys.exit(130)


def stop_once(seen):
    """Leave the stream once a signal was seen."""
    if seen:
        raise InterruptedError


def uncaught_interrupt():
    """Let Ctrl-C end a stream."""
    stream(lambda: None)


def sigterm():
    """Clean up at SIGTERM, and ask once more while at it."""
    seen = []
    signal.signal(signal.SIGTERM, lambda *_: seen.append(ask()))
    ready = time.monotonic() + 20
    say("ready")
    while not seen and time.monotonic() < ready:
        time.sleep(0.01)
    time.sleep(ECHO_OF_A_SIGNAL_S)
    say("terminated", len(seen))


def exit_7():
    say(ask())
    sys.exit(7)


def exit_words():
    say(ask())
    sys.exit("cannot go on")


def killed():
    say(ask())
    os.kill(os.getpid(), signal.SIGKILL)


def crashed():
    """End by a fault that leaves no core."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    say(ask())
    os.kill(os.getpid(), signal.SIGSEGV)


def exception():
    say(ask())
    raise LookupError("nothing there")


def daemon_thread():
    """End while a daemon thread is in the middle of a stream."""
    started = threading.Event()
    threading.Thread(target=stream, args=(started.set,), daemon=True).start()
    started.wait(20)
    say("leaving")


def os_exit():
    say(ask())
    os._exit(3)


def forked():
    """Ask on both sides of a fork without exec."""
    say("before", ask())
    child = os.fork()
    if child == 0:
        say("child", ask())
        os._exit(5)
    _, status = os.waitpid(child, 0)
    say("parent", ask(), os.waitstatus_to_exitcode(status))


def moved():
    """Change the working directory, ask, and write a file there."""
    pathlib.Path("elsewhere").mkdir(exist_ok=True)
    os.chdir("elsewhere")
    pathlib.Path("written").write_text(ask(), encoding="utf-8")
    say(pathlib.Path.cwd().name, [path.name for path in pathlib.Path().iterdir()])


def no_stdout():
    """Ask, with standard output closed or gone, and tell it on standard error."""
    print(ask(), sys.stdout, file=sys.stderr)


def chatter():
    """Write lines without end, for a reader who goes away."""
    ask()
    while True:
        say("line")


def large_output():
    """Write ten megabytes, not all of it text."""
    ask()
    block = bytes(range(256)) * 4096
    for _ in range(10):
        sys.stdout.buffer.write(block)


def at_exit():
    """Ask when everything is over."""
    atexit.register(lambda: say("last", ask()))
    say("first", ask())


def child_process():
    """Let a child process ask too."""
    say(ask())
    child = [sys.executable, __file__, "exit_7"]
    done = subprocess.run(child, capture_output=True, text=True, check=False)
    say("child said", done.stdout.strip(), done.stderr, done.returncode)


def bare_child():
    """Start a child process with an environment of its own making."""
    say(ask())
    child = [sys.executable, __file__, "exit_7"]
    environment = {"BASE_URL": BASE_URL, "PATH": os.environ["PATH"]}
    done = subprocess.run(child, capture_output=True, env=environment, check=False)
    say("child said", done.stdout, done.stderr, done.returncode)


def asking_handler():
    """Ask inside a signal handler that interrupts an exchange."""
    told = []
    ask()  # everything is imported before the signal comes
    signal.signal(signal.SIGALRM, lambda *_: told.append(ask()))
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    say(ask("/json?slow_ms=300"))
    say("handler", told)


def copy_stdin():
    """Copy binary standard input to standard output."""
    ask()
    while data := sys.stdin.buffer.read1(65536):
        sys.stdout.buffer.write(data)


def ignore_stdin():
    """Leave without reading a word."""
    say(ask())


def no_stdin():
    """Look at a standard input that is closed, or nothing."""
    say(ask(), sys.stdin if sys.stdin is None else repr(sys.stdin.read()))


def stopped():
    """Be stopped and continued."""
    seen = []
    signal.signal(signal.SIGCONT, lambda *_: seen.append(1))
    say(ask())
    say("ready")
    ready = time.monotonic() + 20
    while not seen and time.monotonic() < ready:
        time.sleep(0.01)
    time.sleep(ECHO_OF_A_SIGNAL_S)
    say("continued", len(seen), ask())


def prompt():
    """Ask for a name on the same line, without a flush of its own (run with `-u`)."""
    print("name? ", end="")
    name = sys.stdin.readline().strip()
    print("hello", name, json.loads(ask(f"/echo?name={name}"))["query"])


def encodings():
    """Say things that are not ASCII, in and out of what the stream can encode."""
    say(ask(), sys.stdout.encoding, sys.stdout.errors, sys.stdin.encoding)
    say("héllo ✓ 你好", ascii(sys.argv[2:]))
    sys.stdout.buffer.write(b"\xff\xfe not text\n")


def inherited():
    """Look at the descriptors that a child gets when nobody closes any."""
    look = "import os; print([n for n in range(256) if os.path.exists(f'/dev/fd/{n}')])"
    child = [sys.executable, "-S", "-E", "-c", look]
    say(ask())
    subprocess.run(child, close_fds=False, check=True)


def interleaved():
    """Write to both streams in turn."""
    ask()
    for number in range(50):
        print("out", number, flush=True)
        print("err", number, file=sys.stderr, flush=True)


def signal_state():
    """Look at what a process inherits."""
    numbers = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    say(ask())
    say(*(f"{number.name}={signal.getsignal(number)!r}"[:40] for number in numbers))
    say("blocked", sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])))
    say("limits", resource.getrlimit(resource.RLIMIT_NOFILE), oct(os.umask(0o22)))
    say("nice", os.nice(0), "threads", [thread.name for thread in threading.enumerate()])
    say("argv", [pathlib.Path(sys.argv[0]).name, *sys.argv[1:]])


MODES = {
    function.__name__: function
    for function in (
        asking_handler,
        at_exit,
        bare_child,
        chat,
        chatter,
        child_process,
        copy_stdin,
        crashed,
        daemon_thread,
        encodings,
        exception,
        exit_7,
        exit_words,
        forked,
        ignore_stdin,
        inherited,
        interleaved,
        interrupted,
        killed,
        large_output,
        moved,
        no_stdin,
        no_stdout,
        os_exit,
        prompt,
        sigterm,
        signal_state,
        stopped,
        terminal,
        uncaught_interrupt,
    )
}

if __name__ == "__main__":
    MODES[sys.argv[1]]()
