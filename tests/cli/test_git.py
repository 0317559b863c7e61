"""Cassettes in git: binary to git, readable in `git diff`."""

import shlex
import subprocess

import pytest

from agentvcr.cassette.reader import load_run
from agentvcr.session.project.setting_up import set_up
from tests.support.command_line import agentvcr
from tests.support.repository import apart, clone_of, made
from tests.unit.build import EVENTS, chat, exchange, request, response, run, tool
from tests.unit.recorded import write_journal


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A project that was set up for cassettes."""
    apart(monkeypatch, tmp_path)
    repository = made(tmp_path / "project")
    set_up(repository.folder)
    return repository


def two_branches(repository, ours, theirs, *, path="cassettes/a.avcr"):
    """Record one cassette otherwise on two branches; `theirs` is the other one."""
    write_journal(repository.folder / path, run(chat("Trees?", "Oaks.")))
    repository.commit("base")
    for branch, recorded in (("theirs", theirs), ("main", ours)):
        repository.ok("switch", "-q", *(["-c"] if branch == "theirs" else []), branch)
        if isinstance(recorded, bytes):
            (repository.folder / path).write_bytes(recorded)
        else:
            write_journal(repository.folder / path, recorded)
        repository.commit(branch)
    return repository.folder / path


def asked(path):
    (one,) = load_run(path).exchanges
    return one.request.body


def changed_lines(diff):
    marked = [line for line in diff.split("\n") if line.startswith(("+", "-"))]
    return [line for line in marked if not line.startswith(("+++", "---"))]


def test_git_diff_shows_what_was_said_otherwise_and_nothing_else(repository):
    path = repository.folder / "a.avcr"
    write_journal(path, run(chat("one"), chat("two", "Yes."), stdout=b"done\n"))
    repository.commit()
    later = chat("two", "No.", began_ms=900, took_ms=40)
    write_journal(path, run(chat("one", began_ms=3), later, stdout=b"done\n"))
    assert changed_lines(repository.ok("diff")) == ["-    Yes.", "+    No."]


def test_two_recordings_that_say_the_same_have_no_diff(repository):
    path = repository.folder / "a.avcr"
    one, other = (chat("a", lane="main/task2"), chat("b", lane="main/task10"))
    write_journal(path, run(one, other))
    repository.commit()
    write_journal(path, run(other, one))
    assert repository.ok("status", "--short") != ""
    assert changed_lines(repository.ok("diff")) == []


def test_a_merge_of_two_recordings_leaves_ours_whole_and_says_what_differs(repository):
    ours = run(chat("Trees in town?"), argv=("{python}", "crew.py", "--topic", "two words"))
    path = two_branches(repository, ours, run(chat("Trees on land?")))
    before = path.read_bytes()
    done = repository.git("merge", "theirs")
    assert done.returncode == 1
    assert path.read_bytes() == before
    assert repository.ok("status", "--short") == "UU cassettes/a.avcr\n"
    told = done.stderr.split("agentvcr: ")[1].splitlines()
    anew = "agentvcr record --force -o cassettes/a.avcr -- python crew.py --topic 'two words'"
    assert told == [
        "cassettes/a.avcr: the two sides recorded different runs; it is left as ours",
        "  step llm[0] (gpt-4o-mini) is changed, the first of 1",
        "    request.messages[0].content",
        "      ours:   Trees in town?",
        "      theirs: Trees on land?",
        "  keep one of them:",
        "    git checkout --ours -- cassettes/a.avcr && git add -- cassettes/a.avcr",
        "    git checkout --theirs -- cassettes/a.avcr && git add -- cassettes/a.avcr",
        "  or record it anew, then git add it: " + anew,
    ]
    assert ".merge_file" not in done.stderr


@pytest.mark.parametrize(
    ("verb", "side", "said"),
    [
        ("merge", "ours", b"in town"),
        ("merge", "theirs", b"on land"),
        ("rebase", "ours", b"on land"),  # there git calls ours what one rebases onto
    ],
)
def test_the_commands_that_a_merge_names_work_where_it_was_called(repository, verb, side, said):
    elsewhere = repository.folder / "other folder"
    elsewhere.mkdir()
    (elsewhere / "kept").touch()
    name = "cassettes/it's.avcr"
    path = two_branches(
        repository, run(chat("Trees in town?")), run(chat("Trees on land?")), path=name
    )
    done = repository.git(verb, "theirs", cwd="other folder")
    assert done.returncode == 1
    (command,) = [line for line in done.stderr.splitlines() if f"git checkout --{side}" in line]
    assert shlex.quote("../" + name) in command
    subprocess.run(["bash", "-c", command], cwd=elsewhere, check=True)
    assert said in asked(path)
    assert not repository.ok("diff", "--name-only", "--diff-filter=U")


def test_a_merge_of_two_recordings_of_one_run_is_clean(repository):
    ours = run(chat("Trees in town?", took_ms=3))
    path = two_branches(repository, ours, run(chat("Trees in town?", took_ms=90)))
    before = path.read_bytes()
    done = repository.git("merge", "--no-edit", "theirs")
    assert done.returncode == 0
    assert "both sides recorded the same run; ours is kept" in done.stderr
    assert path.read_bytes() == before
    assert repository.ok("status", "--short") == ""


@pytest.mark.parametrize("broken", ["ours", "theirs"])
def test_a_merge_with_what_is_no_cassette_says_so_and_leaves_ours(repository, broken):
    whole = run(chat("Trees in town?"))
    sides = {"ours": whole, "theirs": whole, broken: b"\x00<<<<<<< no cassette"}
    path = two_branches(repository, sides["ours"], sides["theirs"])
    before = path.read_bytes()
    done = repository.git("merge", "theirs")
    assert done.returncode == 1
    assert path.read_bytes() == before
    said = f"{broken}: cassettes/a.avcr is not a cassette\n"
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    repository.ok("checkout", "--theirs", "--", "cassettes/a.avcr")


def test_a_clone_has_the_files_but_not_the_settings_until_init_is_run_there(repository, tmp_path):
    two_branches(repository, run(chat("Trees in town?")), run(chat("Trees on land?")))
    other = clone_of(repository, tmp_path / "other")
    path = other.folder / "cassettes" / "a.avcr"
    before = path.read_bytes()
    without = other.git("merge", "origin/theirs")
    assert (without.returncode, path.read_bytes()) == (1, before)
    assert "Binary files" in other.ok("diff", "HEAD", "origin/theirs")
    other.ok("merge", "--abort")
    done = agentvcr("init", cwd=other.folder)
    assert b"kept .gitattributes" in done.stdout
    assert b"set merge.avcr.driver" in done.stdout
    assert changed_lines(other.ok("diff", "HEAD", "origin/theirs")) == [
        "-    Trees in town?",
        "+    Trees on land?",
    ]
    assert "different runs" in other.git("merge", "origin/theirs").stderr
    assert other.ok("status", "--short") == "UU cassettes/a.avcr\n"


def test_a_conversation_that_grows_is_told_once(capsys, tmp_path):
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
