"""Scenes with httpx and httpx2 that take a whole run: how it ends, how far it reads, and when.

Each is a program of its own, recorded and replayed, with the server gone before the replay.
"""

import itertools
import os
import subprocess
import sys
import threading

import pytest

from agentvcr.cassette.reader import load_run
from tests.support import wire
from tests.support.command_line import agentvcr
from tests.support.script_server import ScriptServer
from tests.support.server_process import ROOT

PATIENCE_S = 60
EACH = pytest.mark.parametrize(
    "client", ["httpx sync", "httpx async", "httpx2 sync", "httpx2 async"]
)
TWO = pytest.mark.parametrize("client", ["httpx async", "httpx2 sync"])
QUIET = pytest.mark.parametrize("client", ["httpx sync", "httpx async", "httpx2 sync"])
"""Those that say nothing themselves of a stream left open; httpx2's async half complains."""
ASYNC = pytest.mark.parametrize("client", ["httpx async", "httpx2 async"])


class SceneServer(ScriptServer):
    """Sends a chunk when it is asked to on another connection, and knows its connections."""

    def __init__(self):
        self._released = threading.Semaphore(0)
        self._known = []
        own = (self.burst, self.gated, self.line, self.release)
        super().__init__({f"/{behaviour.__name__}": behaviour for behaviour in own})

    def burst(self, _, line):
        pieces = b"".join(wire.piece(b"%d" % number) for number in range(3))
        line.send(wire.head(200, [wire.EVENTS_TYPE, wire.CHUNKED]) + pieces)
        line.hang()

    def gated(self, _, line):
        line.send(wire.head(200, [wire.EVENTS_TYPE, wire.CHUNKED]))
        for number in range(4):
            self._released.acquire(timeout=PATIENCE_S)
            line.send(wire.piece(wire.event({"event": number})))
        self._released.acquire(timeout=PATIENCE_S)
        line.send(wire.LAST_PIECE)

    def release(self, _, line):
        self._released.release()
        line.send(wire.whole_json({}))

    def line(self, _, line):
        if line not in self._known:
            self._known.append(line)
        line.send(wire.whole_json(self._known.index(line)))


class Scene:
    """One scene of one client, in a folder of its own."""

    def __init__(self, client, name, folder):
        self.program = [sys.executable, "-m", "tests.programs.transport_scenes"]
        self.program += [*client.split(), name]
        self.folder = folder
        self.env = {"PYTHONPATH": str(ROOT)}

    def bare(self):
        with SceneServer() as server:
            return subprocess.run(
                self.program,
                env={**os.environ, **self.env, "BASE_URL": server.base_url},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=PATIENCE_S,
                check=False,
            )

    def record(self, **env):
        with SceneServer() as server:
            self.env["BASE_URL"] = server.base_url
            return agentvcr(
                *("record", "-o", "x.avcr", "--", *self.program),
                cwd=self.folder,
                env={**self.env, **env},
            )

    def replay(self, *options, **env):
        return agentvcr("replay", "x.avcr", *options, cwd=self.folder, env={**self.env, **env})

    def diff(self):
        return agentvcr("diff", "x.avcr", cwd=self.folder, env=self.env).stdout.decode()

    def exchanges(self, *, replayed=False):
        name = "x.last.avcr" if replayed else "x.avcr"
        return load_run(self.folder / name).exchanges


@pytest.fixture
def scene(tmp_path):
    return lambda client, name: Scene(client, name, tmp_path)


def own_words(stderr):
    """What the program said on standard error, without our lines."""
    return [line for line in stderr.splitlines() if not line.startswith(b"agentvcr: ")]


def assert_replays_the_same(one, recorded):
    replayed = one.replay()
    assert replayed.returncode == 0, replayed.stderr.decode()
    assert replayed.stdout == recorded.stdout
    assert b"the same: " in replayed.stderr


# --- chunks pass as they come ---------------------------------------------------------------------


@EACH
def test_each_chunk_is_handed_on_before_the_next_one_is_sent(client, scene):
    """The server sends a chunk only when the program, having seen the last, asks for it."""
    one = scene(client, "waits_at_gates")
    bare, recorded = one.bare(), one.record()
    assert recorded.stdout == bare.stdout
    assert len(recorded.stdout.splitlines()) == 6
    gated, *releases = one.exchanges()
    arrivals = [gated.response.at_ns, *(chunk.at_ns for chunk in gated.response.chunks)]
    for seen, asked in zip(arrivals, releases, strict=True):
        assert seen < asked.began_ns
    assert_replays_the_same(one, recorded)


@TWO
def test_connections_are_kept_alive_and_dropped_as_without_us(client, scene):
    one = scene(client, "counts_connections")
    bare, recorded = one.bare(), one.record()
    assert recorded.stdout == bare.stdout == b"[0, 0, 0, 0, 1]\n"
    assert_replays_the_same(one, recorded)


@TWO
def test_a_second_iteration_goes_on_where_the_first_one_stopped(client, scene):
    one = scene(client, "iterates_one_stream_twice")
    bare, recorded = one.bare(), one.record()
    assert recorded.stdout == bare.stdout
    assert_replays_the_same(one, recorded)


@TWO
def test_chunks_read_after_a_close_do_not_hold_the_program_up(client, scene):
    one = scene(client, "reads_on_after_close")
    bare, recorded = one.bare(), one.record()
    assert recorded.stdout == bare.stdout
    assert_replays_the_same(one, recorded)


# --- further, or less far, than recorded ----------------------------------------------------------


@EACH
def test_reading_further_than_recorded_is_an_overrun(client, scene):
    one = scene(client, "reads_some")
    assert one.record(READ="2").stdout == b"read 2\n"
    replayed = one.replay(READ="3")
    assert replayed.returncode == 4, replayed.stderr.decode()
    assert replayed.stdout == b""
    assert b"exchange 1 of lane main" in replayed.stderr
    assert b"reads on after 2 chunks, where the recorded answer was closed" in replayed.stderr


@EACH
def test_stopping_earlier_than_recorded_is_a_difference(client, scene):
    one = scene(client, "reads_some")
    assert one.record(READ="-1").stdout == b"read 5\n"
    replayed = one.replay(READ="2")
    assert replayed.returncode == 1, replayed.stderr.decode()
    assert replayed.stdout == b"read 2\n"
    shown = one.diff()
    assert "ending" in shown
    assert "closed" in shown


@TWO
def test_an_answer_that_nobody_reads_replays_the_same(client, scene):
    one = scene(client, "reads_some")
    recorded = one.record(READ="0")
    assert one.exchanges()[0].ending.kind == "closed"
    replayed = one.replay(READ="0")
    assert replayed.returncode == 0, replayed.stderr.decode()
    assert replayed.stdout == recorded.stdout


# --- pace -----------------------------------------------------------------------------------------


def gaps_of(exchange):
    """The waits before the head and before each chunk, in nanoseconds."""
    response = exchange.response
    times = [exchange.began_ns, response.at_ns, *(chunk.at_ns for chunk in response.chunks)]
    return [after - before for before, after in itertools.pairwise(times)]


def took(exchange):
    return exchange.ending.at_ns - exchange.began_ns


@TWO
def test_pace_1_takes_the_recorded_time_and_pace_0_does_not_wait(client, scene):
    one = scene(client, "takes_its_time")
    recorded = one.record()
    before = one.exchanges()
    assert max(gaps_of(before[0])) > 100_000_000, "the server's gaps are in the recording"
    assert one.replay("--pace", 1).stdout == recorded.stdout
    paced = one.exchanges(replayed=True)
    assert one.replay().stdout == recorded.stdout
    unpaced = one.exchanges(replayed=True)
    for original, slow, quick in zip(before, paced, unpaced, strict=True):
        assert took(slow) >= 0.9 * took(original)
        assert took(quick) < took(original)


@TWO
def test_a_paced_replay_records_the_gaps_that_its_program_saw(client, scene):
    one = scene(client, "takes_its_time")
    one.record()
    before = [gaps_of(exchange) for exchange in one.exchanges()]
    one.replay("--pace", 1)
    after = [gaps_of(exchange) for exchange in one.exchanges(replayed=True)]
    for recorded, paced in zip(before, after, strict=True):
        for gap, again in zip(recorded, paced, strict=True):
            assert again >= 0.9 * gap - 5_000_000  # a burst's chunks may come a moment apart


@TWO
def test_times_replays_that_often(client, scene):
    one = scene(client, "reads_some")
    one.record()
    replayed = one.replay("--times", 2)
    assert replayed.returncode == 0, replayed.stderr.decode()
    assert replayed.stdout == b"read 5\n" * 2
    assert b"replay 2 of 2" in replayed.stderr
    assert replayed.stderr.count(b"the same: ") == 2


# --- the program's end ----------------------------------------------------------------------------


@EACH
def test_a_program_that_dies_of_an_error_replays_the_same(client, scene):
    one = scene(client, "fails_unhandled")
    bare, recorded = one.bare(), one.record()
    assert recorded.returncode == bare.returncode == 1
    assert own_words(recorded.stderr)[-1] == own_words(bare.stderr)[-1]
    assert_replays_the_same(one, recorded)


@TWO
def test_an_exit_in_mid_stream_keeps_its_status(client, scene):
    one = scene(client, "exits_in_mid_stream")
    bare, recorded = one.bare(), one.record()
    assert recorded.returncode == bare.returncode == 3
    assert recorded.stdout == bare.stdout
    replayed = one.replay()
    assert own_words(replayed.stderr) == []
    assert replayed.returncode == 0, replayed.stderr.decode()


@TWO
@pytest.mark.parametrize("name", ["dies_in_mid_stream", "dies_after_the_head"])
def test_what_a_killed_program_had_seen_comes_back(client, name, scene):
    one = scene(client, name)
    recorded = one.record()
    assert recorded.returncode == 128 + 9
    assert len(one.exchanges()[0].response.chunks) == (3 if name == "dies_in_mid_stream" else 0)
    assert_replays_the_same(one, recorded)


@QUIET
def test_a_stream_still_open_at_the_end_is_nobodys_concern(client, scene):
    one = scene(client, "leaves_it_open")
    bare, recorded = one.bare(), one.record()
    assert recorded.returncode == bare.returncode == 0
    assert recorded.stdout == bare.stdout
    assert own_words(recorded.stderr) == own_words(bare.stderr)
    assert_replays_the_same(one, recorded)


@ASYNC
def test_a_request_still_waiting_when_the_loop_ends_is_nobodys_concern(client, scene):
    one = scene(client, "leaves_a_task_behind")
    bare, recorded = one.bare(), one.record()
    assert recorded.returncode == bare.returncode == 0
    assert own_words(recorded.stderr) == own_words(bare.stderr)
    assert_replays_the_same(one, recorded)


@TWO
def test_a_daemon_thread_still_waiting_at_the_end_is_nobodys_concern(client, scene):
    one = scene(client, "leaves_a_thread_behind")
    bare, recorded = one.bare(), one.record()
    assert recorded.returncode == bare.returncode == 0
    assert recorded.stdout == bare.stdout
    assert_replays_the_same(one, recorded)


# --- upgrades -------------------------------------------------------------------------------------


@EACH
def test_an_upgraded_connection_passes_untouched(client, scene):
    one = scene(client, "switches_protocols")
    bare, recorded = one.bare(), one.record()
    assert bare.returncode == recorded.returncode == 0
    assert recorded.stdout == bare.stdout == b"101 echo\nb'one'\nb'two'\n"


@TWO
def test_a_replay_says_that_an_upgraded_connection_is_not_in_the_recording(client, scene):
    one = scene(client, "switches_protocols")
    one.record()
    replayed = one.replay()
    assert replayed.returncode == 4, replayed.stderr.decode()
    assert b"upgrade" in replayed.stderr.lower()
    assert b"--live" in replayed.stderr
