"""Judge what a run did otherwise than its recording: nothing, other words, other behaviour.

Owns what each kind of difference weighs, and which step it is told of. Does not find differences
(`rundiff`), and does not say what a verdict lets pass: a suite does (`session.suite`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple, get_args

from agentvcr.model.results import Change, DiffEntry, RunDiff
from agentvcr.model.verdict import DifferenceKind, Reason, Verdict, VerdictName, Weight

KINDS: Final[tuple[DifferenceKind, ...]] = get_args(DifferenceKind)
WEIGHTS: Final[Mapping[DifferenceKind, Weight]] = {
    kind: "benign" if kind in ("wording", "output") else "regression" for kind in KINDS
}
"""What each kind counts as, where nobody says otherwise."""


class Difference(NamedTuple):
    """What differs of one kind in one step, or in the whole run."""

    kind: DifferenceKind
    text: str
    entry: DiffEntry | None = None
    change: Change | None = None
    """The first of its kind there."""

    @property
    def step(self) -> str | None:
        """The id of the step, in the recording where it is there."""
        row = self.entry and (self.entry.a or self.entry.b)
        return row.id if row else None


def judge(result: RunDiff, treat: Mapping[DifferenceKind, Weight] | None = None) -> Verdict:
    """Say what the differences amount to: the heaviest of them decides.

    Args:
        result: The recording, compared with what was done now.
        treat: Kinds that count as something else than by default.
    """
    weights = {**WEIGHTS, **(treat or {})}
    reasons: list[Reason] = []
    ignored = 0
    for found in differences(result):
        weight = weights[found.kind]
        if weight == "ignore":
            ignored += 1
        else:
            reasons.append(Reason(kind=found.kind, weight=weight, step=found.step, text=found.text))
    verdict: VerdictName = "identical"
    if reasons:
        is_worse = any(reason.weight == "regression" for reason in reasons)
        verdict = "regression" if is_worse else "benign"
    return Verdict(verdict=verdict, reasons=tuple(reasons), ignored=ignored)


def differences(result: RunDiff) -> Iterator[Difference]:
    """Give all that differs: the first divergence, what came after it and beside it, the rest."""
    if result.first is not None:
        for index in (result.first, *result.consequences, *result.concurrent):
            yield from _in_step(result.entries[index])
    if result.halted is not None:
        # What the stop itself did to output and exit status is no news.
        yield Difference("stopped", result.halted.partition("\n")[0])
        return
    if result.ending is not None:
        text = f"{result.ending.after}, not {result.ending.before}"
        yield Difference("ending", text, None, result.ending)
    for output in result.output:
        where = f"{output.stream}, line {output.line}"
        change = Change(where=where, before=output.before, after=output.after, kind="output")
        yield Difference("output", f"{output.stream} from line {output.line}", None, change)


def _in_step(entry: DiffEntry) -> Iterator[Difference]:
    """Give of a step one difference a kind; what a stopped replay did not come to is none."""
    step = entry.a or entry.b
    if step is not None and entry.status in ("added", "removed"):
        yield Difference("added" if entry.status == "added" else "missing", step.action, entry)
    first: dict[DifferenceKind, Change] = {}
    counts: Counter[DifferenceKind] = Counter()
    for change in entry.changes:
        first.setdefault(change.kind, change)
        counts[change.kind] += 1
    for kind, change in first.items():
        more = counts[kind] - 1
        where = f"{change.after}, not {change.before}" if kind == "order" else change.where
        text = f"{where} and {more:,} more" if more else where
        yield Difference(kind, text, entry, change)
