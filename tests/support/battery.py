"""The battery: what is tested of every client, recorded and replayed. A test file names its client.

Owns the runs and their comparison. The cases are `tests.programs.battery.cases`; each group of them
is one program, run bare, recorded, and replayed with every server stopped.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from agentvcr.cassette.reader import load_run
from tests.programs.battery import cases, many
from tests.programs.battery.shelf import client_named
from tests.support.battery_world import Authority, World, from_path
from tests.support.command_line import agentvcr
from tests.support.server_process import ROOT

PATIENCE_S = 120
FEW = 3  # what `make check` has: then once is enough
INTERNET = re.compile(r"\b(?:connect|sendto|sendmsg|sendmmsg)\(.*AF_INET6?\b.*")
SILENT = ("/garbage", "/hang", "/reset")
"""What a server counts and does not answer in HTTP."""
_NUMBER = re.compile(r"#(\d+)#")


@dataclass(kw_only=True)
class Runs:
    """The three runs of one group of cases."""

    folder: Path
    variables: dict
    program: list
    bare: World
    recorded: World
    said: dict
    """What was printed, by run: `bare`, `recorded`, `replayed`."""
    complained: dict
    """What was said on standard error, by run."""
    replay: subprocess.CompletedProcess

    def seen(self, run):
        """What a run's program saw, by case; numbers as they were."""
        return dict(json.loads(line) for line in self.said[run].splitlines())

    def counted(self, run):
        """The same, numbers counted from the first of the run."""
        world = self.bare if run == "bare" else self.recorded
        return dict(json.loads(line) for line in world.counted(self.said[run]).splitlines())

    def exchanges(self):
        return load_run(self.folder / "x.avcr").exchanges

    def nowhere(self):
        """How the addresses begin at which no request arrives."""
        untrusted = self.variables["TLS_URL"] + "/untrusted"
        return [self.variables["REFUSED_URL"], self.variables["FULL_URL"], untrusted]

    def recorded_requests(self):
        """Count the requests that went somewhere: those whose answer has a head, and the rest."""
        answered, unanswered = Counter(), Counter()
        for one in self.exchanges():
            if not one.request.url.startswith(tuple(self.nowhere())):
                to = answered if one.response else unanswered
                to[one.request.method, from_path(one.request.url)] += 1
        return answered, unanswered


def run_group(client, group, folder):
    """Run a group bare and recorded, each with servers of its own, and replay it without any."""
    authority = Authority(folder)
    program = [sys.executable, "-m", "tests.programs.battery.run", client, group]
    with World(authority, 1001, {}) as bare:
        env = {**bare.variables, "PYTHONPATH": str(ROOT)}
        without_us = subprocess.run(
            program,
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert without_us.returncode == 0, without_us.stderr.decode()
        ports = bare.ports
    with World(authority, 5001, ports) as recorded:
        recording = agentvcr("record", "-o", "x.avcr", "--", *program, cwd=folder, env=env)
        assert recording.returncode == 0, recording.stderr.decode()
    replay = agentvcr("replay", "x.avcr", cwd=folder, env=env)
    ended = {"bare": without_us, "recorded": recording, "replayed": replay}
    return Runs(
        folder=folder,
        variables=env,
        program=program,
        bare=bare,
        recorded=recorded,
        said={run: done.stdout for run, done in ended.items()},
        complained={run: done.stderr for run, done in ended.items()},
        replay=replay,
    )


class Battery:
    """The tests. A subclass names the `client`, as `tests.programs.battery.shelf` has it."""

    client = ""

    @pytest.fixture(scope="class")
    @classmethod
    def runs(cls, tmp_path_factory):
        """Run every group once, however many tests ask."""
        client = cls.client

        def run(group):
            return run_group(client, group, tmp_path_factory.mktemp(f"{client}-{group}"))

        with ThreadPoolExecutor(len(cases.GROUPS)) as executor:
            return dict(zip(cases.GROUPS, executor.map(run, cases.GROUPS), strict=True))

    def pytest_generate_tests(self, metafunc):
        kind = client_named(self.client)
        alike = [
            (group, case.__name__)
            for group in ("calls", "endings")
            for case in cases.able(kind, group)
        ]
        if "case" in metafunc.fixturenames:
            metafunc.parametrize(("group", "case"), alike, ids=[case for _, case in alike])
        elif "group" in metafunc.fixturenames:
            metafunc.parametrize("group", cases.GROUPS)

    def test_a_recorded_program_sees_what_it_sees_without_us(self, runs, group, case):
        assert runs[group].counted("recorded")[case] == runs[group].counted("bare")[case]

    def test_a_replayed_program_sees_what_it_saw_when_recorded(self, runs, group, case):
        replayed = runs[group].seen("replayed")
        assert case in replayed, runs[group].replay.stderr.decode()
        assert replayed[case] == runs[group].seen("recorded")[case]

    def test_the_replay_is_the_same_to_the_byte(self, runs, group):
        replay = runs[group].replay
        assert replay.returncode == 0, replay.stderr.decode()
        assert b"the same: " in replay.stderr
        assert runs[group].said["replayed"] == runs[group].said["recorded"]

    def test_each_request_is_recorded_once(self, runs, group):
        without = client_named(self.client).without
        has_head, has_none = runs[group].recorded_requests()
        asked = runs[group].recorded.asked
        silent = Counter({one: count for one, count in asked.items() if one[1] in SILENT})
        if "heads" in without:
            has_head, has_none = has_head + has_none - silent, silent
        answered = asked - silent
        assert not has_head - answered
        if "hops" not in without:
            assert has_head == answered
        # A try on a connection that the peer has left is an exchange too, which no server counts.
        assert not silent - has_none

    def test_what_reaches_nobody_is_recorded_too(self, runs):
        reached = {
            start
            for group in runs.values()
            for start in group.nowhere()
            for one in group.exchanges()
            if one.request.url.startswith(start)
        }
        assert len(reached) == 3  # refused, without an answer, and not believed

    def test_nothing_goes_by_unrecorded(self, runs, group):
        said = runs[group].complained["recorded"]
        assert b"not recorded" not in said
        assert b"unrecorded" not in said

    def test_a_recorded_program_complains_as_without_us(self, runs, group):
        bare, recorded = (own_words(runs[group].complained[run]) for run in ("bare", "recorded"))
        assert recorded == bare

    def test_what_passes_the_client_by_is_named(self, tmp_path):
        """A client's own connections are covered; those of the program meanwhile are not."""
        program = [sys.executable, "-m", "tests.programs.battery.run", self.client, cases.PAST]
        with World(Authority(tmp_path), 5001, {}) as world:
            ports = world.ports
            env = {**world.variables, "PYTHONPATH": str(ROOT)}
            done = agentvcr("record", "-o", "x.avcr", "--", *program, cwd=tmp_path, env=env)
        assert done.returncode == 0, done.stderr.decode()
        streams = "streams" not in client_named(self.client).without
        reached = [ports[name] for name in ("TLS_URL", *(["OTHER_URL"] * streams))]
        named = [
            note.text for note in load_run(tmp_path / "x.avcr").notes if note.kind == "unrecorded"
        ]
        assert sorted(named) == sorted(f"127.0.0.1:{port}" for port in reached)

    def test_connections_are_as_many_as_without_us(self, runs):
        for group in ("calls", "endings"):
            assert runs[group].recorded.connections == runs[group].bare.connections

    @pytest.mark.parametrize("run", ["bare", "recorded", "replayed"])
    def test_each_caller_gets_the_answers_to_its_own_questions(self, runs, run):
        assert_each_got_its_own(runs["many"], run)

    def test_so_it_is_in_every_round(self, rounds, tmp_path):
        for place in range(rounds if rounds > FEW else 0):
            folder = tmp_path / str(place)
            folder.mkdir()
            runs = run_group(self.client, "many", folder)
            assert runs.replay.returncode == 0, runs.replay.stderr.decode()
            assert runs.said["replayed"] == runs.said["recorded"]
            assert_each_got_its_own(runs, "recorded")

    @pytest.mark.parametrize("run", ["bare", "recorded", "replayed"])
    def test_each_stream_of_one_connection_has_an_answer_of_its_own(self, runs, run):
        if not cases.is_able(client_named(self.client), many.many_on_one_connection):
            return
        told = runs["many"].seen(run)["many_on_one_connection"]
        numbers = [number for answer in told for number in numbers_of([answer])]
        assert len(set(numbers)) == len(numbers) == many.STREAMS

    def test_a_replay_opens_no_connection(self, runs):
        if not shutil.which("strace"):
            pytest.skip("strace is not installed")
        assert replayed_under_strace(runs["calls"]) == []


def own_words(complaint):
    """What a program said on standard error: without our lines, and without where it was."""
    lines = complaint.decode().splitlines()
    return [line for line in lines if not line.startswith(("agentvcr: ", " "))]


def assert_each_got_its_own(runs, run):
    """Each caller's last answer is to a question that quotes its others; none came twice."""
    world = runs.bare if run == "bare" else runs.recorded
    numbered = world.servers["BASE_URL"].numbered
    told = runs.seen(run)["fan_out"]
    talks = [numbers_of(talk) for caller in told for talk in talks_of(caller)]
    assert len(talks) == many.CALLERS
    for *before, last in talks:
        assert [int(one) for one in _NUMBER.findall(numbered[last].body.decode())] == before
    assert len({number for talk in talks for number in talk}) == 3 * many.CALLERS


def talks_of(told):
    """The answers of each caller, in what a task (one caller) or a thread (several) was told."""
    return [told] if isinstance(told[0], dict) else [talk for _, *talk in told]


def numbers_of(answers):
    """The number of each answer; raises where one answer carries two."""
    found = [{int(one) for one in _NUMBER.findall(json.dumps(answer))} for answer in answers]
    return [one for (one,) in found]


def replayed_under_strace(runs):
    """Replay a group once more; returns every call that names an internet address."""
    trace = runs.folder / "network"
    options = ["-f", "--seccomp-bpf", "-qq", "-e", "trace=network", "-o", str(trace)]
    replay = [sys.executable, "-m", "agentvcr", "replay", "x.avcr", "-o", "again.avcr"]
    done = subprocess.run(
        ["strace", *options, *replay],
        cwd=runs.folder,
        env={**os.environ, **runs.variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout == runs.said["recorded"]
    text = trace.read_text()
    assert "AF_UNIX" in text, "strace saw nothing of the program"
    return INTERNET.findall(text)
