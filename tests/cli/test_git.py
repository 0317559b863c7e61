"""Cassettes in git: binary to git, readable in `git diff`."""

import subprocess
import sys

import pytest

from tests.unit.build import EVENTS, chat, exchange, request, response, run, tool
from tests.unit.recorded import write_journal

TEXTCONV = f"{sys.executable} -m agentvcr show --text"


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Make a repository as the page says."""
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, "/dev/null")
    git(tmp_path, "init", "-q")
    git(tmp_path, "config", "diff.avcr.textconv", TEXTCONV)
    git(tmp_path, "config", "user.email", "somebody@example.org")
    git(tmp_path, "config", "user.name", "Somebody")
    (tmp_path / ".gitattributes").write_text("*.avcr binary diff=avcr\n")
    return tmp_path


def git(folder, *words):
    done = subprocess.run(
        ["git", *words], cwd=folder, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def changed_lines(diff):
    marked = [line for line in diff.split("\n") if line.startswith(("+", "-"))]
    return [line for line in marked if not line.startswith(("+++", "---"))]


def test_git_diff_shows_what_was_said_otherwise_and_nothing_else(repository):
    path = repository / "a.avcr"
    write_journal(path, run(chat("one"), chat("two", "Yes."), stdout=b"done\n"))
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "one")
    later = chat("two", "No.", began_ms=900, took_ms=40)
    write_journal(path, run(chat("one", began_ms=3), later, stdout=b"done\n"))
    assert changed_lines(git(repository, "diff")) == ["-    Yes.", "+    No."]


def test_two_recordings_that_say_the_same_have_no_diff(repository):
    path = repository / "a.avcr"
    one, other = (chat("a", lane="main/task2"), chat("b", lane="main/task10"))
    write_journal(path, run(one, other))
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "one")
    write_journal(path, run(other, one))
    assert git(repository, "status", "--short") != ""
    assert changed_lines(git(repository, "diff")) == []


def test_a_conversation_that_grows_is_told_once(capsys, tmp_path):
    from agentvcr.cassette.reader import load_run
    from agentvcr.cli.console import show_text

    turns = [{"role": "user", "content": f"turn {number}"} for number in range(30)]
    asked = [request({"model": "m", "messages": turns[: count + 1]}) for count in range(30)]
    write_journal(tmp_path / "a.avcr", run(*(exchange(one, None) for one in asked)))
    show_text(load_run(tmp_path / "a.avcr"))
    shown = capsys.readouterr().out
    assert [shown.count(f"    turn {number}\n") for number in range(30)] == [1] * 30
    assert shown.count("settings:") == 1
    assert "[0..28] as in the step before" in shown


def test_streams_binary_failures_and_loopback_ports_are_told(capsys, tmp_path):
    from agentvcr.cassette.reader import load_run
    from agentvcr.cli.console import show_text

    events = response(b'data: {"x": 1}\n\n', headers=EVENTS)
    asked = request(b"", url="http://127.0.0.1:43210/a?b=1", method="GET", headers=())
    told = run(
        tool("/x", b"\x00\xff" * 600),
        exchange(asked, events),
        tool("/z", status=503, kind="closed"),
        stdout=b"end\n",
        argv=(),
        exit_status=None,
        signal=9,
    )
    write_journal(tmp_path / "a.avcr", told)
    show_text(load_run(tmp_path / "a.avcr"))
    shown = capsys.readouterr().out
    assert "answer: 1.2 kB that are not text" in shown
    assert "GET http://127.0.0.1/a?b=1 -> 200\n" in shown
    assert '    data: {"x": 1}' in shown
    assert "GET https://tools.example/z -> 503, closed" in shown
    assert shown.startswith("killed by SIGKILL\n")
    assert shown.endswith("## output\n    end\n")
