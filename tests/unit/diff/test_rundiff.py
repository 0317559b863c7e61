from __future__ import annotations

import time

import msgspec
import pytest

from agentvcr.diff.rundiff import diff
from agentvcr.model.results import DiffCounts
from tests.unit.build import chat, exchange, request, run, tool


def statuses(result):
    return [entry.status for entry in result.entries]


def test_a_run_is_the_same_as_itself():
    one = run(chat("a"), tool("/x"), stdout=b"done\n", exit_status=3)
    result = diff(one, one)
    assert result.same
    assert result.counts == DiffCounts(same=2)
    assert (result.first, result.output, result.ending) == (None, (), None)


def test_two_runs_without_steps_are_the_same():
    assert diff(run(), run()).same


def test_an_inserted_call_is_one_added_step_and_the_rest_stays_the_same():
    result = diff(run(chat("a"), chat("b")), run(chat("a"), chat("new"), chat("b")))
    assert statuses(result) == ["same", "added", "same"]
    assert not result.same
    assert result.first == 1


def test_the_first_divergence_comes_first_and_what_followed_is_counted_under_it():
    a = run(chat("a"), chat("b", "x"), tool("/x"), chat("c"))
    b = run(chat("a"), chat("b", "y"), tool("/y"), chat("c"))
    result = diff(a, b)
    assert statuses(result) == ["same", "changed", "changed", "same"]
    assert (result.first, result.consequences, result.concurrent) == (1, (2,), ())
    assert result.entries[1].changes[0].where == "response.message.content"


def test_what_was_under_way_beside_the_first_divergence_is_no_consequence():
    def lanes(word):
        return run(
            chat("a", word, lane="main/task0", began_ms=100, took_ms=50),
            chat("b", word, lane="main/task1", began_ms=110, took_ms=50),
            chat("c", word, lane="main/task1", began_ms=200),
        )

    result = diff(lanes("x"), lanes("y"))
    assert (result.first, result.consequences, result.concurrent) == (0, (2,), (1,))


def test_who_was_only_broken_off_is_not_first_where_another_asked_something_else():
    def side(*more, kind, answer):
        asked = request({"model": "m", "messages": [{"role": "user", "content": "a"}]})
        beside = exchange(asked, answer, lane="main/task0", began_ms=100, took_ms=50, kind=kind)
        return run(beside, *more)

    answer = chat("a").response
    ended = side(
        chat("b", lane="main/task1", began_ms=300),
        chat("c", lane="main/task0", began_ms=400),
        kind="eof",
        answer=answer,
    )
    for kind in (None, "cancelled"):
        result = diff(
            ended, side(chat("new", lane="main/task1", began_ms=120), kind=kind, answer=None)
        )
        assert statuses(result) == ["changed", "changed", "removed"]
        assert (result.first, result.concurrent) == (1, (0,))
        alone = diff(
            ended, side(chat("b", lane="main/task1", began_ms=120), kind=kind, answer=None)
        )
        assert alone.first == 0


def test_tokens_and_latency_stand_beside_and_are_no_difference():
    result = diff(run(chat("a", took_ms=10)), run(chat("a", took_ms=900)))
    assert result.same
    (entry,) = result.entries
    assert entry.a is not None
    assert entry.b is not None
    assert (entry.a.latency_ms, entry.b.latency_ms) == (10, 900)


def test_steps_that_a_halted_replay_never_came_to_are_not_reached():
    a = run(chat("a"), chat("b"), chat("c"), tool("/x"), chat("d", lane="main/task0"))
    asked = request({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "B"}]})
    missed = exchange(asked, None, kind="failed")
    result = diff(a, run(chat("a"), missed, notes=[("divergence", "no such request")]))
    assert statuses(result) == ["same", "changed", "not_reached", "not_reached", "not_reached"]
    assert result.halted == "no such request"
    assert [change.where for change in result.entries[1].changes] == ["request.messages[0].content"]
    assert result.consequences == (2, 3, 4)


def test_a_step_left_out_before_the_halt_is_removed():
    a = run(chat("a"), chat("b"), chat("c"), chat("d"))
    b = run(chat("a"), chat("c"), notes=[("divergence", "stopped")])
    assert statuses(diff(a, b)) == ["same", "removed", "same", "not_reached"]


def test_a_request_that_the_halt_left_without_its_answer_is_not_reached():
    waiting = msgspec.structs.replace(chat("a", kind=None), response=None)
    result = diff(run(chat("a")), run(waiting, notes=[("divergence", "stopped")]))
    assert statuses(result) == ["not_reached"]


def test_without_a_halt_missing_steps_are_removed():
    assert statuses(diff(run(chat("a"), chat("b")), run(chat("a")))) == ["same", "removed"]


def test_internal_exchanges_count_by_presence_alone():
    a = tool("/rpc", {"n": 1}, internal=True)
    b = tool("/rpc", {"n": 2}, internal=True)
    assert diff(run(a), run(b)).same
    assert statuses(diff(run(a), run())) == ["removed"]


def test_output_differs_from_its_first_line_that_does():
    result = diff(run(stdout=b"one\ntwo\nthree\n"), run(stdout=b"one\n2\nthree\n", stderr=b"!"))
    told = [(o.stream, o.line, o.before, o.after) for o in result.output]
    assert told == [("stdout", 2, "two", "2"), ("stderr", 1, None, "!")]
    assert not result.same
    assert result.first is None


def test_a_missing_newline_at_the_end_is_shown_as_one():
    (output,) = diff(run(stdout=b"one\ntwo\n"), run(stdout=b"one\ntwo")).output
    assert (output.line, output.before, output.after) == (2, "two\n", "two")


def test_output_that_is_no_text_is_shown_with_escapes():
    (output,) = diff(run(stdout=b"\xff"), run(stdout=b"\xfe")).output
    assert (output.before, output.after) == ("\\xff", "\\xfe")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"/srv/app/a.py:3: UserWarning: x\n", b"/home/me/app/a.py:3: UserWarning: x\n"),
        (b"in /srv/app, file:///srv/app/x.", b"in /home/me/app, file:///home/me/app/x."),
        (b"/v/lib/python3.11/site-packages/a.py:3\n", b"/srv/app/.v/site-packages/a.py:3\n"),
        (b"/usr/lib/python3.11/ast.py:3\n", b"/opt/x64/lib/python3.11/ast.py:3\n"),
    ],
)
def test_where_the_project_and_its_packages_lie_is_no_difference(before, after):
    a, b = run(stderr=before, root=b"/srv/app"), run(stderr=after, root=b"/home/me/app")
    assert diff(a, b).same
    assert not diff(run(stderr=before), run(stderr=after + b"more")).same


@pytest.mark.parametrize("after", [b"/x/apples\n", b"/mnt/x/app\n", b"/x/app/b\n", b"/x/app.d\n"])
def test_another_place_below_the_project_is_a_difference(after):
    (output,) = diff(
        run(stdout=b"ok\n/srv/app\n", root=b"/srv/app"), run(stdout=b"ok\n" + after, root=b"/x/app")
    ).output
    assert (output.line, output.before, output.after) == (2, "/srv/app", after[:-1].decode())


def test_exit_status_and_signal_are_compared():
    def ending(a, b):
        found = diff(a, b).ending
        return found and (found.before, found.after)

    assert ending(run(), run(exit_status=1)) == ("exit status 0", "exit status 1")
    killed = run(exit_status=None, signal=9)
    assert ending(run(), killed) == ("exit status 0", "killed by SIGKILL")
    assert ending(run(), run(ended=False)) == ("exit status 0", "not recorded")
    assert ending(killed, killed) is None


def test_a_run_of_thousands_of_steps_is_compared_in_a_moment():
    history = "word " * 4000
    a = run(*(chat(f"{history}{n}") for n in range(1500)))
    b = run(*(chat(f"{history}{n}", "No." if n == 700 else "Yes.") for n in range(1500)))
    began = time.perf_counter()
    result = diff(a, b)
    assert time.perf_counter() - began < 5
    assert (result.first, result.counts.changed, result.counts.same) == (700, 1, 1499)


def test_a_result_is_plain_json_and_comes_back_whole():
    one = run(chat("a"), tool("/x", b"\xff\x00"), stdout=b"\xff")
    result = diff(one, run(chat("b"), stdout=b"\xfe"))
    assert msgspec.json.decode(msgspec.json.encode(result), type=type(result)) == result
