"""Compare two runs: steps, output, ending; the first divergence, and what came after it.

Owns what is a difference between runs and in which order it is told. Does not pair steps
(`align`), nor compare two exchanges (`compare`) or what was printed (`output`).
"""

from __future__ import annotations

import signal
from collections import Counter
from typing import TYPE_CHECKING, Literal

from msgspec.structs import replace

from agentvcr.diff.align import Pair, align
from agentvcr.diff.compare import INPUT, exchange_changes, named_changes, request_changes
from agentvcr.diff.order import order_changes
from agentvcr.diff.output import output_change
from agentvcr.diff.surroundings import changed_surroundings
from agentvcr.diff.tree import Tree, outside_of_answered_calls
from agentvcr.matching.rules import RuleBook, declared_in, read_rules
from agentvcr.model.results import Change, DiffCounts, DiffEntry, EntryStatus, RunDiff
from agentvcr.steps import row, steps_of, summary
from agentvcr.steps.flow import goes_into
from agentvcr.steps.outline import exchange_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentvcr.model.exchange import Exchange
    from agentvcr.model.results import StepRow, Use
    from agentvcr.model.run import NamedStep, Run
    from agentvcr.model.step import Step

_OUTPUTS: tuple[Literal["stdout", "stderr"], ...] = ("stdout", "stderr")


def diff(a: Run, b: Run) -> RunDiff:
    """Say what `b` did otherwise than `a`, whose declared rules say what is told of requests."""
    rules = RuleBook(read_rules(declared_in(a)))
    all_a, all_b = steps_of(a), steps_of(b)
    rows = {id(step): row(step) for step in (*all_a, *all_b)}
    steps_a, steps_b = outside_of_answered_calls(all_a, all_b)
    pairs = align(steps_a, steps_b)
    halted = _halted(b)
    unreached = _trailing(pairs) if halted is not None else set()
    moved = order_changes(pairs)
    entries = [
        _entry(pair, rows, unreached, moved, halted=halted is not None, rules=rules)
        for pair in pairs
    ]
    tree = Tree(entries)
    differing = tree.in_time([at for at, entry in enumerate(entries) if entry.status != "same"])
    later, beside = _after_first(entries, differing, tree)
    own = {at for at in differing if tree.is_own(at)}
    # Else nobody kept what was said: an import, or a recording made inside its process.
    ran = bool(a.info.argv and b.info.argv)
    output = tuple(found for stream in _OUTPUTS if ran and (found := output_change(a, b, stream)))
    ending = _ending(a, b) if ran else None
    return RunDiff(
        same=not differing and not output and ending is None,
        a=summary(a, [rows[id(step)] for step in all_a]),
        b=summary(b, [rows[id(step)] for step in all_b]),
        halted=halted,
        counts=_counts(entries),
        first=differing[0] if differing else None,
        consequences=later,
        concurrent=beside,
        entries=tuple(replace(one, own=at in own) for at, one in enumerate(entries)),
        flow=_flow(pairs[differing[0]], steps_a, steps_b) if differing else (),
        output=output,
        ending=ending,
        changed=changed_surroundings(a, b),
    )


def _flow(first: Pair, steps_a: Sequence[Step], steps_b: Sequence[Step]) -> tuple[Use, ...]:
    """Give where the step of the first divergence is used, in the run that has it."""
    step, steps = (first.a, steps_a) if first.a is not None else (first.b, steps_b)
    return goes_into(step, steps[steps.index(step) + 1 :]) if step is not None else ()


def _halted(run: Run) -> str | None:
    return next((note.text for note in run.notes if note.kind == "divergence"), None)


def _trailing(pairs: Sequence[Pair]) -> set[int]:
    """Give the steps of `a` behind the last one of their lane that has a counterpart."""
    reached: set[str] = set()
    trailing: set[int] = set()
    for pair in reversed(pairs):
        if pair.a is None:
            continue
        if pair.b is not None:
            reached.add(pair.a.lane)
        elif pair.a.lane not in reached:
            trailing.add(id(pair.a))
    return trailing


def _entry(  # noqa: PLR0913  (what it takes to judge a pair)
    pair: Pair,
    rows: dict[int, StepRow],
    unreached: set[int],
    moved: dict[int, Change],
    *,
    halted: bool,
    rules: RuleBook,
) -> DiffEntry:
    a, b = pair.a, pair.b
    changes: list[Change] = []
    if a is None:
        status: EntryStatus = "added"
    elif b is None:
        status = "not_reached" if id(a) in unreached else "removed"
    else:
        status, changes = _compared(a, b, rules, halted=halted)
        if id(a) in moved:
            status, changes = "changed", [moved[id(a)], *changes]
    return DiffEntry(
        status=status,
        a=rows[id(a)] if a else None,
        b=rows[id(b)] if b else None,
        changes=tuple(changes),
    )


def _compared(
    a: Step, b: Step, rules: RuleBook, *, halted: bool
) -> tuple[EntryStatus, list[Change]]:
    if a.named is not None and b.named is not None:
        return _compared_named(a.named, b.named, halted=halted)
    left, right = exchange_of(a), exchange_of(b)
    if left.internal and right.internal:
        return "same", []
    if halted and right.response is None and left.response is not None:
        return _stopped(left, right, rules)
    changes = exchange_changes(left, right, rules)
    return ("changed" if changes else "same"), changes


def _compared_named(
    a: NamedStep, b: NamedStep, *, halted: bool
) -> tuple[EntryStatus, list[Change]]:
    changes = named_changes(a, b)
    was_stopped = b.ended_ns is None or (b.failure and b.failure.type.endswith(".ReplayHalt"))
    if halted and was_stopped and a.ended_ns is not None:
        given = [change for change in changes if change.where.startswith(INPUT)]
        return ("changed", given) if given else ("not_reached", [])
    return ("changed" if changes else "same"), changes


def _stopped(a: Exchange, b: Exchange, rules: RuleBook) -> tuple[EntryStatus, list[Change]]:
    # The halt itself ended this exchange: how it ended tells nothing about the program.
    if a.fingerprint == b.fingerprint:
        return "not_reached", []
    return "changed", request_changes(a.request, b.request, rules)


def _after_first(
    entries: Sequence[DiffEntry], differing: Sequence[int], tree: Tree
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Part the differing entries behind the first: those that came after it, those beside it."""
    if not differing:
        return (), ()
    first = entries[differing[0]]
    later = [
        index
        for index in differing[1:]
        if tree.is_around(index, differing[0]) or _follows(first, entries[index])
    ]
    return tuple(later), tuple(index for index in differing[1:] if index not in set(later))


def _follows(first: DiffEntry, other: DiffEntry) -> bool:
    if other.status == "not_reached":
        return True
    for before, after in ((first.a, other.a), (first.b, other.b)):
        if before is not None and after is not None:
            return before.lane == after.lane or after.began_ms >= _end(before)
    return True


def _end(step: StepRow) -> float:
    return float("inf") if step.latency_ms is None else step.began_ms + step.latency_ms


def _counts(entries: Sequence[DiffEntry]) -> DiffCounts:
    found = Counter(entry.status for entry in entries)
    return DiffCounts(
        same=found["same"],
        changed=found["changed"],
        added=found["added"],
        removed=found["removed"],
        not_reached=found["not_reached"],
    )


def _ending(a: Run, b: Run) -> Change | None:
    before, after = _told_outcome(a), _told_outcome(b)
    if before == after:
        return None
    return Change(where="ending", before=before, after=after, kind="ending")


def _told_outcome(run: Run) -> str:
    outcome = run.outcome
    if outcome is None:
        return "not recorded"
    if outcome.signal is None:
        return f"exit status {outcome.exit_status}"
    try:
        return f"killed by {signal.Signals(outcome.signal).name}"
    except ValueError:
        return f"killed by signal {outcome.signal}"
