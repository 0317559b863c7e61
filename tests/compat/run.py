"""Run the tests of vcrpy and of pytest-recording with them and with us, and compare test by test.

Called by `make compat` with the folder of its environment. Needs nothing but what is in there; the
tests that want the internet are left out.
"""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

HERE = Path(__file__).parent
SOURCES = HERE.parents[1] / "src"
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "pyproject.toml")
TOO_BAD = 2
"""The smallest exit status of pytest that is not about tests."""
HANGS = "tests/integration/test_tornado.py::test_unsupported_features_raises_in_future"
"""Waits for vcrpy's refusal of a streaming callback; ours calls it, and it fails inside curl."""


class Suite(NamedTuple):
    """Somebody's own tests, and how they are run."""

    folder: str
    fewest: int
    """Passes without which nothing was tested."""
    always: tuple[str, ...]
    """Options of every run."""


class Way(NamedTuple):
    """A way of running a suite that is held against the suite as it is."""

    name: str
    suite: Suite
    options: tuple[str, ...]
    exceptions: str
    """The file that lists the tests that may differ."""


VCRPY = Suite("vcrpy-*", 600, ("-m", "not online", "-p", "no:recording"))
RECORDING = Suite("pytest_recording-*", 60, ("-p", "no:asyncio", "-p", "no:aiohttp"))
COMPAT = ("-p", "no:recording", "-p", "agentvcr.pytest_plugin", "--agentvcr-compat")
WAYS = (
    Way("our cassette", VCRPY, ("-p", "swapped"), "exceptions.txt"),
    Way(
        "our interceptors",
        VCRPY,
        ("-p", "taken_over", "--deselect", HANGS),
        "exceptions-interceptors.txt",
    ),
    Way("our plugin", RECORDING, COMPAT, "exceptions-plugin.txt"),
)


def run(name: str, environment: Path, suite: Suite, options: tuple[str, ...]) -> dict[str, list]:
    """Run the tests, and give each one's outcomes."""
    folder = next(environment.glob(f"{suite.folder}/"))
    (folder / ".editorconfig").touch()  # a test of vcrpy's sends it
    report = environment / f"{name.replace(' ', '-')}.xml"
    report.unlink(missing_ok=True)
    certificates = subprocess.check_output(
        [sys.executable, "-m", "pytest_httpbin.certs"], text=True
    ).strip()
    given = (*suite.always, *options)
    inner = ("-p", "inner_options") if suite is RECORDING else ()
    print(f"{name}: ", end="", flush=True)
    done = subprocess.run(
        [*PYTEST, f"--junitxml={report}", *inner, *given],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, (HERE, SOURCES))),
            "REQUESTS_CA_BUNDLE": certificates,
            "COMPAT_INNER": " ".join(given),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(done.stdout.strip().splitlines()[-1])
    if done.returncode >= TOO_BAD:
        sys.exit(done.stdout)
    return outcomes(report)


def outcomes(report: Path) -> dict[str, list[str]]:
    """Read what became of each test; one whose parameters have one name is there several times."""
    found: dict[str, list[str]] = {}
    for case in ET.parse(report).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        ends = [one.tag for one in case if one.tag in ("failure", "error", "skipped")]
        found.setdefault(name, []).append(ends[0] if ends else "passed")
    return found


def exceptions(name: str) -> dict[str, str]:
    """Read the list of tests that may differ; one without parameters stands for all of its own."""
    text = (HERE / name).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return dict(line.split(" | ", 1) for line in lines)


def compare(way: Way, stock: dict[str, list[str]], ours: dict[str, list[str]]) -> bool:
    """Tell every difference; says whether there is none that may not be."""
    allowed = exceptions(way.exceptions)
    plain = {name: name.partition("[")[0] for name in stock | ours}
    left_out = HANGS.rpartition("::")[2] if HANGS in way.options else None
    differing = {
        name
        for name in stock | ours
        if stock.get(name) != ours.get(name) and plain[name].rpartition("::")[2] != left_out
    }
    for name in sorted(differing):
        why = allowed.get(name, allowed.get(plain[name]))
        reason = f"  (allowed: {why})" if why else ""
        print(f"{name}: {stock.get(name)} with theirs, {ours.get(name)} with {way.name}{reason}")
    unknown = sorted(set(allowed) - set(stock) - set(plain.values()))
    for name in unknown:
        print(f"{name}: in the list of exceptions, and not a test")
    met = differing | {plain[name] for name in differing}
    idle = [name for name in allowed if name not in met and "by chance" not in allowed[name]]
    for name in idle:
        print(f"{name}: in the list of exceptions, and does not differ")
    wrong = {name for name in differing if not {name, plain[name]} & set(allowed)}
    print(f"{way.name}: {len(stock)} tests compared, {len(differing)} differ, {len(wrong)} may not")
    return not wrong and not unknown and not idle


def main(environment: Path) -> int:
    """Compare; the exit status says whether anything differs that may not."""
    is_fine = True
    for suite in (VCRPY, RECORDING):
        stock = run(f"stock {suite.folder.partition('-')[0]}", environment, suite, ())
        passed = Counter(one for ends in stock.values() for one in ends)["passed"]
        is_fine &= passed >= suite.fewest
        for way in (one for one in WAYS if one.suite is suite):
            ours = run(way.name, environment, suite, way.options)
            is_fine &= compare(way, stock, ours)
    return int(not is_fine)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
