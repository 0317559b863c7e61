"""What a report of several replays tells: each case, and of one that fails, where and why.

Owns those shapes, whoever fills them: `agentvcr test`, or a test framework. Does not fill them
(`session.suite`, `diff.failure`) and does not draw them (`reporters`).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from agentvcr.model.results import Surrounding
from agentvcr.model.verdict import DifferenceKind, Reason

CaseVerdict = Literal["identical", "benign", "regression", "error", "skipped", "not_run"]
"""A verdict, or why there is none: it could not be had, nobody could ask for it, nobody did."""

CASE_VERDICTS: tuple[CaseVerdict, ...] = (
    "regression",
    "error",
    "benign",
    "identical",
    "skipped",
    "not_run",
)
"""In the order in which they matter to a reader."""


class FailureReport(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that went otherwise than recorded, and what to do about it."""

    title: str
    """What it is, in a line."""
    kind: DifferenceKind | Literal["error"]
    step: str | None = None
    """Number, id and action of the step: `1 plan/llm[0]  demo-1`."""
    where: str | None = None
    """The field, as a diff names it: `request.messages[0].content`."""
    before: str | None = None
    """What is recorded there, cut to the surroundings of what differs; None: it is not there."""
    after: str | None = None
    """What is there now."""
    others: tuple[Reason, ...] = ()
    """What differs besides, in the order of a verdict's reasons."""
    changed: tuple[Surrounding, ...] = ()
    """What changed since the recording, and may be the cause."""
    compare: tuple[str, ...] = ()
    """The command that shows every difference, in words; empty where there is none."""
    again: tuple[str, ...] = ()
    """The command that records just this anew."""
    folder: str = ""
    """Where that is to be run; empty for this folder."""
    file: str = ""
    """What an annotation is put at: the cassette, or the test's file."""
    line: int | None = None
    text: str = ""
    """What else there is to read: the lines of an error, the end of what the program said."""


class CaseReport(msgspec.Struct, frozen=True, kw_only=True):
    """One replay, or one test."""

    name: str
    path: str
    """The cassette."""
    verdict: CaseVerdict
    passed: bool
    """Whether it lets the whole pass, by the rules that were given."""
    duration_s: float = 0.0
    recorded_s: float = 0.0
    """How long the recorded run took."""
    reasons: tuple[Reason, ...] = ()
    failure: FailureReport | None = None
    why: str = ""
    """Why there is no verdict, in a line."""
    kept: str | None = None
    """The cassette that keeps this replay, where it differs."""


class SuiteReport(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="agentvcr.test/1"
):
    """Several replays, by the name of their cassettes."""

    cases: tuple[CaseReport, ...]
    duration_s: float = 0.0
    exit_status: int = 0
    shards: tuple[str, ...] = ()
    """Which parts of the whole these are: `2/8`; empty for all of it."""
    interrupted: bool = False
    """Somebody stopped it before its end."""

    def count(self, verdict: CaseVerdict) -> int:
        """How many cases have a verdict."""
        return sum(case.verdict == verdict for case in self.cases)
