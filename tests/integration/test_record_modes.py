"""Record modes, with vcrpy's meanings: by the command line, and around a block in this process."""

import signal
import sys
import textwrap

import httpx2
import pytest

import agentvcr
from agentvcr.cassette.reader import load_run
from agentvcr.errors import BadOptionError, CassetteMissingError, DivergenceError
from tests.support.command_line import agentvcr as command
from tests.support.counter_server import CounterServer

PROGRAM = """
    import os, sys, httpx2
    url = os.environ["BASE_URL"] + "/v1/chat/completions"
    for word in sys.argv[1:]:
        if word == "die":
            os.kill(os.getppid(), 9)
            os.kill(os.getpid(), 9)
        body = {"model": "m", "messages": [{"role": "user", "content": word}]}
        print(word, httpx2.post(url, json=body).json()["choices"][0]["message"]["content"])
"""


class Recorder:
    """Runs one program under a mode, with other words each time."""

    def __init__(self, folder, server):
        self.folder = folder
        self.server = server
        self.env = {"BASE_URL": server.base_url}
        (folder / "program.py").write_text(textwrap.dedent(PROGRAM))

    def record(self, mode, *words, extra=()):
        return command(
            "record", "--mode", mode, "-o", "x.avcr", *extra, "--",
            sys.executable, "program.py", *words,
            cwd=self.folder, env=self.env,
        )  # fmt: skip

    def asked(self):
        """What the cassette holds, by the words that were asked."""
        run = load_run(self.folder / "x.avcr")
        return [
            one.request.body.rpartition(b'"content":"')[2].partition(b'"')[0].decode()
            for one in run.exchanges
        ]


@pytest.fixture
def recorder(tmp_path):
    with CounterServer(jitter_ms=(0, 1)) as server:
        yield Recorder(tmp_path, server)


def test_once_records_where_there_is_no_cassette_and_then_replays_it(recorder):
    first = recorder.record("once", "a", "b")
    assert (first.returncode, recorder.server.count) == (0, 2)
    before = (recorder.folder / "x.avcr").read_bytes()
    again = recorder.record("once", "a", "b")
    assert (again.returncode, again.stdout) == (0, first.stdout), again.stderr.decode()
    assert recorder.server.count == 2
    assert (recorder.folder / "x.avcr").read_bytes() == before


@pytest.mark.parametrize("mode", ["once", "none"])
def test_what_is_new_stops_a_program_that_may_not_record(recorder, mode):
    recorder.record("all", "a")
    done = recorder.record(mode, "a", "b")
    assert done.returncode == 4
    assert b"no recorded exchange answers" in done.stderr
    assert (recorder.server.count, recorder.asked()) == (1, ["a"])


def test_none_never_records(recorder):
    done = recorder.record("none", "a")
    assert (done.returncode, recorder.server.count) == (3, 0)
    assert not (recorder.folder / "x.avcr").exists()


def test_new_episodes_asks_only_what_is_new_and_keeps_all_of_it(recorder):
    first = recorder.record("new_episodes", "a", "b")
    more = recorder.record("new_episodes", "b", "c")
    assert (more.returncode, recorder.server.count) == (0, 3), more.stderr.decode()
    assert more.stdout.splitlines()[0] == first.stdout.splitlines()[1]
    assert sorted(recorder.asked()) == ["a", "b", "c"]
    assert b"compare:" not in more.stderr  # what was there is written over
    recorder.server.stop()
    for words, lines in ((("a", "b"), first.stdout), (("b", "c"), more.stdout)):
        done = recorder.record("none", *words)
        assert (done.returncode, done.stdout) == (0, lines), done.stderr.decode()
    assert [one.name for one in recorder.folder.glob("*.part.avcr")] == []


def test_all_records_anew_and_refuses_what_is_there(recorder):
    recorder.record("all", "a")
    assert recorder.record("all", "b").returncode == 2
    assert recorder.record("all", "b", extra=["--force"]).returncode == 0
    assert (recorder.asked(), recorder.server.count) == (["b"], 2)


def test_nothing_is_lost_when_the_recorder_of_new_episodes_is_killed(recorder):
    recorder.record("new_episodes", "a")
    before = (recorder.folder / "x.avcr").read_bytes()
    done = recorder.record("new_episodes", "a", "b", "die")
    assert done.returncode == -signal.SIGKILL
    assert (recorder.folder / "x.avcr").read_bytes() == before
    (part,) = recorder.folder.glob("*.part.avcr")
    assert [one.served_from for one in load_run(part).exchanges] == [1, None]
    assert b"This is answer 2" in load_run(part).exchanges[1].response.body
    assert recorder.record("new_episodes", "a", "c").returncode == 0


@pytest.mark.parametrize("mode", ["once", "new_episodes"])
def test_a_command_that_is_not_there_leaves_the_cassette_as_it_was(recorder, mode):
    recorder.record("all", "a")
    before = (recorder.folder / "x.avcr").read_bytes()
    done = command("record", "--mode", mode, "-o", "x.avcr", "--", "./nowhere", cwd=recorder.folder)
    assert done.returncode == 127
    assert (recorder.folder / "x.avcr").read_bytes() == before
    assert [one.name for one in recorder.folder.glob("*.part.avcr")] == []


@pytest.mark.parametrize("extra", [["--force"], []])
def test_a_mode_names_its_cassette_and_writes_over_none(tmp_path, extra):
    where = ["-o", "x.avcr"] if extra else []
    done = command("record", "--mode", "once", *where, *extra, "--", "true", cwd=tmp_path)
    assert done.returncode == 2
    assert list(tmp_path.iterdir()) == []


def test_the_programs_own_status_is_passed_on_from_a_replay_too(recorder):
    words = ("record", "--mode", "once", "-o", "y.avcr", "--", "sh", "-c", "exit 3")
    assert [command(*words, cwd=recorder.folder).returncode for _ in range(2)] == [3, 3]


# --- in this process ------------------------------------------------------------------------------


@pytest.fixture
def ask(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    with CounterServer(jitter_ms=(0, 1)) as server:

        def asked(*words):
            url = server.base_url + "/v1/chat/completions"
            return [httpx2.post(url, json={"model": "m", "q": one}).json()["id"] for one in words]

        asked.server = server
        yield asked


def test_a_block_under_once_records_and_then_replays(ask):
    told = []
    for _ in range(2):
        with agentvcr.record("x.avcr", mode="once"):
            told.append(ask("a", "b"))
    assert (told[0], ask.server.count) == (told[1], 2)
    with pytest.raises(DivergenceError), agentvcr.record("x.avcr", mode="once"):
        ask("c")
    assert ask.server.count == 2


def test_a_block_under_new_episodes_goes_on_in_the_same_cassette(ask):
    with agentvcr.record("x.avcr", mode="new_episodes"):
        first = ask("a", "b")
    with agentvcr.record("x.avcr", mode="new_episodes") as session:
        second = ask("b", "c")
        assert len(session.run.exchanges) == 2
    assert (second[0], ask.server.count) == (first[1], 3)
    assert [one.kind for one in session.divergences] == ["live"]
    assert len(session.run.exchanges) == 3
    with agentvcr.record("x.avcr", mode="none"):
        assert [*ask("a"), *ask("b", "c")] == [first[0], *second]


def test_a_block_under_none_needs_a_cassette(ask):
    with pytest.raises(CassetteMissingError), agentvcr.record("x.avcr", mode="none"):
        ask("a")


def test_a_mode_that_is_none_is_refused():
    with pytest.raises(BadOptionError, match="new_episodes"):
        agentvcr.record("x.avcr", mode="sometimes")
