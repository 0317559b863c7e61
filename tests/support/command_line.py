"""Run the command line as a user does, in a process of its own.

Owns the call and its environment. What is expected of it is a test's.
"""

import os
import pathlib
import subprocess
import sys

PROGRAMS = pathlib.Path(__file__).parents[1] / "programs"
_PATIENCE_S = 120


def agentvcr(
    *words: object, cwd: pathlib.Path, env: dict[str, str] | None = None, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run `agentvcr WORDS` in `cwd`, with `env` added to the environment."""
    return bare([sys.executable, "-m", "agentvcr", *map(str, words)], cwd=cwd, env=env, stdin=stdin)


def bare(
    command: list[str], *, cwd: pathlib.Path, env: dict[str, str] | None = None, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run a command in `cwd` as it is, with `env` added to the environment."""
    return subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        input=stdin,
        capture_output=True,
        timeout=_PATIENCE_S,
        check=False,
    )


def python(program: str, *words: object) -> list[str]:
    """Say how one of `tests/programs` is run."""
    return [sys.executable, str(PROGRAMS / program), *map(str, words)]


def lines(done: subprocess.CompletedProcess[bytes]) -> list[str]:
    """What a command said on standard output, line by line."""
    return done.stdout.decode().splitlines()


def refused(done: subprocess.CompletedProcess[bytes], status: int, slug: str) -> None:
    """Hold that a command refused with this error, and said nothing else."""
    assert done.returncode == status
    assert done.stdout == b""
    assert done.stderr.decode().splitlines()[0].endswith(f"[{slug}]")
    assert b"Traceback" not in done.stderr


def files(folder: pathlib.Path) -> dict[str, bytes]:
    """All that a folder of files holds."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}
