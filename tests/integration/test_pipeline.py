"""A whole pipeline in one cassette: every client, every way of starting a process, two MCP servers.

Its parts ask the same at the same time, and then what follows from the answer. The model's provider
and both servers count what reaches them; all are gone before a replay.
"""

import contextlib
import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
import venv
from collections import Counter
from pathlib import Path

import pytest

from agentvcr.cassette.reader import load_run
from tests.integration.test_real_sdks import replayed_under_strace
from tests.support.command_line import PROGRAMS, agentvcr
from tests.support.counter_server import CounterServer
from tests.support.shell import needs
from tests.test_architecture import interpreters

MCP_SERVER = PROGRAMS.parent / "support" / "mcp_counter.py"
TALKERS = {"forked": 2, "spawned": 2, "pool": 6, "elsewhere": 2, "node": 2, "curl": 2}
TALKERS |= {"planner": 2, "reviewer": 2}
CLIENTS = {"urllib3": 8, "http.client": 4, "gateway": 4, "httpx": 2, "aiohttp": 2}
JITTER_MS = (5, 60)


@dataclasses.dataclass
class Recording:
    """A recorded pipeline, with what everybody whom it asked saw of it."""

    folder: Path
    env: dict[str, str]
    done: subprocess.CompletedProcess[bytes]
    asked: list[object]
    """The bodies that the provider got."""
    heard: dict[str, list[str]]
    """What the MCP servers got, by the file in which they wrote it."""

    @property
    def run(self):
        return load_run(self.folder / "x.avcr")

    @property
    def told(self):
        """What each part was told."""
        return json.loads(self.done.stdout)

    def replay(self, *options):
        return agentvcr("replay", "x.avcr", *options, cwd=self.folder, env=self.env)


@pytest.fixture(scope="module")
def other_python(tmp_path_factory):
    """An environment without AgentVCR, of another version of Python where there is one."""
    folder = tmp_path_factory.mktemp("other") / "env"
    own = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    others = [one for one in interpreters() if Path(one).resolve().name != own]
    for python in reversed(others):
        made = subprocess.run(
            [python, "-m", "venv", "--without-pip", folder], capture_output=True, check=False
        )
        if made.returncode == 0:
            break
    else:
        venv.create(folder, with_pip=False, symlinks=True)
    return str(folder / "bin" / "python")


@contextlib.contextmanager
def outside(folder):
    """An MCP server that is no part of the run; gives its address."""
    command = [sys.executable, MCP_SERVER, "--heard", "heard_library", "--http"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield server.stdout.readline().strip()
        finally:
            server.kill()


def recorded(folder, other_python, *, is_outside):
    """Record the pipeline, and take everything away that it asked."""
    needs("node", "curl")
    shutil.copytree(PROGRAMS / "pipeline", folder, dirs_exist_ok=True)
    shutil.copy(MCP_SERVER, folder / "tools_server.py")
    shutil.copy(MCP_SERVER, folder / "library_server.py")
    with CounterServer(jitter_ms=JITTER_MS) as provider, contextlib.ExitStack() as stack:
        env = {"OPENAI_BASE_URL": provider.base_url + "/v1", "XDG_STATE_HOME": str(folder)}
        if is_outside:
            env["LIBRARY_URL"] = stack.enter_context(outside(folder))
        words = ["record", "--strict", "-o", "x.avcr", "--report", "r.json", "--", sys.executable]
        done = agentvcr(*words, "crew.py", other_python, cwd=folder, env=env)
        assert done.returncode == 0, done.stderr.decode()
        asked = [one.json() for one in provider.asked]
    (folder / "tools_server.py").unlink()
    heard = {name: lines(folder / name) for name in ("heard_tools", "heard_library")}
    return Recording(folder, env, done, asked, heard)


def lines(path):
    found = path.read_text().splitlines()
    path.unlink()
    return found


@pytest.fixture(scope="module")
def pipeline(other_python, tmp_path_factory):
    """The pipeline, with a server over HTTP that was started before it."""
    return recorded(tmp_path_factory.mktemp("pipeline"), other_python, is_outside=True)


def has_namespaces():
    """Whether this machine lets a user make an empty network."""
    command = shutil.which("unshare")
    return command and not subprocess.run([command, "-rn", "true"], check=False).returncode


def assert_the_same(replayed, recording):
    assert replayed.returncode == 0, replayed.stderr.decode()
    assert replayed.stdout == recording.done.stdout
    exchanges = len(recording.run.exchanges)
    network = "no network" if has_namespaces() else "network guarded (Python only)"
    ending = f"the same: {exchanges} exchanges replayed from x.avcr, {network}\n"
    assert replayed.stderr.decode().endswith(ending)
    assert not (recording.folder / "heard_tools").exists()


def as_text(bodies):
    return Counter(json.dumps(one, sort_keys=True) for one in bodies)


def text_of(exchange):
    return json.loads(exchange.response.body)["choices"][0]["message"]["content"]


def to_model(recording):
    return [one for one in recording.run.exchanges if "/chat/completions" in one.request.url]


def to_tools(recording):
    return [one for one in recording.run.exchanges if one.client == "mcp"]


def to_library(recording):
    return [one for one in recording.run.exchanges if one.request.url.endswith("/mcp")]


def below(exchanges, step):
    return [one for one in exchanges if step in one.place.split("/")]


# --- recorded -------------------------------------------------------------------------------------


def test_what_was_asked_is_recorded_and_nothing_twice(pipeline):
    exchanges = to_model(pipeline)
    assert as_text(json.loads(one.request.body) for one in exchanges) == as_text(pipeline.asked)
    numbers = sorted(int(re.search(r"\d+", text_of(one))[0]) for one in exchanges)
    assert numbers == list(range(1, sum(TALKERS.values()) + 1))
    said = [f"{one.request.method} /mcp" for one in to_library(pipeline)]
    assert Counter(said) == Counter(pipeline.heard["heard_library"])
    methods = [json.loads(line)["method"] for line in pipeline.heard["heard_tools"]]
    told = [json.loads(one.request.body or b"{}").get("method") for one in to_tools(pipeline)]
    assert Counter(told) - Counter([None]) == Counter(methods)
    counted = len(exchanges) + len(said) + len(methods) + 1  # the session of the tools' server
    assert len(pipeline.run.exchanges) == counted


def test_all_of_them_ask_the_same_first_and_each_of_its_own_answer_then(pipeline):
    counts = as_text(pipeline.asked)
    assert sorted(counts.values(), reverse=True) == [10, *[1] * 10]


def test_each_part_gets_its_own_answers(pipeline):
    told, exchanges = pipeline.told, to_model(pipeline)
    is_ours, *told["elsewhere"] = told["elsewhere"]
    assert is_ours is False
    for part, count in TALKERS.items():
        texts = [text_of(one) for one in below(exchanges, part)]
        assert sorted(texts) == sorted(told[part]), part
        assert len(texts) == count
    for part, said in (("tools", to_tools(pipeline)), ("library", to_library(pipeline))):
        assert len(set(told[part])) == 2
        for number, answer in enumerate(told[part]):
            (call,) = [
                one
                for one in below(below(said, part), f"caller{number}")
                if b'"tools/call"' in one.request.body
            ]
            assert answer.encode() in call.response.body


def test_the_summary_names_every_host_client_and_kind_of_process(pipeline):
    report = json.loads((pipeline.folder / "r.json").read_text())
    assert report["not_recorded"] == []
    clients = {one["client"]: one["exchanges"] for one in report["by_client"]}
    library, tools = len(to_library(pipeline)), len(to_tools(pipeline))
    assert clients == {**CLIENTS, "httpx2": library, "mcp": tools}
    hosts = {one["host"]: one["exchanges"] for one in report["by_host"]}
    model, served = (
        pipeline.env[name].split("/")[2] for name in ("OPENAI_BASE_URL", "LIBRARY_URL")
    )
    assert hosts == {model: len(pipeline.asked), served: library, "mcp:tools_server": tools}
    runs = {one["command"]: one["exchanges"] for one in report["by_process"]}
    assert sum(runs.values()) == report["exchanges"]
    found = {
        word: sum(count for command, count in runs.items() if word in command)
        for word in ("crew.py", "fork", "agentvcr mcp", "agentvcr gateway", "agent_urllib.py")
    }
    own = 2 + 2 + 2 + library  # planner, reviewer, the fork, and the client of the library
    assert found == {
        "crew.py": own,
        "fork": 8,
        "agentvcr mcp": tools,
        "agentvcr gateway": 4,
        "agent_urllib.py": 2,
    }
    said = re.sub(r"\nagentvcr: +", " ", pipeline.done.stderr.decode())
    for name, count in [*clients.items(), *hosts.items()]:
        assert f"{name} {count}" in said
    for command, count in runs.items():
        assert f"{command}: {count}" in said


def test_the_tree_has_every_part_under_its_step(pipeline):
    told = agentvcr("show", "x.avcr", "--json", cwd=pipeline.folder, env=pipeline.env)
    steps = json.loads(told.stdout)["steps"]
    calls = Counter(
        part
        for step in steps
        if step["kind"] == "llm"
        for part in TALKERS
        if part in step["id"].split("/")
    )
    assert calls == TALKERS
    agents = {step["id"].rpartition("/")[2] for step in steps if step["kind"] == "agent"}
    parts = {*TALKERS, "tools", "library"}
    assert parts <= agents
    drawn = agentvcr("show", "x.avcr", cwd=pipeline.folder, env=pipeline.env).stdout.decode()
    assert all(re.search(rf"[└├] {part} ", drawn) for part in parts)
    assert drawn.count("counter: This is") == sum(TALKERS.values())


# --- replayed -------------------------------------------------------------------------------------


def test_a_replay_with_nobody_there_is_the_same_however_often(pipeline, rounds):
    for _ in range(rounds):
        assert_the_same(pipeline.replay(), pipeline)


def test_nothing_connects_but_to_the_gateway(pipeline):
    needs("strace")
    stdout, connects = replayed_under_strace(pipeline.folder, {**os.environ, **pipeline.env})
    assert stdout == pipeline.done.stdout
    (note,) = [one for one in pipeline.run.notes if one.kind == "gateway"]
    port = note.text.rpartition(":")[2]
    assert connects
    assert [one for one in connects if f"htons({port})" not in one] == []


def test_a_prompt_that_node_changed_is_named(pipeline, tmp_path):
    folder = tmp_path / "changed"
    shutil.copytree(pipeline.folder, folder)
    script = folder / "agent.mjs"
    script.write_text(script.read_text().replace("Go on.", "Stop."))
    changed = dataclasses.replace(pipeline, folder=folder).replay()
    assert changed.returncode == 4
    said = changed.stderr.decode()
    assert "POST /v1/chat/completions" in said
    assert "main/main#0/at_work#4/proc0" in said  # the fifth agent, and the program it started
    assert "Go on." in said
    assert "Stop." in said


# --- with a server of its own ---------------------------------------------------------------------


def test_an_mcp_server_of_the_run_runs_again_and_what_it_asks_is_replayed(other_python, tmp_path):
    recording = recorded(tmp_path, other_python, is_outside=False)
    library, exchanges = to_library(recording), to_model(recording)
    assert all(one.internal for one in library)
    assert len(library) == len(recording.heard["heard_library"])
    assert len(exchanges) == len(recording.asked) == sum(TALKERS.values()) + 1
    (consulted,) = below(exchanges, "library")
    assert recording.told["library"][1] == text_of(consulted)
    assert_the_same(recording.replay(), recording)
    again = lines(tmp_path / "heard_library")
    assert Counter(again) == Counter(recording.heard["heard_library"])
