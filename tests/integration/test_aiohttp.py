"""What a program sees of aiohttp: the same bare, while recording, and in a replay.

Each group of cases is one program, run three times, with the C parser and without; the server is
gone before the replay. What is compared is what the program itself saw.
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

import brotli
import pytest

from agentvcr.cassette.reader import load_run
from tests.programs.aiohttp_calls import GROUPS
from tests.support.command_line import agentvcr
from tests.support.peculiar_server import TEXT
from tests.support.server_process import ROOT, ServerProcess

PATIENCE_S = 60
PARSERS = {"c": {}, "python": {"AIOHTTP_NO_EXTENSIONS": "1"}}
CASES = [
    pytest.param(parser, group, case, id=f"{parser}-{group}-{case}")
    for parser in PARSERS
    for group, cases in GROUPS.items()
    for case in cases
]


@dataclass
class Seen:
    """What the three runs of one group saw, by case."""

    bare: dict
    recorded: dict
    replayed: dict
    replay: subprocess.CompletedProcess
    recording: subprocess.CompletedProcess
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


def see(env, folder, executor):
    """Run every group bare and recorded, stop the server, and replay them."""
    programs = {
        group: [sys.executable, "-m", "tests.programs.aiohttp_calls", group] for group in GROUPS
    }

    def record(group):
        return agentvcr(
            *("record", "-o", f"{group}.avcr", "--", *programs[group]), cwd=folder, env=kept
        )

    def replay(group):
        return agentvcr("replay", f"{group}.avcr", cwd=folder, env=kept)

    with ServerProcess("peculiar_server") as server, dead_ends() as urls:
        env = {**env, **urls, "BASE_URL": server.base_url, "PYTHONPATH": str(ROOT)}
        kept = {**env, "KEY": "kept"}
        bare = executor.map(lambda program: run_bare(program, env), programs.values())
        recorded = executor.map(record, programs)
        both = list(zip(programs, bare, recorded, strict=True))
    replayed = list(executor.map(replay, programs))
    for (group, bare_run, recording), replaying in zip(both, replayed, strict=True):
        assert recording.returncode == 0, recording.stderr.decode()
        seen = [by_case(run.stdout) for run in (bare_run, recording, replaying)]
        yield group, Seen(*seen, replay=replaying, recording=recording, folder=folder)


@pytest.fixture(scope="module")
def batteries(tmp_path_factory):
    """What was seen with one parser: run once, however many tests ask."""

    @functools.cache
    def run(parser):
        folder = tmp_path_factory.mktemp(parser)
        with ThreadPoolExecutor(2) as executor:
            return dict(see(PARSERS[parser], folder, executor))

    return run


@pytest.mark.parametrize(("parser", "group", "case"), CASES)
def test_a_recorded_program_sees_what_it_sees_without_us(batteries, parser, group, case):
    seen = batteries(parser)[group]
    assert as_sent(seen.recorded[case]) == as_sent(seen.bare[case])


@pytest.mark.parametrize(("parser", "group", "case"), CASES)
def test_a_replayed_program_sees_what_it_saw_when_recorded(batteries, parser, group, case):
    seen = batteries(parser)[group]
    assert case in seen.replayed, seen.replay.stderr.decode()
    assert seen.replayed[case] == seen.recorded[case]


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("parser", PARSERS)
def test_the_replay_of_an_unchanged_program_is_the_same(batteries, parser, group):
    seen = batteries(parser)[group]
    assert b"not recorded" not in seen.recording.stderr, seen.recording.stderr.decode()
    assert b"INCOMPLETE" not in seen.recording.stderr, seen.recording.stderr.decode()
    assert seen.replay.returncode == 0, seen.replay.stderr.decode()
    assert b"the same: " in seen.replay.stderr


EACH = pytest.mark.parametrize("parser", PARSERS)


def recorded_exchanges(battery, group):
    return load_run(battery[group].folder / f"{group}.avcr").exchanges


def at(exchanges, part):
    return [one for one in exchanges if part in one.request.url]


@EACH
def test_each_hop_and_each_retry_is_an_exchange_of_its_own(batteries, parser):
    exchanges = recorded_exchanges(batteries(parser), "answers")
    assert len(at(exchanges, "redirect?code=301")) == 1
    assert [one.response.status for one in at(exchanges, "/digest")] == [401, 200]
    assert [one.response.status for one in at(exchanges, "/retry")] == [429, 200]
    assert len(at(recorded_exchanges(batteries(parser), "failed"), "/reset")) == 3


@EACH
def test_bodies_are_recorded_as_they_were_on_the_wire(batteries, parser):
    exchanges = recorded_exchanges(batteries(parser), "answers")
    decoded, left = at(exchanges, "/gzip")[:2]
    assert decoded.response.body == left.response.body
    assert decoded.response.body[:2] == b"\x1f\x8b"
    (whole,) = at(exchanges, "coding=br")
    assert brotli.decompress(whole.response.body) == TEXT
    assert len(whole.response.body) < len(TEXT)
    sent = [len(one.request.body) for one in exchanges if one.request.method == "POST"]
    assert 3_000_000 in sent
    received = [len(one.response.body) for one in at(exchanges, "/large")]
    assert received == [3_000_000] * 3


@EACH
def test_a_body_that_aiohttp_compresses_is_recorded_plain(batteries, parser):
    """So that credentials are found in it, and no other zlib makes another request of it."""
    exchanges = recorded_exchanges(batteries(parser), "answers")
    (packed,) = [one for one in exchanges if one.request.body == b"z" * 5000]
    assert b"content-encoding" not in {name.lower() for name, _ in packed.request.headers}


@EACH
def test_the_headers_that_aiohttp_adds_are_recorded(batteries, parser):
    exchanges = recorded_exchanges(batteries(parser), "answers")
    posted = next(one for one in exchanges if one.request.body == bytes(range(256)))
    names = {name.lower() for name, _ in posted.request.headers}
    assert names >= {
        *(b"host", b"accept", b"accept-encoding", b"user-agent"),
        *(b"content-type", b"content-length"),
    }


@EACH
def test_an_answer_that_the_program_leaves_is_recorded_as_it_left_it(batteries, parser):
    exchanges = recorded_exchanges(batteries(parser), "stopped")
    told = [(bool(one.response.chunks), one.ending.kind) for one in exchanges]
    closed, left, *unread, released, dropped, first, last = told
    assert closed == left == (True, "closed")
    assert unread == [(False, "closed")] * 3
    assert released == (False, "closed")
    assert dropped[1] in ("abandoned", "cut")  # when it is collected is the collector's matter
    assert first[1] in ("abandoned", "cut")
    assert last[0]


@EACH
def test_a_failure_is_recorded_by_its_own_class(batteries, parser):
    exchanges = recorded_exchanges(batteries(parser), "failed")
    failures = {
        one.ending.failure.type.rpartition(".")[2] for one in exchanges if one.ending.failure
    }
    assert failures >= {
        "ClientConnectorDNSError",
        "ClientConnectorError",
        "ClientOSError",
        "ClientPayloadError",
        "ClientResponseError",
        "ConnectionTimeoutError",
        "SocketTimeoutError",
        "TimeoutError",
    }


@EACH
def test_a_cancelled_exchange_is_recorded_as_cancelled(batteries, parser):
    kinds = [one.ending.kind for one in recorded_exchanges(batteries(parser), "cancelled")]
    # before the head, in mid-stream (twice), in a read, by a sibling
    assert kinds.count("cancelled") == 5
