"""What changed is told in a line, the most telling first, and a long list is cut."""

import io

import pytest
from msgspec.structs import replace

from agentvcr.diff.rundiff import diff
from agentvcr.model.results import Surrounding
from agentvcr.model.summary import ReplaySummary
from agentvcr.reporters import markdown, summary, terminal
from agentvcr.reporters.surroundings import tell_changed
from tests.unit.build import run, tool


def one(kind, name, status="changed", before=None, after=None):
    return Surrounding(kind=kind, name=name, status=status, before=before, after=after)


AGENT, PROMPT = one("source", "agent.py"), one("file", "p.md", "added")
PACKAGE = one("package", "openai", before="1.2", after="1.3")
VARIABLES = one("environment", "A", "removed"), one("environment", "TZ", "added", None, "UTC")


def test_nothing_is_told_of_nothing():
    assert tell_changed(()) == ""


def test_kinds_are_told_apart():
    told = tell_changed((AGENT, PROMPT, PACKAGE, *VARIABLES))
    named = "agent.py, p.md (new); openai 1.2 → 1.3; environment: A (gone), TZ (absent) → UTC"
    assert told == named


def test_a_long_list_is_cut():
    many = [one("file", f"{n}.md") for n in range(7)]
    assert tell_changed(many) == "0.md, 1.md, 2.md, 3.md, 4.md, and 2 more"
    assert "and" not in tell_changed(many[:5])


def test_files_that_changed_push_no_variables_out_and_those_have_an_end_of_their_own():
    many = [one("file", f"{n}.md") for n in range(6)]
    variables = [one("environment", name) for name in "ABCDEFGHIJ"]
    told = "0.md, 1.md, 2.md, 3.md, 4.md; environment: A, B, C, D, E, F, G, H, and 3 more"
    assert tell_changed([*many, *variables]) == told


def test_a_long_value_is_cut():
    told = tell_changed([one("argv", "command", before="x" * 500, after="y")])
    assert len(told) < 100


def result(*, same):
    a, b = run(tool("/a")), run(tool("/a" if same else "/b"))
    return replace(diff(a, b), changed=(AGENT, PACKAGE))


def summed_up(*, same, **more):
    fields = {
        "path": "x.avcr",
        "replayed_as": "x.last.avcr",
        "command": (),
        "exchanges": 1,
        "divergence": None,
        "accepted": (),
        "added": (),
        "asked_live": (),
        "changed": (),
        "unused": (),
        "not_replayed": (),
        "isolated": True,
        "broken": None,
        "exit_status": 0,
        "diff": result(same=same),
    }
    return ReplaySummary(**{**fields, **more})


@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize(
    ("reporter", "make"), [(summary, summed_up), (terminal, result), (markdown, result)]
)
def test_it_is_told_where_the_runs_differ_alone(reporter, make, same):
    out = io.StringIO()
    reporter.render(make(same=same), out)
    assert ("agent.py; openai 1.2 → 1.3" in out.getvalue()) is not same


def test_a_recording_that_was_interrupted_is_told_since_its_replay_is_too():
    for signals, told in ((("SIGUSR1",), False), (("SIGUSR1", "SIGINT"), True)):
        out = io.StringIO()
        summary.render(summed_up(same=True, signals=signals), out)
        assert ("interrupted by SIGINT, which comes again" in out.getvalue()) is told


def test_turns_that_did_not_come_are_told_and_not_where_the_replay_was_stopped():
    turns = tuple(f"turn {number}" for number in range(9))
    for stopped in (None, "no recorded exchange answers GET /"):
        out = io.StringIO()
        summary.render(summed_up(same=True, divergence=stopped, other_order=turns), out)
        assert ("another order" in out.getvalue()) is (stopped is None)
        assert ("agentvcr: and 4 more\n" in out.getvalue()) is (stopped is None)
