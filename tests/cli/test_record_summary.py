"""A recording ends with what it holds and what it does not, and `--strict` refuses the latter."""

import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from tests.support.command_line import agentvcr, python
from tests.support.script_server import ScriptServer


@pytest.fixture(autouse=True)
def _own_state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(scope="module")
def first():
    with ScriptServer() as server:
        yield server


@pytest.fixture(scope="module")
def second():
    with ScriptServer() as server:
        yield server


@pytest.fixture
def record(tmp_path):
    """Record `reaches.py` with some words; gives how the command ended, its lines, its report."""

    def run(*words, options=()):
        command = ["record", "-o", "x.avcr", "--force", "--report", "r.json", *options, "--"]
        done = agentvcr(*command, *python("reaches.py", *words), cwd=tmp_path)
        report = json.loads((tmp_path / "r.json").read_text())
        return done.returncode, done.stderr.decode().splitlines(), report

    return run


def shares(report, what):
    name = {"host": "host", "client": "client", "process": "command"}[what]
    return [(one[name], one["exchanges"]) for one in report[f"by_{what}"]]


def missed(report):
    return [
        (one["kind"], one["what"], one["count"])
        for one in report["not_recorded"]
        if not one["by_choice"]
    ]


# --- what was recorded ----------------------------------------------------------------------------


def test_a_recording_with_little_to_say_says_it_in_one_line(record, first):
    status, lines, report = record(f"twice={first.base_url}")
    assert (status, lines) == (0, ["agentvcr: recorded 2 exchanges of 1 process in x.avcr"])
    assert shares(report, "host") == [(f"127.0.0.1:{first.port}", 2)]
    assert report["not_recorded"] == []


def test_exchanges_are_counted_by_host_by_client_and_by_process(record, first, second):
    words = [f"child=twice={first.base_url}", f"otherwise={second.base_url}"]
    _, lines, report = record(*words, f"twice={first.base_url}")
    hosts = [(f"127.0.0.1:{first.port}", 4), (f"127.0.0.1:{second.port}", 1)]
    assert shares(report, "host") == hosts
    assert shares(report, "client") == [("httpx", 4), ("httpx2", 1)]
    assert sorted(count for _, count in shares(report, "process")) == [2, 3]
    assert report["processes"] == len(report["by_process"]) == 2
    assert lines[0] == "agentvcr: recorded 5 exchanges of 2 processes in x.avcr"
    told = ", ".join(f"{host} {count}" for host, count in hosts)
    assert lines[2:4] == [
        f"agentvcr:   by host:    {told}",
        "agentvcr:   by client:  httpx 4, httpx2 1",
    ]
    assert lines[4].startswith("agentvcr:   by process: python ")
    assert max(map(len, lines)) <= 80


def test_the_bytes_of_bodies_are_counted_on_both_ways(record, first, second):
    _, lines, report = record(f"twice={first.base_url}", f"otherwise={second.base_url}")
    assert report["bytes_sent"] == 1000
    assert report["bytes_received"] > 1000  # the echo
    assert lines[1].startswith("agentvcr:   bytes:      1.0 kB sent, ")


def test_a_report_in_markdown_has_the_same_counts(tmp_path, first):
    words = python("reaches.py", f"twice={first.base_url}", f"connect={first.port}")
    agentvcr("record", "-o", "x.avcr", "--report", "r.md", "--", *words, cwd=tmp_path)
    page = (tmp_path / "r.md").read_text()
    assert "- 2 exchanges of 1 process\n" in page
    assert "| `httpx` | 2 |" in page
    assert f"| `127.0.0.1:{first.port}` | reached past every recorded client | 1 |" in page


# --- what was not ---------------------------------------------------------------------------------


def test_each_thing_that_was_not_recorded_is_told_with_its_reason(record, first, tmp_path):
    path = tmp_path / "there"
    status, lines, report = record(
        f"connect={first.port}", f"locally={path}", "closed=print(5)", "leave=3"
    )
    address = f"127.0.0.1:{first.port}"
    told = [line.removeprefix("agentvcr: not recorded: ") for line in lines[1:]]
    assert told == [
        "python -I -c print(5), not entered, so nothing of it was seen",
        f"{address}, reached past every recorded client",
        f"unix:{path}, reached past every recorded client",
    ]
    assert [kind for kind, _, _ in missed(report)] == ["unentered", "unrecorded", "unrecorded"]
    assert status == 3


def test_what_was_left_out_by_choice_is_told_apart(record, first, second):
    words = [f"connect={first.port}", f"twice={second.base_url}"]
    options = ["--strict", "--live", f"127.0.0.1:{first.port}", "--live", second.base_url[7:]]
    status, lines, report = record(*words, options=options)
    assert (status, missed(report)) == (0, [])
    assert lines[1:] == [
        f"agentvcr: not recorded by choice: 127.0.0.1:{second.port} 2 (named with --live),",
        f"agentvcr:                         127.0.0.1:{first.port} 1 (named with --live)",
    ]


def test_the_address_of_a_server_of_the_run_is_not_missed(tmp_path):
    program = (
        "import socket\n"
        "with socket.create_server(('127.0.0.1', 0)) as server:\n"
        "    socket.create_connection(server.getsockname()).close()\n"
        "print('done')\n"
    )
    words = ["record", "--strict", "-o", "x.avcr", "--", sys.executable, "-c", program]
    assert agentvcr(*words, cwd=tmp_path).returncode == 0


def test_a_unix_socket_of_the_run_is_not_missed_from_another_process(record):
    status, _, report = record("serve=own.sock", options=["--strict"])
    assert (status, report["not_recorded"], report["processes"]) == (0, [], 2)


def test_an_address_is_told_once_with_the_number_of_processes_that_reached_it(record, first):
    word = f"connect={first.port}"
    _, lines, report = record(word, word, f"child={word}")
    assert missed(report) == [("unrecorded", f"127.0.0.1:{first.port}", 2)]
    assert lines[-1].endswith("reached past every recorded client (2 processes)")


# --- strict ---------------------------------------------------------------------------------------

SYSTEM = ["locally=/dev/log", "locally=/var/run/nscd/socket", "locally=/run/systemd/notify"]


@pytest.mark.parametrize("words", [[], ["leave=7"]], ids=["0", "7"])
def test_strict_leaves_the_programs_status_where_all_was_recorded(record, words, first):
    everything = [f"child=twice={first.base_url}", f"twice={first.base_url}", *SYSTEM]
    status, lines, report = record(*everything, *words, options=["--strict"])
    assert status == (7 if words else 0)
    assert (report["not_recorded"], report["exchanges"]) == ([], 4)
    assert not any("not recorded" in line for line in lines)


@pytest.mark.skipif(not hasattr(socket, "AF_NETLINK"), reason="Linux alone has netlink")
def test_the_kernel_is_no_address_that_was_missed(record):
    status, _, report = record("kernel=", options=["--strict"])
    assert (status, report["not_recorded"]) == (0, [])


@pytest.mark.parametrize("left", [0, 7])
@pytest.mark.parametrize("word", ["connect", "locally", "closed"])
def test_strict_exits_with_5_and_tells_the_programs_own_status(record, word, left, first):
    value = {"connect": first.port, "locally": "nowhere.sock", "closed": "print(5)"}[word]
    words = (f"twice={first.base_url}", f"{word}={value}", f"leave={left}")
    status, lines, report = record(*words, options=["--strict"])
    assert status == 5
    assert len(missed(report)) == 1
    told = f"1 thing was not recorded, see above; CMD itself ended with {left} [not-recorded]"
    assert lines[-3:] == [
        f"agentvcr: {told}",
        "  where: x.avcr, which holds all else",
        "  try:   --live HOST:PORT leaves out an address that may be missed",
    ]
    assert (report["exit_status"], report["exchanges"]) == (left, 2)


def test_a_command_of_which_nothing_was_heard_is_not_taken_for_recorded(tmp_path):
    words = ["record", "-o", "x.avcr", "--force", "--report", "r.json"]
    done = agentvcr(*words, "--strict", "--", "sh", "-c", "exit 0", cwd=tmp_path)
    assert done.returncode == 5
    assert b"no Python process of CMD spoke" in done.stderr
    assert [kind for kind, _, _ in missed(json.loads((tmp_path / "r.json").read_text()))] == [
        "silent"
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_program_that_was_stopped_stops_the_script_around_it_also_when_strict(tmp_path, first):
    program = (
        "import os, signal, socket\n"
        f"socket.create_connection(('127.0.0.1', {first.port})).close()\n"
        "print('up', flush=True)\n"
        "signal.signal(signal.SIGTERM, signal.SIG_DFL)\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
    )
    words = ["record", "--strict", "-o", "x.avcr", "--", sys.executable, "-c", program]
    done = agentvcr(*words, cwd=tmp_path)
    assert done.returncode == -signal.SIGTERM
    assert f"not recorded: 127.0.0.1:{first.port}".encode() in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no limits there")
def test_a_recording_that_broke_is_not_strict(tmp_path, first):
    # The disk is full once the recording has begun: the journal is held to a kilobyte.
    script = 'ulimit -f 1; exec "$@"'
    asked = [f"twice={first.base_url}"] * 30
    words = ["record", "--strict", "-o", "x.avcr", "--", *python("reaches.py", *asked)]
    command = ["bash", "-c", script, "bash", sys.executable, "-m", "agentvcr", *words]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, timeout=120, check=False, env=os.environ
    )
    assert b"RECORDING INCOMPLETE" in done.stderr, done.stderr.decode()
    assert done.returncode == 5
