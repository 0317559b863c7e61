"""What a program sees of httpx and httpx2: the same bare, while recording, and in a replay.

Each group of cases is one program, run three times; the server is gone before the replay. What is
compared is what the program itself saw: heads, chunks, exceptions and the bytes before them.
"""

import contextlib
import functools
import json
import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from agentvcr.cassette.reader import load_run
from tests.programs.transport_calls import GROUPS
from tests.support.command_line import agentvcr
from tests.support.server_process import ROOT, ServerProcess

CLIENTS = ["httpx", "httpx2"]
PAIRS = [(client, half) for client in CLIENTS for half in GROUPS]
PATIENCE_S = 60
CASES = [
    pytest.param(pair, group, case, id="-".join((*pair, case)))
    for pair in PAIRS
    for group, cases in GROUPS[pair[1]].items()
    for case in cases
]
GROUP_IDS = [
    pytest.param(pair, group, id="-".join((*pair, group)))
    for pair in PAIRS
    for group in GROUPS[pair[1]]
]


@dataclass
class Seen:
    """What the three runs of one group saw, by case."""

    bare: dict
    recorded: dict
    replayed: dict
    replay: subprocess.CompletedProcess
    folder: os.PathLike


def by_case(output):
    return dict(json.loads(line) for line in output.splitlines())


def as_sent(seen):
    """Leave out what the network alone decides: where it cuts a long body."""
    if isinstance(seen, dict):
        return {key: as_sent(value) for key, value in seen.items() if key != "sizes"}
    return [as_sent(value) for value in seen] if isinstance(seen, list) else seen


@contextlib.contextmanager
def dead_ends():
    """A port that refuses connections, and one that lets them wait: as variables of a program."""
    with contextlib.ExitStack() as stack:
        refusing = stack.enter_context(socket.socket())
        refusing.bind(("127.0.0.1", 0))
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(2):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)  # noqa: FBT003 - its own signature
            waiting.connect_ex(full.getsockname())
        yield {
            "REFUSED_URL": f"http://127.0.0.1:{refusing.getsockname()[1]}/",
            "FULL_URL": f"http://127.0.0.1:{full.getsockname()[1]}/",
        }


def run_bare(program, env):
    return subprocess.run(
        program,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE_S,
        check=True,
    )


def see(client, half, folder, executor):
    """Run every group of one client bare and recorded, stop the server, and replay them."""
    programs = {
        group: [sys.executable, "-m", "tests.programs.transport_calls", client, half, group]
        for group in GROUPS[half]
    }

    def record(group):
        return agentvcr(
            *("record", "-o", f"{group}.avcr", "--", *programs[group]), cwd=folder, env=kept
        )

    def replay(group):
        return agentvcr("replay", f"{group}.avcr", cwd=folder, env=kept)

    with ServerProcess("script_server") as server, dead_ends() as urls:
        env = {**urls, "BASE_URL": server.base_url, "PYTHONPATH": str(ROOT)}
        kept = {**env, "KEY": "kept"}
        bare = executor.map(lambda program: run_bare(program, env), programs.values())
        recorded = executor.map(record, programs)
        both = list(zip(programs, bare, recorded, strict=True))
    replayed = list(executor.map(replay, programs))
    for (group, bare_run, recording), replaying in zip(both, replayed, strict=True):
        assert recording.returncode == 0, recording.stderr.decode()
        seen = [by_case(run.stdout) for run in (bare_run, recording, replaying)]
        yield group, Seen(*seen, replay=replaying, folder=folder)


@pytest.fixture(scope="module")
def batteries(tmp_path_factory):
    """What was seen through one client: run once, however many tests ask."""

    @functools.cache
    def run(client, half):
        folder = tmp_path_factory.mktemp(f"{client}-{half}")
        with ThreadPoolExecutor(2) as executor:
            return dict(see(client, half, folder, executor))

    return run


@pytest.fixture
def battery(request, batteries):
    return batteries(*request.param)


@pytest.mark.parametrize(("battery", "group", "case"), CASES, indirect=["battery"])
def test_a_recorded_program_sees_what_it_sees_without_us(battery, group, case):
    seen = battery[group]
    assert as_sent(seen.recorded[case]) == as_sent(seen.bare[case])


@pytest.mark.parametrize(("battery", "group", "case"), CASES, indirect=["battery"])
def test_a_replayed_program_sees_what_it_saw_when_recorded(battery, group, case):
    seen = battery[group]
    assert case in seen.replayed, seen.replay.stderr.decode()
    assert seen.replayed[case] == seen.recorded[case]


@pytest.mark.parametrize(("battery", "group"), GROUP_IDS, indirect=["battery"])
def test_the_replay_of_an_unchanged_program_is_the_same(battery, group):
    replay = battery[group].replay
    assert replay.returncode == 0, replay.stderr.decode()
    assert b"the same: " in replay.stderr


def recorded_exchanges(battery, group):
    return load_run(battery[group].folder / f"{group}.avcr").exchanges


ALL = pytest.mark.parametrize("battery", PAIRS, indirect=True, ids="-".join)
ASYNC = pytest.mark.parametrize(
    "battery", [pair for pair in PAIRS if pair[1] == "async"], indirect=True, ids="-".join
)


@ALL
def test_each_hop_and_each_retry_is_an_exchange_of_its_own(battery):
    paths = [one.request.url.rpartition("/")[2] for one in recorded_exchanges(battery, "answers")]
    hops = [path for path in paths if path.startswith("redirect?code=30")]
    assert len(hops) >= 4  # three in one chain, and those of other cases
    assert sum(path.startswith("retry") for path in paths) == 2


@ALL
def test_bodies_are_recorded_whole_in_both_directions(battery):
    exchanges = recorded_exchanges(battery, "answers")
    sent = {len(one.request.body) for one in exchanges if one.request.method in ("POST", "PUT")}
    received = [len(one.response.body) for one in exchanges if "/large" in one.request.url]
    assert 3_000_000 in sent
    assert received.count(3_000_000) == 3


@ALL
def test_a_stream_that_the_program_ends_is_recorded_as_it_ended_it(battery):
    kinds = [
        (one.request.url.rpartition("/")[2].partition("?")[0], one.ending.kind)
        for one in recorded_exchanges(battery, "stopped")
    ]
    path, dropped = kinds.pop(5)
    assert path == "sse"
    assert dropped in ("abandoned", "closed", "cut")  # when it is collected is the client's matter
    assert kinds == [
        ("sse", "closed"),  # closed_by_a_context
        ("json", "eof"),
        ("sse", "closed"),  # closed_unread
        ("endless", "closed"),  # closed_after_lines
        ("sse", "closed"),  # client_closed_first
        ("json", "eof"),
    ]


@ALL
def test_a_failure_is_recorded_by_its_own_class(battery):
    failures = {
        one.ending.failure.type.rpartition(".")[2]
        for one in recorded_exchanges(battery, "failed")
        if one.ending.failure
    }
    assert failures >= {
        "ConnectError",
        "ConnectTimeout",
        "LocalProtocolError",
        "PoolTimeout",
        "ReadError",
        "ReadTimeout",
        "RemoteProtocolError",
        "UnsupportedProtocol",
    }


@ASYNC
def test_a_cancelled_exchange_is_recorded_as_cancelled(battery):
    kinds = [one.ending.kind for one in recorded_exchanges(battery, "cancelled")]
    # before the head, in mid-stream (twice), by a sibling
    assert kinds.count("cancelled") == 4
