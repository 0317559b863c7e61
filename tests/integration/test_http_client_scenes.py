"""Scenes with the clients on top of `http.client` that take a whole run: how it ends, and when.

Each is a program of its own, recorded and replayed, with the server gone before the replay.
"""

import itertools
import signal
import sys

import pytest

from tests.integration.test_httpx_family_scenes import Scene, assert_replays_the_same, own_words

EACH = pytest.mark.parametrize("client", ["http.client", "urllib", "urllib3", "requests"])
TWO = pytest.mark.parametrize("client", ["http.client", "requests"])


@pytest.fixture
def scene(tmp_path):
    def make(client, name):
        one = Scene(client, name, tmp_path)
        one.program = [sys.executable, "-m", "tests.programs.family_scenes", client, name]
        return one

    return make


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
def test_a_paced_replay_takes_as_long_as_the_recording(client, scene):
    one = scene(client, "takes_its_time")
    recorded = one.record()
    replayed = one.replay("--pace", "1")
    assert replayed.returncode == 0, replayed.stderr.decode()
    assert replayed.stdout == recorded.stdout
    for was, now in zip(one.exchanges(), one.exchanges(replayed=True), strict=True):
        moments = [exchange.response.chunks[-1].at_ns for exchange in (was, now)]
        lasted = [
            at - began for at, began in zip(moments, (was.began_ns, now.began_ns), strict=True)
        ]
        assert lasted[1] >= lasted[0] * 0.9


@TWO
def test_a_signal_in_mid_stream_ends_it_again(client, scene):
    one = scene(client, "exits_in_mid_stream")
    bare, recorded = one.bare(), one.record()
    assert (recorded.stdout, recorded.returncode) == (bare.stdout, 3)
    replayed = one.replay()
    assert replayed.stdout == bare.stdout, replayed.stderr.decode()
    assert replayed.returncode == 0, replayed.stderr.decode()


@TWO
def test_a_read_that_a_signal_breaks_off_is_broken_off_again(client, scene):
    one = scene(client, "is_interrupted_and_goes_on")
    bare, recorded = one.bare(), one.record()
    assert recorded.stdout == bare.stdout
    assert_replays_the_same(one, recorded)


@TWO
def test_what_the_program_saw_before_it_was_killed_is_kept(client, scene):
    one = scene(client, "dies_in_mid_stream")
    bare, recorded = one.bare(), one.record()
    assert recorded.stdout == bare.stdout
    assert recorded.returncode == 128 + signal.SIGKILL
    (exchange,) = one.exchanges()
    assert len(exchange.response.chunks) == 3
    said = "".join(chunk.data.decode("latin-1") + "\n" for chunk in exchange.response.chunks)
    assert said.encode() == recorded.stdout


@pytest.mark.parametrize(
    ("client", "name"),
    list(
        itertools.product(("http.client", "requests"), ("leaves_it_open", "leaves_a_thread_behind"))
    ),
)
def test_what_is_open_at_the_end_changes_nothing(client, name, scene):
    one = scene(client, name)
    bare, recorded = one.bare(), one.record()
    assert recorded.stdout == bare.stdout
    assert own_words(recorded.stderr) == own_words(bare.stderr)
    assert_replays_the_same(one, recorded)
