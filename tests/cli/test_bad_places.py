"""Bad input and bad places: one clear line, the right status, nothing half-written."""

import os
import resource
import subprocess
import sys

import pytest

from tests.support.command_line import agentvcr, python
from tests.support.counter_server import CounterServer

HELLO = [sys.executable, "-c", "print('hello')"]


def refused(done, status, slug):
    assert done.returncode == status
    assert done.stdout == b""
    first, *rest = done.stderr.decode().splitlines()
    assert first.startswith("agentvcr: ")
    assert first.endswith(f"[{slug}]")
    assert len(rest) <= 2
    assert "Traceback" not in done.stderr.decode()


@pytest.mark.parametrize(
    ("words", "status", "slug"),
    [
        (["record"], 2, "no-command"),
        (["record", "--"], 2, "no-command"),
        (["record", "--", "no-such-command-anywhere"], 127, "command-not-found"),
        (["record", "--", "./no-such-file"], 127, "command-not-found"),
        (["record", "--", "./plain.txt"], 126, "command-not-executable"),
        (["record", "-o", "plain.txt/x.avcr", "--", *HELLO], 2, "target-unwritable"),
        (["record", "-o", "plain.txt", "--", *HELLO], 2, "target-exists"),
        (["record", "--report", "r.pdf", "--", *HELLO], 2, "bad-option"),
        (["replay", "missing.avcr"], 3, "cassette-missing"),
        (["replay"], 3, "cassette-missing"),
        (["replay", "empty.avcr"], 3, "cassette-empty"),
        (["replay", "plain.txt"], 3, "cassette-foreign"),
        (["replay", "newer.avcr"], 3, "cassette-version"),
        (["show", "newer.avcr"], 3, "cassette-version"),
        (["diff", "empty.avcr", "plain.txt"], 3, "cassette-empty"),
    ],
)
def test_bad_input_is_refused_in_a_line_and_leaves_nothing(words, status, slug, tmp_path):
    (tmp_path / "plain.txt").write_text("some text that is no cassette\n")
    (tmp_path / "empty.avcr").touch()
    (tmp_path / "newer.avcr").write_bytes(b"AVCRJ\x00\r\n\x1a\n\x00\x63")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*")}

    refused(agentvcr(*words, cwd=tmp_path), status, slug)

    assert {path: path.read_bytes() for path in tmp_path.rglob("*")} == before


def test_an_unknown_option_is_a_usage_error(tmp_path):
    done = agentvcr("replay", "--no-such-option", cwd=tmp_path)
    assert done.returncode == 2
    assert b"no-such-option" in done.stderr


def test_an_existing_cassette_is_overwritten_only_by_force(tmp_path):
    assert agentvcr("record", "-o", "x.avcr", "--", *HELLO, cwd=tmp_path).returncode == 0
    kept = (tmp_path / "x.avcr").read_bytes()

    refused(agentvcr("record", "-o", "x.avcr", "--", *HELLO, cwd=tmp_path), 2, "target-exists")
    assert (tmp_path / "x.avcr").read_bytes() == kept
    missing = ["record", "--force", "-o", "x.avcr", "--", "no-such-command-anywhere"]
    refused(agentvcr(*missing, cwd=tmp_path), 127, "command-not-found")
    assert (tmp_path / "x.avcr").read_bytes() == kept

    forced = agentvcr("record", "--force", "-o", "x.avcr", "--", *HELLO, cwd=tmp_path)
    assert forced.returncode == 0
    assert (tmp_path / "x.avcr").read_bytes() != kept


def test_a_cassette_from_elsewhere_runs_nothing_unasked(tmp_path):
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    here.mkdir()
    elsewhere.mkdir()
    touch = [sys.executable, "-c", "open('touched', 'w').close()"]
    agentvcr("record", "-o", "x.avcr", "--", *touch, cwd=elsewhere)

    refused(agentvcr("replay", elsewhere / "x.avcr", cwd=here), 2, "untrusted-cassette")
    assert not (here / "touched").exists()

    replayed = agentvcr("replay", "--trust", elsewhere / "x.avcr", cwd=here)
    assert replayed.returncode == 0
    assert f" in {here}, and the cassette lies elsewhere\n" in replayed.stderr.decode()
    assert (here / "touched").exists()


def test_a_replay_cannot_overwrite_what_it_replays(tmp_path):
    agentvcr("record", "-o", "x.avcr", "--", *HELLO, cwd=tmp_path)
    kept = (tmp_path / "x.avcr").read_bytes()
    done = agentvcr("replay", "x.avcr", "-o", "x.avcr", "--force", cwd=tmp_path)
    refused(done, 2, "bad-option")
    assert (tmp_path / "x.avcr").read_bytes() == kept


def test_a_full_disk_ends_the_recording_and_not_the_program(tmp_path):
    limit = 6_000

    def fill_up():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    program = python("fanout.py", "threads", "--agents", "64")
    with CounterServer(jitter_ms=(0, 1)) as server:
        # Python itself would write cut off byte code into its caches under such a limit.
        env = {**os.environ, "BASE_URL": server.base_url, "PYTHONDONTWRITEBYTECODE": "1"}
        bare = subprocess.run(program, env=env, capture_output=True, check=True)
        done = subprocess.run(
            [sys.executable, "-m", "agentvcr", "record", "-o", "x.avcr", "--", *program],
            cwd=tmp_path,
            env=env,
            preexec_fn=fill_up,
            capture_output=True,
            check=False,
        )
    assert done.returncode == 0
    assert done.stdout.count(b"answer") == bare.stdout.count(b"answer")
    assert b"RECORDING INCOMPLETE: File too large" in done.stderr
    assert (tmp_path / "x.avcr").stat().st_size <= limit
    shown = agentvcr("show", "x.avcr", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr.decode()
