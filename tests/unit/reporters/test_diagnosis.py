"""What `doctor` says of its findings is so."""

import io

import pytest

from agentvcr.model.diagnosis import Diagnosis, Finding, Trial
from agentvcr.reporters.diagnosis import render


def told(*findings, **details):
    """Give what is said, in one line."""
    known = {"command": ("x",), "exit_status": 0, "signal": None, "exchanges": 3, "trials": ()}
    result = Diagnosis(findings=findings, **(known | details))
    out = io.StringIO()
    render(result, out)
    assert max(map(len, out.getvalue().splitlines())) <= 80
    return " ".join(out.getvalue().split())


def finding(cause, **details):
    return Finding(cause=cause, lines=(), is_certain=False, places=(), **details)


KEPT = finding("clock")
OWN = finding("process-id", comes_back=False)
HERE = finding("environment", comes_back=False, variable="TEAM")


@pytest.mark.parametrize(
    ("findings", "said"),
    [
        ([KEPT], "A replay brings all of this back as recorded"),
        ([KEPT, OWN, HERE], "A replay brings the rest back as recorded"),
        ([OWN, HERE], None),
    ],
)
def test_only_what_a_replay_brings_back_is_said_to_come_back(findings, said):
    text = told(*findings)
    assert (said in text) if said else ("A replay brings" not in text)
    assert text.count("a replay has another, too") == findings.count(OWN)
    assert text.count("TEAM (a replay has that of where it runs)") == findings.count(HERE)


def test_a_replay_that_ended_otherwise_is_told_with_its_status():
    trial = Trial(control="race", differs=True, ended="exit status 1")
    text = told(KEPT, trials=(trial,))
    assert "with another order of answers CMD ended otherwise: exit status 1" in text


@pytest.mark.parametrize(
    ("exit_status", "signal", "has_failed"), [(0, None, False), (7, None, True), (None, 11, True)]
)
def test_a_program_that_failed_before_it_asked_was_not_looked_at(exit_status, signal, has_failed):
    text = told(exchanges=0, exit_status=exit_status, signal=signal)
    assert ("CMD failed" in text) == has_failed
    assert ("nothing to look at" in text) == (not has_failed)
