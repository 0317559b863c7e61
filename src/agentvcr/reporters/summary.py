"""The lines at the end of a recording or a replay.

Owns their wording. Plain text without rich, which would cost each recording its import.
"""

from __future__ import annotations

from typing import TextIO

from agentvcr.model.results import DiffEntry, RunDiff
from agentvcr.model.summary import RecordSummary, ReplaySummary, ServeSummary

_MOST = 5


def render(result: RecordSummary | ReplaySummary | ServeSummary, out: TextIO) -> None:
    """Write the lines, each beginning with `agentvcr:`."""
    if isinstance(result, RecordSummary):
        lines = _record(result)
    elif isinstance(result, ServeSummary):
        lines = _serve(result)
    else:
        lines = _replay(result)
    out.writelines(f"agentvcr: {line}\n" for line in lines)


def _record(summary: RecordSummary) -> list[str]:
    lines = []
    if summary.broken:
        lines.append(f"RECORDING INCOMPLETE: {summary.broken}; the program was not disturbed")
    counted = _count(summary.exchanges, "exchange")
    lines.append(f"recorded {counted} of {_count(summary.processes, 'process')} in {summary.path}")
    if summary.unsealed:
        lines.append(f"it is whole and was not packed: {summary.unsealed}")
    if summary.credentials:
        lines.append(f"{_count(summary.credentials, 'credential')} replaced by placeholders")
    lines += _listed("not recorded: ", summary.unrecorded)
    if not summary.processes and not summary.exchanges:
        lines.append(
            "no Python process of CMD spoke: none printed or asked, or all ran with -I -E -S"
        )
    return lines


def _serve(summary: ServeSummary) -> list[str]:
    lines: list[str] = []
    if summary.broken:
        lines.append(f"NOT KEPT WHOLE: {summary.broken}")
    for message in summary.unanswered[:_MOST]:
        lines += message.splitlines()
    if len(summary.unanswered) > _MOST:
        lines.append(f"and {_count(len(summary.unanswered) - _MOST, 'more request')}")
    lines += _nearest(summary.accepted)
    lines += _listed("never asked for: ", summary.unused)
    answered = _count(summary.exchanges, "request")
    lines.append(f"answered {answered} from {summary.path}, kept in {summary.kept_as}")
    return lines


def _nearest(accepted: tuple[str, ...]) -> list[str]:
    lines: list[str] = []
    for message in accepted[:_MOST]:
        lines.append("answered by the nearest exchange:")
        lines += [f"  {line}" for line in message.splitlines()[:-1]]
    return lines


def _replay(summary: ReplaySummary) -> list[str]:
    lines: list[str] = []
    if summary.broken:
        lines.append(f"REPLAY NOT KEPT WHOLE: {summary.broken}")
    if summary.divergence:
        lines.append("the replay left its recording and was stopped")
        lines += [f"  {line}" for line in summary.divergence.splitlines()]
    lines += _nearest(summary.accepted)
    lines += _listed("not replayed: ", summary.not_replayed)
    if not summary.divergence:  # a stopped replay did not come to the rest
        lines += _listed("never asked for: ", summary.unused)
    verdict = _verdict(summary.diff, stopped=summary.divergence is not None)
    network = "no network" if summary.isolated else "network guarded (Python only)"
    counted = _count(summary.exchanges, "exchange")
    lines.append(f"{verdict}: {counted} replayed from {summary.path}, {network}")
    if not summary.diff.same:
        lines.append(f"compare: agentvcr diff {summary.path} {summary.replayed_as}")
    return lines


def _verdict(diff: RunDiff, *, stopped: bool) -> str:
    if diff.same:
        return "stopped; the same up to there" if stopped else "the same"
    counts = diff.counts
    parts = [
        f"{count} {word}"
        for count, word in (
            (counts.changed, "changed"),
            (counts.added, "added"),
            (counts.removed, "removed"),
            (counts.not_reached, "not reached"),
        )
        if count
    ]
    steps = f"steps: {', '.join(parts)}" if parts else "steps the same"
    if diff.first is not None:
        steps += f" (first: {_step(diff.entries[diff.first])})"
    if stopped:  # what the stop itself did to output and exit status is no news
        return "stopped; " + steps
    other = [f"{one.stream} differs in line {one.line}" for one in diff.output]
    if diff.ending is not None:
        other.append(f"ended with {diff.ending.after}, not {diff.ending.before}")
    return "differs; " + "; ".join([steps, *other])


def _step(entry: DiffEntry) -> str:
    row = entry.a or entry.b
    return row.id if row else "?"


def _listed(head: str, items: tuple[str, ...]) -> list[str]:
    shown = [head + item for item in items[:_MOST]]
    if len(items) > _MOST:
        shown.append(f"{head}and {len(items) - _MOST} more")
    return shown


def _count(number: int, noun: str) -> str:
    plural = noun + ("es" if noun.endswith("s") else "s")
    return f"{number} {noun if number == 1 else plural}"
