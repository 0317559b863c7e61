"""Reports to draw: a case of each verdict, and what a recording may hold to steer a reader."""

from __future__ import annotations

from typing import Any

from agentvcr.model.report import CaseReport, FailureReport, SuiteReport
from tests.golden.make_failures import FAILURES

EVIL = "::error::x\r\n::set-env name=A::b\n##[add-path]/x `|</details><b>\x1b[2J\ufffe\u202e"


def failing(name: str, failure: FailureReport, **what: Any) -> CaseReport:
    """Give a case that did otherwise than recorded."""
    path = f"cassettes/{name}.avcr"
    what = {"verdict": "regression", "passed": False, "duration_s": 1.5, **what}
    return CaseReport(name=name, path=path, failure=failure, **what)


def evil_failure() -> FailureReport:
    """Give a failure of which every word would be somebody else's command."""
    return FailureReport(
        title=EVIL,
        kind="wording",
        step=EVIL,
        where=EVIL,
        before=EVIL,
        after=f"{EVIL} and more",
        again=("agentvcr", "record", EVIL),
        file=EVIL,
        text=EVIL,
    )


def report(*more: CaseReport) -> SuiteReport:
    """Give a report with a case of each verdict, and with `more`."""
    cases = (
        CaseReport(name="fine", path="cassettes/fine.avcr", verdict="identical", passed=True),
        failing("called", FAILURES["tool_call"], kept="cassettes/called.last.avcr"),
        failing("said", FAILURES["wording"], verdict="benign", passed=True),
        failing("hung", FAILURES["error"], verdict="error"),
        CaseReport(
            name="imported",
            path="cassettes/imported.avcr",
            verdict="skipped",
            passed=True,
            why="it was not recorded from a command",
        ),
        CaseReport(
            name="late", path="cassettes/late.avcr", verdict="not_run", passed=True, why="-x"
        ),
        *more,
    )
    return SuiteReport(cases=cases, duration_s=3.2, exit_status=1)
