"""What the pytest plugin costs, beside stock pytest and pytest-recording, in one run.

    .venv/bin/python benchmarks/pytest_plugin.py [PYTHON]

PYTHON is an interpreter that has AgentVCR and pytest-recording; without it, what the latter takes
is left out. CPU time of whole processes in turns, the least of several.
"""

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

TESTS = 1_000
LARGE = 5
EXCHANGES = 200
ROUNDS = 3
SHORT_ROUNDS = 20

TRIVIAL = """
import pytest

@pytest.mark.parametrize("n", range({tests}))
def test_nothing(n):
    assert n >= 0
"""

CLIENT = """
import os, httpx, pytest

CLIENT = httpx.Client()
URL = os.environ.get("BASE_URL", "http://127.0.0.1:9") + "/v1/chat/completions"

def ask(n, of):
    messages = [{{"role": "user", "content": f"question {{n}} of {{of}}"}}]
    body = {{"model": "counter", "messages": messages}}
    return CLIENT.post(URL, json=body).json()["choices"][0]["message"]["content"]
"""

USING = (
    CLIENT
    + """
{mark}
@pytest.mark.parametrize("n", range({tests}))
def test_asking(n):
    for one in range({exchanges}):
        assert ask(one, n)
"""
)

MOCKED = USING.replace(
    "CLIENT = httpx.Client()",
    "CLIENT = httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(200, json="
    '{{"choices": [{{"message": {{"content": "answer"}}}}]}})))',
)
VCR = "@pytest.mark.vcr(match_on=['method', 'scheme', 'host', 'path', 'query', 'body'])"
OURS = "@pytest.mark.agentvcr"
RECORDING = ("-p", "no:agentvcr")
COMPAT = ("-p", "no:recording", "--agentvcr-compat")
PLUGIN = ("-p", "no:recording")
NEITHER = ("-p", "no:recording", "-p", "no:agentvcr")


class Suite:
    """A folder with one file of tests, and the options that pytest is run with."""

    def __init__(self, folder: Path, python: str, code: str, *options: str) -> None:
        """Write the file."""
        folder.mkdir()
        (folder / "test_it.py").write_text(code, encoding="utf-8")
        (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        plain = ("-p", "no:cacheprovider", "-p", "no:randomly", "-q")
        self._words = [python, "-m", "pytest", *plain, *options]
        self._folder = folder

    def run(self, *options: str, **env: str) -> float:
        """Run it; gives the seconds of CPU that took."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [*self._words, *options],
            cwd=self._folder,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(done.stdout[-2000:] + done.stderr)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def in_turns(suites: dict[str, Suite], rounds: int = ROUNDS, **env: str) -> dict[str, float]:
    """Time each suite in every round, in another order each time."""
    found: dict[str, list[float]] = {name: [] for name in suites}
    names = list(suites)
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            found[name].append(suites[name].run(**env))
    return {name: min(times) for name, times in found.items()}


def unused(folder: Path, python: str) -> None:
    code = TRIVIAL.format(tests=TESTS)
    times = in_turns(
        {
            "stock": Suite(folder / "stock", python, code, *NEITHER),
            "ours": Suite(folder / "ours", python, code, *PLUGIN),
        },
        SHORT_ROUNDS,
    )
    share = times["ours"] / times["stock"] - 1
    print(f"{TESTS:,} trivial tests: stock {times['stock']:.2f} s, with the plugin unused ", end="")
    print(f"{times['ours']:.2f} s: {share:+.1%} (limit +1 %)")


def used(folder: Path, python: str, base_url: str, tests: int, exchanges: int) -> None:
    def code(template: str, mark: str = "") -> str:
        return template.format(mark=mark, tests=tests, exchanges=exchanges)

    kinds: dict[str, tuple[str, tuple[str, ...], str]] = {
        "mocked": (code(MOCKED), NEITHER, ""),
        "agentvcr": (code(USING, OURS), PLUGIN, "--agentvcr-mode=once"),
        "compat": (code(USING, VCR), COMPAT, "--record-mode=once"),
    }
    if has_recording(python):
        kinds["pytest-recording"] = (code(USING, VCR), RECORDING, "--record-mode=once")
    suites: dict[str, Suite] = {}
    for name, (text, options, recording) in kinds.items():
        suites[name] = Suite(folder / name, python, text, *options)
        if recording:
            suites[name].run(recording, BASE_URL=base_url)
    times = in_turns(suites, BASE_URL=base_url)
    print(f"{tests:,} tests with {exchanges} exchanges each, bodies matched:")
    for name, seconds in times.items():
        over = (seconds - times["mocked"]) / tests * 1000
        print(f"  {name:<17} {seconds:6.2f} s   {over:8.2f} ms a test over a mocked client")
    if "pytest-recording" in times:
        theirs = times["pytest-recording"] - times["mocked"]
        for name in ("agentvcr", "compat"):
            ratio = theirs / (times[name] - times["mocked"])
            print(f"  pytest-recording takes {ratio:.2f}x of {name}")


def has_recording(python: str) -> bool:
    code = "import importlib.util as u, sys; sys.exit(u.find_spec('pytest_recording') is None)"
    return subprocess.run([python, "-c", code], check=False).returncode == 0


def main() -> None:
    python = sys.argv[1] if len(sys.argv) > 1 else sys.executable
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tests.support.counter_server import CounterServer  # noqa: PLC0415  (not installed)

    if not has_recording(python):
        print("pytest-recording is not there: what it takes is left out")
    with tempfile.TemporaryDirectory() as name, CounterServer(jitter_ms=(0, 0)) as server:
        folder = Path(name)
        parts: list[Callable[[Path], None]] = [
            lambda place: unused(place, python),
            lambda place: used(place, python, server.base_url, TESTS, 1),
            lambda place: used(place, python, server.base_url, LARGE, EXCHANGES),
        ]
        for number, part in enumerate(parts):
            place = folder / str(number)
            place.mkdir()
            part(place)


if __name__ == "__main__":
    main()
