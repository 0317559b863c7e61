"""The tee on the standard streams: the program sees none of it, and what passes is kept."""

import base64
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3] / "src"

TEED = """
import base64, os, sys
from agentvcr.inside import streams
kept = {}
streams.install(
    lambda stream, data: kept.setdefault(stream, bytearray()).extend(data),
    OURS or ",".join(map(streams.identity, range(3))),
)
try:
    exec(compile(open(sys.argv[1]).read(), "program", "exec"))
finally:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and not stream.closed:
            stream.flush()
    with open(sys.argv[2], "w") as out:
        for stream, data in kept.items():
            print(stream, base64.b64encode(data).decode(), file=out)
"""
ELSEWHERE = "OURS = '1:1,1:1,1:1'\n" + TEED
TEED = "OURS = ''\n" + TEED
BARE = 'import sys; exec(compile(open(sys.argv[1]).read(), "program", "exec"))'


def command(code, program, notes, flags):
    return [sys.executable, *flags, "-c", code, str(program), str(notes)]


@pytest.fixture
def both(tmp_path):
    """Run a program bare and with the tee; give both results and what was kept."""

    def run(source, *, flags=(), stdin=b"", **variables):
        program, notes = tmp_path / "program.py", tmp_path / "kept"
        program.write_text(source, encoding="utf-8")
        env = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
        bare, teed = (
            subprocess.run(
                command(code, program, notes, flags),
                input=stdin,
                env=env,
                capture_output=True,
                check=False,
                timeout=60,
            )
            for code in (BARE, TEED)
        )
        lines = notes.read_text().split("\n") if notes.exists() else []
        kept = {line.split()[0]: base64.b64decode(line.partition(" ")[2]) for line in lines if line}
        return bare, teed, kept

    return run


def alike(bare, teed):
    assert (teed.returncode, teed.stdout, teed.stderr) == (
        bare.returncode,
        bare.stdout,
        bare.stderr,
    )


SHAPE = """
import sys
for stream in (sys.stdin, sys.stdout, sys.stderr):
    print(stream.name, stream.mode, stream.encoding, stream.errors, stream.line_buffering,
          stream.write_through, stream.isatty(), stream.fileno(), type(stream).__name__,
          stream.buffer.name, stream.buffer.mode, type(stream.buffer).__name__,
          stream is sys.__stdout__, stream is sys.__stdin__)
"""


@pytest.mark.parametrize("flags", [(), ("-u",)])
@pytest.mark.parametrize("encoding", ["", "latin-1:replace", "ascii:backslashreplace", "utf-16"])
def test_streams_look_as_without_us(both, flags, encoding):
    variables = {"PYTHONIOENCODING": encoding} if encoding else {}
    alike(*both(SHAPE, flags=flags, **variables)[:2])


@pytest.mark.parametrize("flags", [(), ("-u",)])
def test_what_is_written_passes_and_is_kept(both, flags):
    source = (
        "import sys; print('é'); sys.stdout.buffer.write(b'\\xff\\0'); print(2, file=sys.stderr)"
    )
    bare, teed, kept = both(source, flags=flags)
    assert sorted(teed.stdout) == sorted(bare.stdout)
    assert teed.stderr == bare.stderr
    assert kept == {"stdout": teed.stdout, "stderr": teed.stderr}


@pytest.mark.parametrize(
    "source",
    [
        "import sys; print(repr(sys.stdin.read()))",
        "import sys; print([line for line in sys.stdin])",
        "import sys; print(sys.stdin.buffer.read())",
        "print(repr(input())); print(repr(input()))",
        "import sys; print(sys.stdin.buffer.raw.read(4), sys.stdin.buffer.raw.readall())",
    ],
)
@pytest.mark.parametrize("stdin", [b"one\ntwo\n", b"a\r\nb\rc\r\n", b"", b"x" * 20_000 + b"\ny"])
def test_what_is_read_arrives_as_without_us_and_is_kept(both, source, stdin):
    bare, teed, kept = both(source, stdin=stdin)
    assert (teed.returncode, teed.stdout) == (bare.returncode, bare.stdout)
    assert stdin.startswith(kept.get("stdin", b""))
    if bare.returncode == 0 and "input" not in source:
        assert kept.get("stdin", b"") == stdin


@pytest.mark.parametrize("flags", [(), ("-u",)])
def test_the_end_of_input_is_kept_as_nothing_read_where_the_program_met_it(both, flags):
    reading = "import sys; sys.stdin.read()"
    assert both(reading, flags=flags)[2] == {"stdin": b""}
    assert both("import sys; sys.stdin.readline()", stdin=b"", flags=flags)[2] == {"stdin": b""}
    assert both("pass", stdin=b"unread", flags=flags)[2] == {}


def test_what_a_signal_handler_breaks_off_is_written_once(both):
    source = (
        "import signal, sys\n"
        "def fail(*_): raise KeyboardInterrupt\n"
        "signal.signal(signal.SIGINT, fail)\n"
        "for number in range(300):\n"
        "    try:\n"
        "        print(number)\n"
        "        if number % 7 == 0: signal.raise_signal(signal.SIGINT)\n"
        "    except KeyboardInterrupt: pass\n"
    )
    bare, teed, kept = both(source)
    alike(bare, teed)
    assert kept == {"stdout": teed.stdout}


@pytest.mark.parametrize("size", [100, 5_000, 9_000, 20_000])
def test_a_program_that_exits_without_flushing_loses_the_same_bytes(both, size):
    source = f"import os\nfor _ in range({size // 100}): print('x' * 99)\nos._exit(3)"
    alike(*both(source)[:2])


def test_streams_that_lead_elsewhere_than_the_runs_own_are_left_alone(tmp_path):
    program, notes = tmp_path / "program.py", tmp_path / "kept"
    program.write_text("import sys; print(sys.stdin.read())")
    done = subprocess.run(
        command(ELSEWHERE, program, notes, ()),
        input=b"heard",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert (done.stdout, notes.read_text()) == (b"heard\n", "")


def test_a_closed_stdout_is_closed_as_without_us(both):
    alike(*both("import os, sys; sys.stdout.close(); os.write(2, b'on')")[:2])


def test_a_line_typed_at_a_terminal_is_kept_once_wherever_output_goes(tmp_path):
    program, notes = tmp_path / "program.py", tmp_path / "kept"
    program.write_text("print(input())")
    for to_file in (False, True):
        main, terminal = pty.openpty()
        with (tmp_path / "out").open("wb") as out:
            process = subprocess.Popen(
                command(TEED, program, notes, ()),
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdin=terminal,
                stdout=out if to_file else terminal,
                stderr=terminal,
            )
            os.write(main, b"hello\n")
            assert process.wait(30) == 0
        os.close(terminal)
        os.close(main)
        kept = dict(line.split() for line in notes.read_text().split("\n") if line)
        assert base64.b64decode(kept["stdin"]) == b"hello\n", to_file
