"""Compare two runs: steps, output, ending; the first divergence, and what came after it.

Owns what is a difference between runs and in which order it is told. Does not pair steps
(`align`), nor compare two exchanges (`compare`).
"""

from __future__ import annotations

import re
import signal
from collections import Counter
from typing import TYPE_CHECKING, Literal

from agentvcr.diff.align import Pair, align
from agentvcr.diff.compare import exchange_changes, request_changes
from agentvcr.diff.json_paths import common_ends
from agentvcr.model.results import Change, DiffCounts, DiffEntry, EntryStatus, OutputDiff, RunDiff
from agentvcr.steps import row, steps_of, summary
from agentvcr.steps.outline import exchange_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentvcr.model.exchange import Exchange
    from agentvcr.model.results import StepRow
    from agentvcr.model.run import Run
    from agentvcr.model.step import Step

_OUTPUTS: tuple[Literal["stdout", "stderr"], ...] = ("stdout", "stderr")


def diff(a: Run, b: Run) -> RunDiff:
    """Say what `b` did otherwise than `a`."""
    steps_a, steps_b = steps_of(a), steps_of(b)
    rows = {id(step): row(step) for step in (*steps_a, *steps_b)}
    pairs = align(steps_a, steps_b)
    halted = _halted(b)
    unreached = _trailing(pairs) if halted is not None else set()
    entries = tuple(_entry(pair, rows, unreached, halted=halted is not None) for pair in pairs)
    differing = [index for index, entry in enumerate(entries) if entry.status != "same"]
    later, beside = _after_first(entries, differing)
    # Else nobody kept what was said: an import, or a recording made inside its process.
    ran = bool(a.info.argv and b.info.argv)
    output = tuple(found for stream in _OUTPUTS if ran and (found := _output(a, b, stream)))
    ending = _ending(a, b) if ran else None
    return RunDiff(
        same=not differing and not output and ending is None,
        a=summary(a, [rows[id(step)] for step in steps_a]),
        b=summary(b, [rows[id(step)] for step in steps_b]),
        halted=halted,
        counts=_counts(entries),
        first=differing[0] if differing else None,
        consequences=later,
        concurrent=beside,
        entries=entries,
        output=output,
        ending=ending,
    )


def _halted(run: Run) -> str | None:
    return next((note.text for note in run.notes if note.kind == "divergence"), None)


def _trailing(pairs: Sequence[Pair]) -> set[int]:
    """Give the steps of `a` behind the last one of their lane and kind that has a counterpart."""
    reached: set[tuple[str, str]] = set()
    trailing: set[int] = set()
    for pair in reversed(pairs):
        if pair.a is None:
            continue
        sequence = pair.a.lane, pair.a.kind
        if pair.b is not None:
            reached.add(sequence)
        elif sequence not in reached:
            trailing.add(id(pair.a))
    return trailing


def _entry(
    pair: Pair,
    rows: dict[int, StepRow],
    unreached: set[int],
    *,
    halted: bool,
) -> DiffEntry:
    a, b = pair.a, pair.b
    changes: list[Change] = []
    if a is None:
        status: EntryStatus = "added"
    elif b is None:
        status = "not_reached" if id(a) in unreached else "removed"
    else:
        status, changes = _compared(a, b, halted=halted)
    return DiffEntry(
        status=status,
        a=rows[id(a)] if a else None,
        b=rows[id(b)] if b else None,
        changes=tuple(changes),
    )


def _compared(a: Step, b: Step, *, halted: bool) -> tuple[EntryStatus, list[Change]]:
    left, right = exchange_of(a), exchange_of(b)
    if left.internal and right.internal:
        return "same", []
    if halted and right.response is None and left.response is not None:
        return _stopped(left, right)
    changes = exchange_changes(left, right)
    return ("changed" if changes else "same"), changes


def _stopped(a: Exchange, b: Exchange) -> tuple[EntryStatus, list[Change]]:
    # The halt itself ended this exchange: how it ended tells nothing about the program.
    if a.fingerprint == b.fingerprint:
        return "not_reached", []
    return "changed", request_changes(a.request, b.request)


def _after_first(
    entries: Sequence[DiffEntry], differing: Sequence[int]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Part the differing entries behind the first: those that came after it, those beside it."""
    if not differing:
        return (), ()
    first = entries[differing[0]]
    later = [index for index in differing[1:] if _follows(first, entries[index])]
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


def _output(a: Run, b: Run, stream: Literal["stdout", "stderr"]) -> OutputDiff | None:
    before, after = _lines(_said(a, stream)), _lines(_said(b, stream))
    if before == after:
        return None
    head, _ = common_ends(before, after)
    old, new = (lines[head] if head < len(lines) else None for lines in (before, after))
    only_newline = old is not None and new is not None and old.rstrip(b"\n") == new.rstrip(b"\n")
    left, right = (_line_text(line, newline=only_newline) for line in (old, new))
    return OutputDiff(stream=stream, line=head + 1, before=left, after=right)


_FRAMES = re.compile(rb"^(Traceback \(most recent call last\):\n)(?:[ \t].*\n)+", re.MULTILINE)
_CAUSE = re.compile(
    rb"^Traceback \(most recent call last\):\n(?:\S.*\n)+\n"
    rb"(?:The above exception was the direct cause of the following exception"
    rb"|During handling of the above exception, another exception occurred):\n\n",
    re.MULTILINE,
)


def _said(run: Run, stream: Literal["stdout", "stderr"]) -> bytes:
    """What the run said, process by process, its tracebacks without their frames and causes.

    Two processes that print at once take turns by chance. And an error that is served has not come
    through the client's inner layers, though it is the same error.
    """
    lanes = {process.index: process.lane for process in run.processes}
    by_lane: dict[str, list[bytes]] = {}
    for piece in run.outputs:
        if piece.stream == stream:
            by_lane.setdefault(lanes.get(piece.process, ""), []).append(piece.data)
    said = b"".join(b"".join(by_lane[lane]) for lane in sorted(by_lane))
    if b"Traceback (most" not in said:
        return said
    return _CAUSE.sub(b"", _FRAMES.sub(rb"\1", said))


def _lines(output: bytes) -> list[bytes]:
    """Split at newlines, which stay: a missing one at the very end is a difference too."""
    *ended, rest = output.split(b"\n")
    return [line + b"\n" for line in ended] + ([rest] if rest else [])


def _line_text(line: bytes | None, *, newline: bool) -> str | None:
    if line is None:
        return None
    shown = line.decode("utf-8", "backslashreplace")
    return shown if newline else shown.removesuffix("\n")


def _ending(a: Run, b: Run) -> Change | None:
    before, after = _told_outcome(a), _told_outcome(b)
    return None if before == after else Change(where="ending", before=before, after=after)


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
