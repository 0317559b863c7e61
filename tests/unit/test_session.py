"""Sessions: what happens around a command, and around a block in this process."""

import os
import subprocess
import sys

import pytest

from agentvcr.cassette.reader import load_run
from agentvcr.errors import SessionActiveError
from agentvcr.session import record_command, record_here, replay_command


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def agentvcr(*words, **options):
    return subprocess.run(
        [sys.executable, "-m", "agentvcr", *words],
        capture_output=True,
        check=False,
        timeout=60,
        **options,
    )


def test_a_refused_second_session_leaves_nothing_behind(tmp_path):
    with (
        record_here(tmp_path / "one.avcr"),
        pytest.raises(SessionActiveError),
        record_here(tmp_path / "two.avcr"),
    ):
        pass
    assert not (tmp_path / "two.avcr").exists()
    assert load_run(tmp_path / "one.avcr").outcome is not None


@pytest.mark.parametrize("place", ["argument", "environment"])
def test_bytes_that_are_no_unicode_are_recorded_and_passed_on(place):
    show = "import os, sys; os.write(1, os.fsencode((sys.argv + [os.environ.get('LANG', '')])[1]))"
    words = [os.fsdecode(b"\xff")] if place == "argument" else []
    env = {**os.environ, **({"LANG": os.fsdecode(b"C\xff")} if not words else {})}
    done = agentvcr("record", "-o", "a.avcr", "--", sys.executable, "-c", show, *words, env=env)
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
    done = agentvcr("record", "-o", "a.avcr", "--", sys.executable, "p.py")
    assert (done.returncode, done.stdout) == (7, b"ConnectError\n"), done.stderr.decode()
    assert (tmp_path / "a.avcr").exists()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full on this system")  # noqa: PTH110
def test_a_target_on_a_full_disk_is_told_in_lines_and_not_in_a_traceback():
    done = agentvcr("record", "--force", "-o", "/dev/full", "--", sys.executable, "-c", "")
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


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
