"""Tools: their effects do not happen again, and what they gave or raised comes back."""

import asyncio
import dataclasses
import json
import threading

import httpx
import pytest

import agentvcr
from agentvcr.cassette.reader import load_run
from agentvcr.errors import DivergenceError
from tests.programs import tool_calls, tool_effects
from tests.support.command_line import agentvcr as command
from tests.support.command_line import python
from tests.support.script_server import ScriptServer
from tests.support.smtp_server import SmtpServer

CALLS = 200


@pytest.fixture(autouse=True)
def _own_state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)


def twice(work, path="x.avcr"):
    """Record `work` and replay it; gives both results and the replay."""
    with agentvcr.record(path, force=True):
        told = work()
    with agentvcr.replay(path) as session:
        again = work()
    return told, again, session


# --- effects --------------------------------------------------------------------------------------


def test_a_replay_in_this_process_neither_appends_nor_sends(tmp_path):
    path = tmp_path / "report.txt"
    with SmtpServer() as server:
        with agentvcr.record("x.avcr") as recording:
            told = tool_effects.work(str(path), server.port)
        sent, written = list(server.mails), path.read_text()
        path.unlink()
        with agentvcr.replay("x.avcr") as session:
            assert tool_effects.work(str(path), server.port) == told
        assert (len(sent), server.mails, server.connections) == (1, sent, 1)
    assert (written.count("\n"), path.exists()) == (2, False)
    assert recording.run.notes == ()
    session.raise_for_divergence()


def test_a_replay_by_the_command_line_neither_appends_nor_sends(tmp_path):
    path = tmp_path / "report.txt"
    with SmtpServer() as server:
        program = python("tool_effects.py", path, server.port)
        done = command("record", "-o", "x.avcr", "--", *program, cwd=tmp_path)
        assert done.returncode == 0, done.stderr.decode()
        assert b"not recorded" not in done.stderr
        assert (len(server.mails), path.read_text().count("\n")) == (1, 2)
        path.unlink()
        again = command("replay", "x.avcr", cwd=tmp_path)
        assert (again.returncode, again.stdout) == (0, done.stdout), again.stderr.decode()
        assert server.connections == 1
    assert not path.exists()


def test_the_same_call_outside_of_a_session_happens(tmp_path):
    path = tmp_path / "report.txt"
    assert [tool_effects.append(str(path), "a") for _ in range(2)] == [1, 2]


# --- every sort of tool ---------------------------------------------------------------------------


def test_tools_that_ask_call_and_start_are_answered_whole(tmp_path):
    with ScriptServer() as server:
        told, again, session = twice(lambda: tool_calls.work(server.base_url))
        assert server.count == 3
    assert again == told
    session.raise_for_divergence()
    assert session.divergences == ()


def test_tools_are_answered_whole_by_the_command_line(tmp_path):
    with ScriptServer() as server:
        program = python("tool_calls.py", server.base_url)
        done = command("record", "-o", "x.avcr", "--", *program, cwd=tmp_path)
        assert done.returncode == 0, done.stderr.decode()
    again = command("replay", "x.avcr", cwd=tmp_path)
    assert (again.returncode, again.stdout) == (0, done.stdout), again.stderr.decode()
    assert b"unused" not in again.stderr
    assert len(json.loads(done.stdout)) == 8


def test_what_a_tool_starts_and_reaches_is_covered_by_its_call(tmp_path):
    with agentvcr.record("x.avcr") as session:
        tool_calls.list_files("a")
    assert session.run.notes == ()


def in_tasks():
    async def main():
        return await asyncio.gather(*(tool_calls.count_later("same") for _ in range(CALLS)))

    return asyncio.run(main())


def in_threads():
    answers = [0] * CALLS

    def work(place):
        answers[place] = tool_calls.count("same")

    threads = [threading.Thread(target=work, args=(place,)) for place in range(CALLS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def in_threads_of_tasks():
    async def main():
        calls = (asyncio.to_thread(tool_calls.count, "same") for _ in range(CALLS))
        return await asyncio.gather(*calls)

    return asyncio.run(main())


@pytest.mark.parametrize("fan_out", [in_tasks, in_threads, in_threads_of_tasks])
def test_each_of_many_equal_calls_at_once_gets_its_own_answer_again(fan_out):
    told, again, session = twice(fan_out)
    assert len({*told}) == CALLS
    assert again == told
    assert session.diff.same


def test_defaults_and_explicit_arguments_are_the_same_call():
    with agentvcr.record("x.avcr"):
        told = [tool_calls.count("a"), tool_calls.count("b", times=2)]
    with agentvcr.replay("x.avcr") as session:
        assert [tool_calls.count(question="a", times=1), tool_calls.count("b", times=2)] == told
    session.raise_for_divergence()


@agentvcr.tool
def classify(cls: str) -> str:
    return "it is " + cls


def test_a_first_parameter_called_as_a_class_is_an_argument_all_the_same():
    with agentvcr.record("x.avcr"):
        classify("a")
    with pytest.raises(DivergenceError, match="no recorded exchange"), agentvcr.replay("x.avcr"):
        classify("b")


@agentvcr.tool
def summarise(text: str) -> int:
    return len(text)


def test_documents_that_differ_at_their_end_are_different_calls():
    with agentvcr.record("x.avcr"):
        summarise("a" * 300_000 + "a")
    session = agentvcr.replay("x.avcr")
    with pytest.raises(DivergenceError, match="no recorded exchange"), session:
        summarise("a" * 300_000 + "b")
    assert [one.kind for one in session.divergences] == ["miss"]


def test_an_argument_without_words_is_no_error_of_the_program():
    told, again, _ = twice(lambda: summarise_number(10**5000))
    assert told == again == 1


@agentvcr.tool
def summarise_number(number: int) -> int:
    return 1


def call_inner(url, *, also_outer):
    if also_outer:
        tool_calls.research(url)
    tool_calls.count("inner")


@pytest.mark.parametrize("calls", ["instead", "besides"])
def test_a_tool_that_was_only_called_by_another_cannot_answer_a_call_of_its_own(calls):
    with ScriptServer() as server, agentvcr.record("x.avcr"):
        url = server.base_url
        tool_calls.research(url)
    session = agentvcr.replay("x.avcr")
    with pytest.raises(DivergenceError, match="no recorded exchange"), session:
        call_inner(url, also_outer=calls == "besides")
    assert [one.kind for one in session.divergences] == ["miss"]


def test_a_request_that_only_a_tool_made_cannot_answer_one_of_the_program():
    with ScriptServer() as server, agentvcr.record("x.avcr"):
        url = server.base_url
        tool_calls.look_up(url)
    session = agentvcr.replay("x.avcr")
    with pytest.raises(DivergenceError, match="no recorded exchange"), session:
        httpx.get(url + "/json", verify=False)
    assert [one.kind for one in session.divergences] == ["miss"]


# --- credentials ----------------------------------------------------------------------------------

KEY = "sk-test-not-a-key-0123456789abcdef"
PASSWORD = "correct horse battery"


@agentvcr.tool
def sign_in(user: str, password: str, api_key: str) -> dict:
    if user == "nobody":
        raise PermissionError(f"{api_key} is not of {user}")
    return {"access_token": KEY[::-1], "password": password, "user": user}


def test_no_credential_of_an_argument_or_a_result_is_in_the_file(tmp_path):
    with agentvcr.record("x.avcr") as session:
        sign_in("me", PASSWORD, KEY)
        with pytest.raises(PermissionError):
            sign_in("nobody", PASSWORD, api_key=KEY)
        with agentvcr.step("sign in", input={"password": PASSWORD}) as step:
            step.set_output({"api_key": KEY})
    data = everything_in(session)
    assert b"sign_in" in data
    assert [one for one in (KEY, KEY[::-1], PASSWORD) if one.encode() in data] == []


def everything_in(session):
    """Give all that a recording says, with the file itself."""
    run = load_run(session.path)
    texts = [session.path.read_bytes(), repr(run.steps).encode(), repr(run.notes).encode()]
    for one in run.exchanges:
        texts += [one.request.body, repr(one.request).encode(), repr(one).encode()]
    return b"\n".join(texts)


def test_a_credential_behind_the_end_of_what_is_told_is_not_in_the_file():
    with agentvcr.record("x.avcr") as session:
        sign_in("u" * 300_000, PASSWORD, KEY)
        with agentvcr.step("sign in", input={"password": PASSWORD, "text": "x" * 300_000}):
            pass
    data = everything_in(session)
    assert [one for one in (KEY, KEY[::-1], PASSWORD) if one.encode() in data] == []


@pytest.mark.parametrize("name", ["access_token", "password"])
def test_a_credential_in_a_result_of_a_class_keeps_its_type(name):
    made = dataclasses.make_dataclass("Session", [(name, bytes), ("count", int)])

    @agentvcr.tool
    def open_session() -> made:
        return made(b"pw-bytes-not-a-key", 4)

    told, again, _ = twice(open_session)
    assert type(again) is type(told)
    assert again.count == 4
