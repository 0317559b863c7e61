"""gRPC is not recorded: each method is named and counted, refused on replay, and never silent."""

import subprocess
from pathlib import Path

import grpc
import pytest

import agentvcr
from agentvcr.errors import DivergenceError
from agentvcr.inside.exchange import ReplayHalt
from tests.support.command_line import agentvcr as command_line
from tests.support.command_line import python
from tests.support.grpc_server import EchoServer

REPOSITORY = {"REPOSITORY": str(Path(__file__).parents[2])}


@pytest.fixture
def server():
    with EchoServer() as server:
        yield server


def record(tmp_path, case, address, env=REPOSITORY):
    words = ["record", "-o", "x.avcr", "--", *python("grpc_calls.py", case, address)]
    return command_line(*words, cwd=tmp_path, env=env)


WHY = ", not a kind of traffic that this version records"


def unrecorded(done):
    text = done.stderr.decode()
    lines = [line for line in text.splitlines() if "not recorded: " in line]
    return [line.split("not recorded: ")[1].replace(WHY, "") for line in lines]


EXPECTED = {
    "blocking": ["Say (3 times)", "Many", "Join (2 times)", "Chat"],
    "awaited": ["Say", "Many", "Join", "Chat"],
}


@pytest.mark.parametrize(("case", "methods"), EXPECTED.items())
def test_each_method_is_named_and_counted_and_refused_on_replay(case, methods, server, tmp_path):
    command = python("grpc_calls.py", case, server.address)
    bare = subprocess.run(command, capture_output=True, check=True, timeout=60)
    recorded = record(tmp_path, case, server.address)
    assert recorded.returncode == 0, recorded.stderr.decode()
    assert recorded.stdout == bare.stdout
    assert unrecorded(recorded) == [f"grpc {server.address} /demo.Echo/{one}" for one in methods]
    asked = server.count
    replayed = command_line("replay", "x.avcr", cwd=tmp_path)
    assert replayed.returncode == 4
    assert replayed.stdout == b""
    assert f"grpc {server.address} /demo.Echo/Say".encode() in replayed.stderr
    assert f"--live {server.address}".encode() in replayed.stderr
    assert server.count == asked


@pytest.mark.parametrize("case", EXPECTED)
def test_a_live_server_is_called_on_replay(case, server, tmp_path):
    recorded = record(tmp_path, case, server.address)
    asked = server.count
    replayed = command_line("replay", "x.avcr", "--live", server.address, cwd=tmp_path)
    assert replayed.returncode == 0, replayed.stderr.decode()
    assert replayed.stdout == recorded.stdout
    assert server.count == 2 * asked


def test_a_channel_without_a_call_is_nothing_to_name_or_refuse(tmp_path):
    recorded = record(tmp_path, "only_a_channel", "127.0.0.1:1")
    assert unrecorded(recorded) == []
    replayed = command_line("replay", "x.avcr", cwd=tmp_path)
    assert replayed.returncode == 0, replayed.stderr.decode()
    assert replayed.stdout == b"made\n"


def test_a_server_of_the_runs_own_is_called_unnamed_and_on_replay_too(tmp_path):
    recorded = record(tmp_path, "of_its_own", "-")
    assert recorded.returncode == 0, recorded.stderr.decode()
    assert unrecorded(recorded) == []
    replayed = command_line("replay", "x.avcr", cwd=tmp_path, env=REPOSITORY)
    assert replayed.returncode == 0, replayed.stderr.decode()
    assert replayed.stdout == recorded.stdout


@pytest.mark.parametrize(
    ("case", "said"),
    [("telemetry", b"UNAVAILABLE {}\n"), ("telemetry_awaited", b"UNAVAILABLE\n")],
)
def test_a_collector_gets_an_ordinary_failure_on_replay_and_is_counted(case, said, tmp_path):
    address = "127.0.0.1:1"
    env = {**REPOSITORY, "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{address}"}
    recorded = record(tmp_path, case, address, env)
    assert recorded.stdout == said, recorded.stderr.decode()
    replayed = command_line("replay", "x.avcr", cwd=tmp_path, env=env)
    assert replayed.returncode == 0, replayed.stderr.decode()
    assert replayed.stdout == said
    assert b"telemetry: 1 request not sent" in replayed.stderr


def test_a_block_in_this_process_names_and_refuses_them_too(server, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    with grpc.insecure_channel(server.address) as channel:
        say = channel.unary_unary("/demo.Echo/Say")
        with agentvcr.record("x.avcr") as session:
            assert say(b"one") == say(b"one")
        named = f"grpc {server.address} /demo.Echo/Say"
        assert [(one.text, one.count) for one in session.run.notes] == [(named, 2)]
        replaying = agentvcr.replay("x.avcr")
        with pytest.raises(DivergenceError, match="demo"), replaying, pytest.raises(ReplayHalt):
            say(b"one")
        assert server.count == 2
        assert say(b"one") == b"echo one"
