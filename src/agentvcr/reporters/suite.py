"""Several replays: the words that every report of them has.

Owns how a verdict reads, how many there are of each, and how a case is told in a line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentvcr.model.report import CASE_VERDICTS
from agentvcr.reporters.base import duration

if TYPE_CHECKING:
    from agentvcr.model.report import CaseReport, CaseVerdict, SuiteReport

_MS = 1_000


def verdict_word(verdict: CaseVerdict) -> str:
    """Write a verdict."""
    return verdict.replace("_", " ")


def sums(report: SuiteReport) -> str:
    """Write how many have which verdict: `1 regression, 5 identical in 3.20 s`."""
    counts = [f"{report.count(one):,} {verdict_word(one)}" for one in CASE_VERDICTS]
    told = ", ".join(line for line in counts if not line.startswith("0 "))
    shards = f", shard {' and '.join(report.shards)}" if report.shards else ""
    return f"{told or 'no cassettes'} in {duration(report.duration_s * _MS)}{shards}"


def gist(case: CaseReport) -> str:
    """Say in a line what is to be known of a case besides its verdict; empty where nothing is."""
    if case.why:
        return case.why
    if case.failure is None:
        return ""
    where = case.failure.where
    return f"{case.failure.title}: {where}" if where else case.failure.title


def needs_words(case: CaseReport) -> bool:
    """Whether a report tells more of a case than its line."""
    return case.failure is not None


def took(case: CaseReport) -> str:
    """Write how long a case took; empty where it was not run."""
    return "" if case.verdict in ("skipped", "not_run") else duration(case.duration_s * _MS)
