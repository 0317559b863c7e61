"""Programs of real frameworks, recorded once a file of tests and replayed in many ways.

The frameworks stand apart from AgentVCR: each has an environment of its own, in which AgentVCR is
not installed. AGENTVCR_FRAMEWORKS names the folder of these environments; without it no test
that needs one is collected. They are laid from `requirements/`:

    python3.11 -m venv $AGENTVCR_FRAMEWORKS/langgraph
    $AGENTVCR_FRAMEWORKS/langgraph/bin/pip install -r tests/frameworks/requirements/langgraph.txt
"""

import dataclasses
import json
import os
import pathlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.frameworks.provider import Provider
from tests.frameworks.trace import Event, answers, events, trace

HERE = pathlib.Path(__file__).parent
ENVIRONMENTS = os.environ.get("AGENTVCR_FRAMEWORKS", "")
RECORDED = "x.avcr"
# The longest command is a program's record or replay: seconds, also on a busy machine.
_PATIENCE_S = 240
_AT_ONCE = 4
# Telemetry of a framework finds nobody there, so that these tests reach nothing beyond loopback.
_NOBODY = "http://127.0.0.1:9"

collect_ignore_glob = [] if ENVIRONMENTS else ["test_*.py"]


@dataclasses.dataclass(frozen=True)
class Changed:
    """What the replay of a changed program said: its status, its words, and `diff --json`."""

    status: int
    stderr: str
    diff: dict[str, Any]

    def names(self, step: str, place: str, before: str, after: str) -> None:
        """Expect the stop, and that the words and the diff name this step and this place first."""
        assert self.status == 4, self.stderr
        said = f"    {place}\n      recorded: {before}\n      now:      {after}\n"
        assert said in self.stderr.replace("agentvcr: ", "")
        assert f"(first: {step})" in self.stderr
        first = self.diff["entries"][self.diff["first"]]
        assert (first["status"], first["a"]["id"], first["b"]["id"]) == ("changed", step, step)
        told = [first["changes"][0][name] for name in ("where", "before", "after")]
        assert told == [place, before, after]

    def touches(self, status: str, steps: list[str]) -> None:
        """Expect a run to the end that differs in these steps, each told once, in nothing else."""
        assert self.status == 1, self.stderr
        assert self.diff["halted"] is None
        differing = [one for one in self.diff["entries"] if one["status"] != "same"]
        told = [(one["status"], (one["a"] or one["b"])["id"]) for one in differing]
        assert sorted(told) == sorted((status, step) for step in steps)
        for one in differing:  # a changed step is not paired with another's
            assert one["a"] is None or one["b"] is None or one["a"]["id"] == one["b"]["id"]
        # The rest came to the same; an SDK may log what became of an added call.
        streams = [one["stream"] for one in self.diff["output"]]
        assert streams in ([], ["stderr"] if status == "added" else [])
        assert self.diff["ending"] is None


@dataclasses.dataclass(frozen=True)
class Recording:
    """A program's recorded run: `folder` holds the cassette, `stdout` is what was printed."""

    folder: pathlib.Path
    command: list[str]
    env: dict[str, str]
    stdout: bytes

    def replay(self, name: str) -> subprocess.CompletedProcess[bytes]:
        """Run `agentvcr replay`, and keep the replay as `name`."""
        return _agentvcr(self.folder, self.env, "replay", RECORDED, "-o", name)

    def check_replays(self, count: int) -> None:
        """Expect `count` replays to be this run: status, output, trace, and who got what.

        Some run at the same time: most of them wait for a framework to be imported or to end.
        """
        names = [f"replay-{number}.avcr" for number in range(count)]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            outcomes = list(pool.map(self.replay, names))
            list(pool.map(self.exported, names))
        own = {step["step"]: step["number"] for step in self.steps()}
        for name, done in zip(names, outcomes, strict=True):
            assert done.returncode == 0, done.stderr.decode()
            assert b"the same: " in done.stderr
            assert done.stdout == self.stdout
            assert trace(self.exported(name)) == trace(self.exported())
            assert answers(self.exported(name)) == own

    def exported(self, name: str = RECORDED) -> bytes:
        """Give a run of the folder as JSON lines."""
        target = self.folder / f"{name}.jsonl"
        if not target.exists():
            words = (name, "--to", "jsonl", "-o", target.name)
            done = _agentvcr(self.folder, self.env, "export", *words)
            assert done.returncode == 0, done.stderr.decode()
        return target.read_bytes()

    def steps(self, name: str = RECORDED) -> list[Event]:
        """Give a run's steps in the order in which they began."""
        return [event for event in events(self.exported(name)) if event["event"] == "step"]

    def changed(self, change: str, on_miss: str = "fail") -> Changed:
        """Replay a program with one change against the recording of the one without."""
        return self.otherwise(
            f"{change}-{on_miss}.avcr", [*self.command, "--change", change], on_miss
        )

    def otherwise(self, name: str, command: list[str], on_miss: str) -> Changed:
        """Replay another command, and keep that as `name`."""
        words = (RECORDED, "--on-miss", on_miss, "-o", name, "--", *command)
        done = _agentvcr(self.folder, self.env, "replay", *words)
        diff = _agentvcr(self.folder, self.env, "diff", "--json", RECORDED, name)
        assert diff.returncode == 1, diff.stderr.decode()
        return Changed(done.returncode, done.stderr.decode(), json.loads(diff.stdout))


@pytest.fixture(scope="module")
def recording(request, tmp_path_factory):
    """Record the program of the module's FRAMEWORK; the provider has gone when this returns."""
    return _recorded(request.module.FRAMEWORK, tmp_path_factory)


@pytest.fixture(scope="module")
def longer_recording(request, tmp_path_factory):
    """Record it with the turn more that `--change inserted` makes."""
    return _recorded(request.module.FRAMEWORK, tmp_path_factory, "--change", "inserted")


def _recorded(name: str, folders: pytest.TempPathFactory, *words: str) -> Recording:
    with Provider() as provider:
        keys = {"OPENAI_BASE_URL": provider.base_url, "OPENAI_API_KEY": "sk-test-not-a-key"}
        command = program(name, f"with_{name}.py", *words)
        found = record(folders.mktemp(name), command, keys)
    # Nothing passed by unrecorded, and nothing was recorded twice.
    assert len(found.steps()) == len(provider.asked)
    return found


def program(environment: str, name: str, *words: str) -> list[str]:
    """Say how one of the programs is run in one of the environments."""
    python = pathlib.Path(ENVIRONMENTS) / environment / "bin" / "python"
    return [str(python), str(HERE / "programs" / name), *words]


def record(folder: pathlib.Path, command: list[str], env: dict[str, str]) -> Recording:
    """Record a command, with `env` added to what a program has in its environment."""
    env = {**_environment(folder), **env}
    done = _agentvcr(folder, env, "record", "-o", RECORDED, "--", *command)
    assert done.returncode == 0, done.stderr.decode()
    return Recording(folder, command, env, done.stdout)


def _environment(folder: pathlib.Path) -> dict[str, str]:
    """Give a program what a user's shell gives it, and nothing of this machine's providers."""
    kept = ("PATH", "LANG", "TMPDIR")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "HOME": str(folder),
        "HTTPS_PROXY": _NOBODY,
        "NO_PROXY": "127.0.0.1",
    }


def _agentvcr(
    folder: pathlib.Path, env: dict[str, str], *words: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "agentvcr", *words],
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_PATIENCE_S,
        check=False,
    )
