"""Commands, so many at a time, and what happens when it is enough."""

import sys

import pytest

from agentvcr.session.suite_runs import Runs, Task

SLEEPS = "import time; time.sleep(1000)"


def tasks(folder, *programs):
    return [
        Task([sys.executable, "-S", "-c", program], folder / f"{number}.txt")
        for number, program in enumerate(programs)
    ]


def ran(todo, *, jobs, timeout_s=60.0, enough=lambda _: False):
    found = []

    def ended(one):
        found.append(one)
        return not enough(one)

    assert Runs(todo, jobs=jobs, timeout_s=timeout_s).run(ended) is None
    return sorted((one.task, one.status, one.timed_out) for one in found)


def test_each_is_run_and_its_status_and_words_are_kept(tmp_path):
    todo = tasks(tmp_path, "print(1)", "import sys; sys.exit('no')", "print(3)")
    assert ran(todo, jobs=2) == [(0, 0, False), (1, 1, False), (2, 0, False)]
    assert [one.output.read_text() for one in todo] == ["1\n", "no\n", "3\n"]


def test_where_it_is_enough_what_runs_is_ended_and_nothing_more_is_started(tmp_path):
    todo = tasks(tmp_path, SLEEPS, "import sys; sys.exit(1)", "print(3)")
    found = ran(todo, jobs=2, enough=lambda one: one.status == 1)
    assert found[:2] == [(0, None, False), (1, 1, False)]
    # The third may have begun, and then it was ended; else nobody heard of it.
    assert found[2:] in ([], [(2, None, False)])


def test_one_that_takes_too_long_is_ended(tmp_path):
    assert ran(tasks(tmp_path, SLEEPS), jobs=1, timeout_s=0.2) == [(0, None, True)]


def test_one_that_asks_to_be_left_alone_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr("agentvcr.channel.group.TERM_S", 0.2)
    stubborn = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPS}"
    assert ran(tasks(tmp_path, stubborn), jobs=1, timeout_s=1.0) == [(0, None, True)]


def test_a_command_that_cannot_be_started_is_an_error_at_once(tmp_path):
    with pytest.raises(OSError, match="no-such-program"):
        ran([Task(["/no-such-program"], tmp_path / "0.txt")] * 3, jobs=2)
