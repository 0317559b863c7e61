"""A block in this process and what lies outside of it: the network, forks, child processes."""

import asyncio
import ftplib
import gc
import http.server
import multiprocessing
import os
import socket
import subprocess
import sys
import threading

import httpx
import pytest

import agentvcr
from agentvcr.errors import DivergenceError, NotRecordedError, SessionOpenError
from agentvcr.inside import state


@pytest.fixture(autouse=True)
def _own_state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@agentvcr.tool
def double(number: int) -> int:
    return number * 2


def record(*numbers):
    with agentvcr.record("x.avcr", force=True) as session:
        for number in numbers:
            double(number)
    return session


# --- the guard ------------------------------------------------------------------------------------


def connect_and_tell(port):
    with socket.socket() as client:
        client.connect_ex(("127.0.0.1", port))


def send_packet(port):
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.sendto(b"x", ("127.0.0.1", port))


def connect(port):
    socket.create_connection(("127.0.0.1", port)).close()


async def connect_later(port):
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()


REACHES = {
    "socket": connect,
    "by name": lambda port: socket.create_connection(("localhost", port)),
    "connect_ex": connect_and_tell,
    "packet": send_packet,
    "ftp": lambda port: ftplib.FTP().connect("127.0.0.1", port),
    "asyncio": lambda port: asyncio.run(connect_later(port)),
}


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("reach", REACHES.values(), ids=REACHES)
def test_reaching_past_the_recorded_clients_stops_the_replay(reach, listener):
    record()
    session = agentvcr.replay("x.avcr")
    with (
        pytest.raises(DivergenceError, match="past every recorded client"),
        session,
        pytest.raises(agentvcr.ReplayHalt),
    ):
        reach(listener.getsockname()[1])
    gc.collect()  # a client that is stopped leaves its socket open
    assert [(one.kind, one.fatal) for one in session.divergences] == [("blocked", True)]


def test_nothing_is_guarded_after_the_block(listener):
    record()
    with agentvcr.replay("x.avcr"):
        pass
    connect(listener.getsockname()[1])


def test_a_live_service_is_let_through(listener):
    record()
    port = listener.getsockname()[1]
    with agentvcr.replay("x.avcr", live=[f"127.0.0.1:{port}"]) as session:
        connect(port)
    assert session.divergences == ()


def test_what_the_block_itself_listens_on_is_inside():
    record()
    with agentvcr.replay("x.avcr") as session, socket.create_server(("127.0.0.1", 0)) as own:
        connect(own.getsockname()[1])
    assert session.divergences == ()


BY_NAME = """
import ftplib, socket, sys
import agentvcr

REACHES = {
    "look-up": lambda: socket.getaddrinfo("a.example", 80),
    "old look-up": lambda: socket.gethostbyname("a.example"),
    "ftp": lambda: ftplib.FTP("a.example"),
    "telemetry": lambda: socket.getaddrinfo("api.smith.langchain.com", 443),
}
with agentvcr.record("x.avcr"):
    pass
session = agentvcr.replay("x.avcr")
try:
    with session:
        try:
            REACHES[sys.argv[1]]()
        except BaseException as error:
            print(type(error).__name__)
except Exception as error:
    print(type(error).__name__)
print([one.kind for one in session.divergences])
"""
STOPPED = ["ReplayHalt", "DivergenceError", "['blocked']"]
REFUSED = ["ConnectionRefusedError", "[]"]


@pytest.mark.parametrize(
    ("reach", "seen"),
    [("look-up", STOPPED), ("old look-up", STOPPED), ("ftp", STOPPED), ("telemetry", REFUSED)],
)
def test_names_are_not_looked_up_and_telemetry_is_refused(reach, seen, tmp_path):
    # In a process of its own: this one's guard would see the name before the session's does.
    words = [sys.executable, "-c", BY_NAME, reach]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.stdout.splitlines() == seen, done.stderr


def test_a_recording_names_what_it_did_not_record_once(listener):
    port = listener.getsockname()[1]
    with agentvcr.record("x.avcr") as session:
        connect(port)
        connect(port)
    assert [(one.kind, one.text) for one in session.run.notes] == [
        ("unrecorded", f"127.0.0.1:{port}")
    ]


def test_a_local_socket_that_a_tool_reaches_is_covered(tmp_path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")
        server.listen()

        @agentvcr.tool
        def ask():
            with socket.socket(socket.AF_UNIX) as client:
                client.connect("s")

        with agentvcr.record("x.avcr") as session:
            ask()
    assert session.run.notes == ()


# --- forks ----------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_fork_writes_nothing_and_the_file_is_whole_while_it_lives():
    done, go_on = os.pipe(), os.pipe()
    with agentvcr.record("x.avcr") as session:
        double(1)
        child = os.fork()
        if child == 0:
            double(50)
            os.write(done[1], b"x")
            os.read(go_on[0], 1)
            double(60)
            os._exit(0)
        os.read(done[0], 1)
        double(2)
    bodies = [one.request.body for one in session.run.exchanges]
    os.write(go_on[1], b"x")
    assert os.waitpid(child, 0)[1] == 0
    assert bodies == [b'{"number":1}', b'{"number":2}']
    assert [one.request.body for one in session.run.exchanges] == bodies
    for end in (*done, *go_on):
        os.close(end)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_fork_that_leaves_the_block_too_does_not_end_it():
    for _ in range(10):
        with agentvcr.record("x.avcr", force=True) as session:
            double(1)
            child = os.fork()
        if child == 0:
            os._exit(0 if state.handler is None else 3)
        assert os.waitpid(child, 0)[1] == 0
        assert len(session.run.exchanges) == 1


def work_in_child(answers):
    try:
        answers.put(double(5))
    except agentvcr.ReplayHalt as halt:
        answers.put(str(halt))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("kind", ["recorded", "replayed"])
def test_a_child_of_multiprocessing_is_none_of_the_blocks(kind):
    context = multiprocessing.get_context("fork")
    record(1)
    begun = agentvcr.record if kind == "recorded" else agentvcr.replay
    with begun("x.avcr", force=True) as session:
        double(1)
        answers = context.SimpleQueue()
        child = context.Process(target=work_in_child, args=(answers,))
        child.start()
        answer = answers.get()
        child.join()
    assert answer == 10 if kind == "recorded" else "a fork" in answer
    assert len(session.run.exchanges) == 1


def test_a_process_of_the_block_is_named_and_not_followed():
    with agentvcr.record("x.avcr") as session:
        subprocess.run([sys.executable, "-c", ""], check=True)
    assert [one.kind for one in session.run.notes] == ["unentered"]


# --- what was not recorded ------------------------------------------------------------------------


def test_a_block_sums_up_what_it_holds():
    session = record(1, 2)
    told = session.summary
    assert (told.exchanges, told.processes, told.missed) == (2, 1, ())
    assert [(one.client, one.exchanges) for one in told.by_client] == [("agentvcr.tool", 2)]
    assert [(one.exchanges, one.processes) for one in told.by_process] == [(2, 1)]


def test_there_is_no_summary_before_the_end():
    with agentvcr.record("x.avcr") as session, pytest.raises(SessionOpenError):
        assert session.summary


def test_a_strict_block_that_was_recorded_whole_ends_quietly():
    with agentvcr.record("x.avcr", strict=True):
        double(1)


def spawn():
    child = multiprocessing.get_context("spawn").Process(target=os.getpid)
    child.start()
    child.join()


def posix_spawn():
    child = os.posix_spawnp("true", [b"true"], {**os.environ})
    os.waitpid(child, 0)


def fork():
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def reach_locally():
    with socket.socket(socket.AF_UNIX) as client:
        client.connect_ex("nowhere.sock")


def strictly(do, session=None):
    with session or agentvcr.record("x.avcr", strict=True):
        do()


MISSED = {
    "address": (connect, "127.0.0.1:{}: reached past every recorded client"),
    "unix socket": (lambda _: reach_locally(), "unix:nowhere.sock: reached past"),
    "process": (lambda _: subprocess.run(["true"], check=True), "true: not entered"),
    "shell": (lambda _: os.system("exit 0"), "exit 0: not entered"),
    "posix_spawn": (lambda _: posix_spawn(), "true: not entered"),
    "spawned": (lambda _: spawn(), "--multiprocessing-fork: not entered"),
    "fork": (lambda _: fork(), "a fork of this process: not entered"),
}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize(("reach", "told"), MISSED.values(), ids=MISSED)
def test_a_strict_block_raises_at_its_end_for_what_was_missed(reach, told, listener):
    port = listener.getsockname()[1]

    def do():
        reach(port)
        double(1)

    session = agentvcr.record("x.avcr", strict=True)
    with pytest.raises(NotRecordedError) as caught:
        strictly(do, session)
    assert told.format(port) in str(caught.value)
    assert "[not-recorded] x.avcr" in str(caught.value)
    assert len(session.summary.missed) == len(session.run.exchanges) == 1


def test_what_was_left_out_by_choice_is_not_missed(listener):
    port = listener.getsockname()[1]
    live = [f"127.0.0.1:{port}", "unix:nowhere.sock"]
    with agentvcr.record("x.avcr", strict=True, live=live) as session:
        connect(port)
        reach_locally()
    assert {one.kind for one in session.summary.not_recorded} == {"live"}


def test_a_unix_socket_of_the_block_itself_is_not_missed():
    with agentvcr.record("x.avcr", strict=True), socket.socket(socket.AF_UNIX) as server:
        server.bind("own.sock")
        server.listen()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect("own.sock")


def test_a_strict_block_that_fails_fails_as_it_did_and_says_what_was_missed(listener):
    def do():
        connect(listener.getsockname()[1])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        strictly(do)
    (note,) = caught.value.__notes__
    assert "reached past every recorded client" in note


def test_of_much_that_was_missed_five_things_are_told():
    def do():
        for number in range(7):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect_ex(f"{number}.sock")

    with pytest.raises(NotRecordedError) as caught:
        strictly(do)
    told = str(caught.value)
    assert told.count("reached past") == 5
    assert "\n  and 2 more\n" in told


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *args):
        pass


def ask_a_server_of_its_own():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        for _ in range(2):
            assert httpx.get(f"http://127.0.0.1:{server.server_port}/").text == "ok"
        server.shutdown()
        thread.join()


def test_a_server_of_the_block_itself_is_asked_in_the_recorded_order():
    with agentvcr.record("x.avcr") as recorded:
        ask_a_server_of_its_own()
    assert [one.internal for one in recorded.run.exchanges] == [True, True]
    with agentvcr.replay("x.avcr") as session:
        ask_a_server_of_its_own()
    assert session.run.notes == ()  # nothing that comes was passed over as if it did not
    session.raise_for_divergence()
