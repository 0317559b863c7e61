"""The lines at the end of a recording."""

import io

import pytest

from agentvcr.model.summary import (
    ClientCount,
    HostCount,
    NotRecorded,
    ProcessCount,
    RecordSummary,
)
from agentvcr.reporters import markdown, summary
from tests.unit.reporters.conftest import EVIL


def summed_up(**changes):
    fields = {
        "path": "x.avcr",
        "exchanges": 3,
        "processes": 1,
        "bytes_sent": 1_200_000,
        "bytes_received": 340,
        "by_host": hosts(1),
        "by_client": (ClientCount(client="httpx", exchanges=3),),
        "by_process": (ProcessCount(command="python a.py", processes=1, exchanges=3),),
        "credentials": 0,
        "unrecorded": (),
        "not_recorded": (),
        "broken": None,
        "unsealed": None,
        "exit_status": 0,
    }
    return RecordSummary(**{**fields, **changes})


def hosts(number):
    return tuple(
        HostCount(host=f"{n}.example", exchanges=9000 - n, internal=n == 1) for n in range(number)
    )


def missed(what, kind="unrecorded", count=1):
    return NotRecorded(
        kind=kind, what=what, why="for a reason", count=count, by_choice=kind == "live"
    )


def drawn(reporter, result):
    out = io.StringIO()
    reporter.render(result, out)
    return out.getvalue()


def lines(**changes):
    return [
        line.removeprefix("agentvcr: ")
        for line in drawn(summary, summed_up(**changes)).splitlines()
    ]


def test_one_host_one_client_and_one_process_need_no_table():
    assert lines() == ["recorded 3 exchanges of 1 process in x.avcr"]


@pytest.mark.parametrize(("status", "named"), [(0, ""), (3, ""), (139, "SIGSEGV")])
def test_a_signal_that_ended_a_command_before_it_spoke_is_named(status, named):
    (_, told) = lines(processes=0, exchanges=0, exit_status=status)
    before = f"{named} may have ended it before, " if named else ""
    assert f"came to the gateway: {before}none printed or asked" in told


def test_more_than_one_of_anything_is_told_by_all():
    clients = [ClientCount(client=name, exchanges=1) for name in ("agentvcr.tool", "httpx")]
    assert lines(by_host=hosts(2), by_client=tuple(clients))[1:] == [
        "  bytes:      1.2 MB sent, 340 B received",
        "  by host:    0.example 9,000, 1.example 8,999 (internal)",
        "  by client:  tools 1, httpx 1",
        "  by process: python a.py: 3",
    ]


@pytest.mark.parametrize("number", [2, 10, 11, 500])
def test_ten_are_told_and_how_many_more_there_are_in_80_columns(number):
    told = drawn(summary, summed_up(by_host=hosts(number)))
    assert told.count(".example") == min(number, 10)
    assert (f"and {number - 10} more\n" in told) == (number > 10)
    assert max(map(len, told.splitlines())) <= 80


def test_nothing_is_counted_of_a_run_that_asked_nothing():
    assert lines(exchanges=0, processes=2, by_host=(), by_client=())[1:] == []


def test_at_most_five_that_were_missed_are_told_and_how_many_more_there_are():
    told = lines(not_recorded=tuple(missed(f"10.0.0.{n}:5432", count=n) for n in range(1, 8)))
    assert told[1] == "not recorded: 10.0.0.1:5432, for a reason"
    assert told[2] == "not recorded: 10.0.0.2:5432, for a reason (2 processes)"
    assert told[5:] == [
        "not recorded: 10.0.0.5:5432, for a reason (5 processes)",
        "not recorded: and 2 more",
    ]


def test_a_process_that_was_not_entered_is_told_in_a_line_of_moderate_length():
    (told,) = lines(not_recorded=(missed("python -c " + "x\n" * 999, "unentered", 3),))[1:]
    assert told.endswith("x…, for a reason (3 times)")
    assert len(told) < 180


def test_what_was_chosen_stands_in_one_place():
    told = lines(not_recorded=(missed("a:1", "live", 1200), missed("b:2", "live")))
    assert told[1:] == ["not recorded by choice: a:1 1,200 (for a reason), b:2 1 (for a reason)"]


@pytest.mark.parametrize("kind", ["broken", "silent"])
def test_what_has_a_line_of_its_own_is_not_told_twice(kind):
    changes = {"broken": "disk full"} if kind == "broken" else {"processes": 0, "exchanges": 0}
    told = lines(not_recorded=(missed("CMD", kind),), **changes)
    assert not any(line.startswith("not recorded") for line in told)
    assert any("disk full" in line or "no Python process" in line for line in told)


def test_nothing_that_was_reached_can_steer_a_terminal_or_a_page():
    result = summed_up(
        not_recorded=(missed(f"unix:{EVIL}"), missed(EVIL, "live")),
        by_process=(ProcessCount(command=EVIL, processes=2, exchanges=3),),
        by_client=(ClientCount(client=EVIL, exchanges=1),) * 2,
    )
    told = drawn(summary, result)
    page = drawn(markdown, result)
    assert "\x1b" not in told + page
    assert "\u202e" not in told + page
    assert "\\x1b" in told
    assert "\\x1b" in page
    for line in page.splitlines():
        assert "<b>" not in line or "``" in line, line


def test_a_page_tells_each_count_and_each_reason():
    chosen = missed("b:2", "live")
    page = drawn(markdown, summed_up(not_recorded=(missed("a:1"), chosen), broken="disk full"))
    for told in (
        "# `x.avcr`",
        "- recording incomplete: `disk full`",
        "- 3 exchanges of 1 process",
        "- 1.2 MB sent, 340 B received",
        "| `0.example` | 9,000 |",
        "| `python a.py` (1 process) | 3 |",
        "| `a:1` | for a reason | 1 |",
        "| `b:2` | by choice: for a reason | 1 |",
    ):
        assert f"{told}\n" in page
