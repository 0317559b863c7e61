"""Measure starts: of the command line, and of a Python that is being recorded.

Owns finding interpreters and the tables. Needs a live recording for the second.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median

from figures import Reach, table
from programs import AGENTVCR, started

import agentvcr

_NAMES = ("python3.9", "python3.13", "python3.12", "python3.10", "python3.14", "/usr/bin/python3")
_OTHERS = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
_MOST = 4
_SHOWN = "import sys; print(sys.executable); print('%d.%d.%d' % sys.version_info[:3])"


def interpreters() -> dict[str, str]:
    """Find the running interpreter and a few others, by version."""
    found = {"{}.{}.{}".format(*sys.version_info[:3]): sys.executable}
    for name in _NAMES:
        nearby = [str(path) for path in sorted(_OTHERS.glob(f"*/bin/{name}"))]
        for path in [*nearby, shutil.which(name)]:
            if path is not None and len(found) < _MOST:
                asked = subprocess.run([path, "-c", _SHOWN], capture_output=True, check=False)
                if asked.returncode == 0:
                    executable, version = asked.stdout.decode().split()
                    found.setdefault(version, executable)
    return found


def compiled(executable: str, folder: str) -> None:
    """Compile what runs inside a program, as its first start or an installer does."""
    argv = [executable, "-m", "compileall", "-q", folder]
    subprocess.run(argv, check=False, stdout=subprocess.DEVNULL)


def recorded(environment: dict[str, str]) -> dict[str, str]:
    """Give a start's environment under a recorder that is alive, from a recorded program's."""
    ours = {name: environment[name] for name in environment if name.startswith("AGENTVCR_")}
    return {**os.environ, **ours, "PYTHONPATH": environment["PYTHONPATH"]}


def beside(argv: list[str], env: dict[str, str], rounds: int) -> tuple[float, tuple[str, ...]]:
    """Start a command bare and recorded in turns; gives the ratio of walls, and a table's cells."""
    bare: list[tuple[float, float]] = []
    under: list[tuple[float, float]] = []
    for _ in range(rounds + 1):
        bare.append(started(argv))
        under.append(started(argv, env))
    pairs = list(zip(under[1:], bare[1:], strict=True))
    ratios = [median(one[kind] / other[kind] for one, other in pairs) for kind in (0, 1)]
    more = [median(one[kind] - other[kind] for one, other in pairs) for kind in (0, 1)]
    wall_ms = median(one[0] for one in bare[1:])
    cells = (f"{wall_ms:.1f}", *(f"{one:+.1f}" for one in more), *(f"{one:.2f}x" for one in ratios))
    return ratios[0], cells


_HEADS = ("", "bare ms", "added ms", "added CPU", "wall", "CPU")


def children(rounds: int, environment: dict[str, str]) -> list[Reach]:
    """Measure what a recording adds to the start of a program that uses no client.

    `environment` is that of a recorded program whose recorder is alive.
    """
    env = recorded(environment)
    reaches: list[Reach] = []
    rows: list[tuple[str, ...]] = []
    for version, executable in interpreters().items():
        compiled(executable, str(Path(environment["AGENTVCR_ROOT"]) / "inside"))
        ratio, cells = beside([executable, "-c", "pass"], env, rounds)
        rows.append((version, *cells))
        reaches.append(Reach(f"start of a recorded {version}: wall to bare", ratio, 1.5))
    print(table("Start of a recorded `python -c pass`", _HEADS, rows), flush=True)
    return reaches


def importing(rounds: int, environment: dict[str, str], programs: dict[str, str]) -> None:
    """Measure what a recording adds to the start of programs that import clients, by title."""
    env = recorded(environment)
    compiled(sys.executable, str(Path(environment["AGENTVCR_ROOT"]) / "inside"))
    rows = []
    for title, code in programs.items():
        _, cells = beside([sys.executable, "-c", code], env, rounds)
        rows.append((title, *cells))
    title = "Start of a recorded program that imports clients, and asks nothing"
    print(table(title, _HEADS, rows), flush=True)


def parent(rounds: int, folder: Path) -> list[Reach]:
    """Measure the command line's own start beside a bare Python's."""
    compiled(sys.executable, str(Path(agentvcr.__file__).parent))
    true = shutil.which("true") or "/bin/true"
    target = str(folder / "start.avcr")
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "true": [true],
        "agentvcr --help": [AGENTVCR, "--help"],
        "agentvcr record -- true": [AGENTVCR, "record", "--force", "-o", target, "--", true],
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(rounds + 1):
        for name, argv in commands.items():
            times[name].append(started(argv))
    bare = times["python -c pass"][1:]
    ratios: dict[str, float] = {}
    rows: list[tuple[str, ...]] = []
    for name, all_taken in times.items():
        taken = all_taken[1:]
        less = times["true"][1:] if "record" in name else [(0.0, 0.0)] * len(taken)
        beside = list(zip(taken, less, bare, strict=True))
        found = [median((x[kind] - y[kind]) / z[kind] for x, y, z in beside) for kind in (0, 1)]
        ratios[name] = found[0]
        medians = [f"{median(one[kind] for one in taken):.1f}" for kind in (0, 1)]
        rows.append((name, *medians, f"{found[0]:.2f}x", f"{found[1]:.2f}x"))
    heads = ("", "wall ms", "CPU ms", "wall to python", "CPU to python")
    print(table("Start of the command line", heads, rows), flush=True)
    titles = ("agentvcr --help", "agentvcr record -- true")
    return [Reach(f"{title}: wall to bare Python", ratios[title], 10) for title in titles]
