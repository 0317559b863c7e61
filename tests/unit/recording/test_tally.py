"""What is counted of a recording, and under which name."""

import pytest

from agentvcr.recording.tally import Tally


def asked(*urls, client="httpx", process=0, internal=False):
    tally = Tally()
    for url in urls:
        tally.began(url, client, process, 10, internal=internal)
    return tally


def ran(*commands):
    tally = Tally()
    for index, command in enumerate(commands):
        tally.process(index, command.split())
        tally.began("http://a/", "httpx", index, 0, internal=False)
    return tally


HOSTS = {
    "https://api.openai.com/v1/chat?x=https://other/": "api.openai.com",
    "https://api.openai.com:443": "api.openai.com",
    "http://127.0.0.1:8000/x": "127.0.0.1:8000",
    "http://[::1]:8000/x": "[::1]:8000",
    "ws://a/b": "a",
    "https://user:word@a.example:8443/": "a.example:8443",
    "http://a.example?x=1": "a.example",
    "mcp:search": "mcp:search",
    "http://[bad": "[bad",
}


@pytest.mark.parametrize(("url", "host"), HOSTS.items(), ids=HOSTS.values())
def test_a_host_is_told_with_a_port_that_is_not_the_schemes_own(url, host):
    assert [one.host for one in asked(url).by_host()] == [host]


def test_paths_of_one_host_are_counted_together_and_the_most_come_first():
    tally = asked("http://b/", *(f"http://a/{n}" for n in range(3)), "http://a:80/")
    assert [(one.host, one.exchanges) for one in tally.by_host()] == [("a", 4), ("b", 1)]
    assert tally.sent == 50


def test_a_server_of_the_run_is_marked():
    assert [one.internal for one in asked("http://a/", internal=True).by_host()] == [True]


def test_a_recorded_function_has_a_client_and_no_host_and_sends_nothing():
    tally = asked("tool:search", client="agentvcr.tool")
    assert (tally.by_host(), tally.sent) == ((), 0)
    assert [one.client for one in tally.by_client()] == ["agentvcr.tool"]


COMMANDS = {
    "{python} crew.py --fast": "python crew.py --fast",
    "/usr/bin/python3.12 -u /home/me/crew.py a/b": "python3.12 -u crew.py a/b",
    "{python} -c code --multiprocessing-fork": "python --multiprocessing-fork",
    "python /x/agentvcr/inside/mcp/shim.py -- {python} /home/me/weather.py": (
        "agentvcr mcp -- python weather.py"
    ),
    "python -m crew " + "x" * 90: "python -m crew " + "x" * 34 + "…",
}


@pytest.mark.parametrize(("command", "line"), COMMANDS.items(), ids=range(len(COMMANDS)))
def test_a_command_is_told_in_one_short_line(command, line):
    assert [one.command for one in ran(command).by_process()] == [line]


def test_processes_of_one_command_are_told_together_and_idle_ones_too():
    tally = ran("python a.py", "python a.py", "python b.py")
    tally.process(3, ["python", "idle.py"])
    told = [(one.command, one.processes, one.exchanges) for one in tally.by_process()]
    assert told == [("python a.py", 2, 2), ("python b.py", 1, 1), ("python idle.py", 1, 0)]


def test_many_commands_are_told_without_their_arguments():
    commands = [f"python worker.py --id {n}" for n in range(9)]
    told = [(one.command, one.processes) for one in ran(*commands, "python -c 5").by_process()]
    assert told == [("python worker.py", 9), ("python -c", 1)]


def test_requests_that_were_left_out_by_choice_are_counted_by_their_host():
    tally = Tally()
    for n in range(3):
        tally.note("telemetry", f"POST https://collector.example/{n} -> 20{n}")
    tally.note("live", "GET http://127.0.0.1:6379/x")
    tally.note("live", "127.0.0.1:6379")
    told = [(one.what, one.count, one.by_choice) for one in tally.not_recorded()]
    assert told == [("collector.example", 3, True), ("127.0.0.1:6379", 2, True)]


def test_what_was_missed_is_told_before_what_was_chosen_and_with_its_reason():
    tally = Tally()
    for kind in ("live", "signal", "divergence", "unrecorded", "unentered", "lost"):
        tally.note(kind, kind)
    tally.note("unrecorded", "websocket wss://a/b")
    kinds = [one.kind for one in tally.not_recorded()]
    assert kinds == ["unrecorded", "unentered", "lost", "unrecorded", "live"]
    reasons = [one.why for one in tally.not_recorded()]
    assert len({*reasons}) == len(kinds)
    assert list(tally.unrecorded()) == [
        "unrecorded",
        "websocket wss://a/b",
        "not entered: unentered",
    ]
