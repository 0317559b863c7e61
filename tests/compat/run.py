"""Run vcrpy's own tests on its cassette and on ours, and compare the outcomes test by test.

Called by `make compat` with the folder of its environment. Needs nothing but what is in there; the
tests that want the internet are left out.
"""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

HERE = Path(__file__).parent
SOURCES = HERE.parents[1] / "src"
PYTEST = (sys.executable, "-m", "pytest", "-q", "-m", "not online", "-p", "no:cacheprovider")
FEWEST = 600
"""Passes without which nothing was tested."""
TOO_BAD = 2
"""The smallest exit status of pytest that is not about tests."""


def run(name: str, environment: Path, *options: str) -> dict[str, list[str]]:
    """Run the tests, and give each one's outcomes."""
    folder = next(environment.glob("vcrpy-*/"))
    (folder / ".editorconfig").touch()  # a test sends it
    report = environment / f"{name}.xml"
    report.unlink(missing_ok=True)
    certificates = subprocess.check_output(
        [sys.executable, "-m", "pytest_httpbin.certs"], text=True
    ).strip()
    print(f"{name}: ", end="", flush=True)
    done = subprocess.run(
        [*PYTEST, f"--junitxml={report}", *options],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, (HERE, SOURCES))),
            "REQUESTS_CA_BUNDLE": certificates,
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


def exceptions() -> dict[str, str]:
    """Read the list of tests that may differ."""
    text = (HERE / "exceptions.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return dict(line.split(" | ", 1) for line in lines)


def main(environment: Path) -> int:
    """Compare; the exit status says whether anything differs that may not."""
    stock, swapped = run("stock", environment), run("ours", environment, "-p", "swapped")
    allowed = exceptions()
    differing = {name for name in stock | swapped if stock.get(name) != swapped.get(name)}
    for name in sorted(differing):
        reason = f"  (allowed: {allowed[name]})" if name in allowed else ""
        print(f"{name}: {stock.get(name)} with vcrpy's, {swapped.get(name)} with ours{reason}")
    unknown = sorted(set(allowed) - set(stock))
    for name in unknown:
        print(f"{name}: in the list of exceptions, and not a test")
    passed = Counter(one for ends in stock.values() for one in ends)["passed"]
    print(f"{len(stock)} tests compared, {len(differing)} differ, {len(allowed)} may")
    return int(bool(differing - set(allowed) or unknown) or passed < FEWEST)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
