"""Sessions: what happens around a command, and around a block in this process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import agentvcr
from agentvcr.cassette.reader import load_run
from agentvcr.errors import SessionActiveError
from agentvcr.session.recording import record_command
from agentvcr.session.replaying import replay_command


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def run_agentvcr(*words, **options):
    return subprocess.run(
        [sys.executable, "-m", "agentvcr", *words],
        capture_output=True,
        check=False,
        timeout=60,
        **options,
    )


def test_a_refused_second_session_leaves_nothing_behind(tmp_path):
    with (
        agentvcr.record(tmp_path / "one.avcr"),
        pytest.raises(SessionActiveError),
        agentvcr.record(tmp_path / "two.avcr"),
    ):
        pass
    assert not (tmp_path / "two.avcr").exists()
    assert load_run(tmp_path / "one.avcr").outcome is not None


@pytest.mark.parametrize("place", ["argument", "environment"])
def test_bytes_that_are_no_unicode_are_recorded_and_passed_on(place):
    show = "import os, sys; os.write(1, os.fsencode((sys.argv + [os.environ.get('LANG', '')])[1]))"
    words = [os.fsdecode(b"\xff")] if place == "argument" else []
    env = {**os.environ, **({"LANG": os.fsdecode(b"C\xff")} if not words else {})}
    done = run_agentvcr("record", "-o", "a.avcr", "--", sys.executable, "-c", show, *words, env=env)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.endswith(b"\xff")


def test_a_replayed_command_gets_the_arguments_that_were_recorded(tmp_path):
    (tmp_path / "p.py").write_text("import sys; print(int(sys.argv[2]))")
    record_command([sys.executable, "p.py", "--max-tokens", "100"], tmp_path / "a.avcr")
    assert replay_command(tmp_path / "a.avcr").exit_status == 0


def test_an_engine_that_fails_keeps_the_recording_and_the_programs_status(tmp_path):
    pytest.importorskip("httpx")
    (tmp_path / "p.py").write_text(
        "import httpx\n"
        "try: httpx.get('http://127.0.0.1:99999/')\n"
        "except httpx.HTTPError as error: print(type(error).__name__)\n"
        "raise SystemExit(7)"
    )
    done = run_agentvcr("record", "-o", "a.avcr", "--", sys.executable, "p.py")
    assert (done.returncode, done.stdout) == (7, b"ConnectError\n"), done.stderr.decode()
    assert (tmp_path / "a.avcr").exists()


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="no /dev/full on this system")
def test_a_target_on_a_full_disk_is_told_in_lines_and_left_where_it_is(tmp_path):
    (tmp_path / "a.avcr").symlink_to("/dev/full")  # a link, so that nobody's device is at risk
    done = run_agentvcr("record", "--force", "-o", "a.avcr", "--", sys.executable, "-c", "")
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert (tmp_path / "a.avcr").is_symlink()


def test_a_device_as_a_target_is_left_where_it_is_also_when_nothing_can_run(tmp_path):
    (tmp_path / "a.avcr").symlink_to(os.devnull)
    (tmp_path / "broken").write_text("#!/nowhere/at/all")
    (tmp_path / "broken").chmod(0o755)
    done = run_agentvcr("record", "--force", "-o", "a.avcr", "--", "./broken")
    assert done.returncode in (126, 127)
    assert (tmp_path / "a.avcr").is_symlink()


def test_a_live_service_by_name_is_reached_while_replaying(tmp_path):
    (tmp_path / "server.py").write_text(
        "import socket\n"
        "listener = socket.create_server(('127.0.0.1', 0))\n"
        "print(listener.getsockname()[1], flush=True)\n"
        "while True:\n"
        "    connection, _ = listener.accept()\n"
        "    connection.sendall(b'PONG'); connection.close()\n"
    )
    (tmp_path / "p.py").write_text(
        "import socket, sys\n"
        "print(socket.create_connection(('localhost', int(sys.argv[1]))).recv(4))"
    )
    with subprocess.Popen([sys.executable, "server.py"], stdout=subprocess.PIPE) as server:
        try:
            port = server.stdout.readline().decode().strip()
            live = [f"localhost:{port}"]
            record_command([sys.executable, "p.py", port], tmp_path / "a.avcr", live=live)
            assert replay_command(tmp_path / "a.avcr", live=live).exit_status == 0
        finally:
            server.kill()


SPAWNING = """
import multiprocessing, os
def show(): print(os.environ["AGENTVCR_LANE"], flush=True)
if __name__ == "__main__":
    for _ in range(2):
        child = multiprocessing.get_context("spawn").Process(target=show)
        child.start()
        child.join()
    print(os.environ["AGENTVCR_LANE"])
"""


def test_children_that_multiprocessing_spawns_have_lanes_of_their_own(tmp_path):
    (tmp_path / "p.py").write_text(SPAWNING)
    record_command([sys.executable, "p.py"], tmp_path / "a.avcr")
    run = load_run(tmp_path / "a.avcr")
    lanes = run.output("stdout").decode().split()
    assert lanes[-1] == "main"
    assert len({*lanes}) == 3
    assert {"main", *lanes} <= {one.lane for one in run.processes}


OWN_ADDRESS = """
import errno, socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    try:
        sock.connect(("192.0.2.1", 9))
    except OSError as error:
        assert error.errno == errno.ENETUNREACH, error
print("on")
"""


def test_asking_for_ones_own_address_is_no_divergence(tmp_path):
    (tmp_path / "p.py").write_text(OWN_ADDRESS)
    record_command([sys.executable, "p.py"], tmp_path / "a.avcr")
    assert load_run(tmp_path / "a.avcr").output("stdout") == b"on\n"
    summary = replay_command(tmp_path / "a.avcr")
    assert (summary.divergence, summary.exit_status) == (None, 0)


@pytest.mark.parametrize("stdin", [b"", b"one\ntwo"])
def test_a_replay_hears_what_the_recorded_program_heard_to_its_end(tmp_path, stdin):
    (tmp_path / "p.py").write_text("import sys; print(sys.stdin.read())")
    command = ["record", "-o", "a.avcr", "--", sys.executable, "p.py"]
    assert run_agentvcr(*command, input=stdin).returncode == 0
    assert load_run(tmp_path / "a.avcr").output("stdin") == stdin
    done = run_agentvcr("replay", "a.avcr", input=b"something else")
    assert (done.returncode, done.stdout) == (0, stdin + b"\n"), done.stderr.decode()
