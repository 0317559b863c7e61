"""The lines at the end of a recording or a replay.

Owns their wording. Plain text without rich, which would cost each recording its import.
"""

from __future__ import annotations

import signal
from typing import TextIO

from agentvcr.model.results import DiffEntry, RunDiff
from agentvcr.model.summary import NotRecorded, RecordSummary, ReplaySummary, ServeSummary
from agentvcr.reporters.base import client_name, printable, processes, size
from agentvcr.reporters.surroundings import tell_changed

_MOST = 5
_MOST_SHARES = 10
"""Hosts, clients and kinds of process: a pipeline of many languages is to see all of its own."""
_WIDTH = 80 - len("agentvcr: ")
_MOST_WHAT = 120
"""Characters of something that was not recorded; a command line may be longer."""
_NEAREST = "answered by the nearest exchange:"
_ADDED = "nothing like it was recorded; answered with an error:"
_ORDER = "another order than the recorded one:"
_LIVE = "asked of the real service:"
_STOPS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGKILL")
_OWN_LINE = ("broken", "silent")
"""Kinds of what was not recorded that the summary tells in words of their own."""


def render(result: RecordSummary | ReplaySummary | ServeSummary, out: TextIO) -> None:
    """Write the lines, each beginning with `agentvcr:`."""
    if isinstance(result, RecordSummary):
        lines = _record(result)
    elif isinstance(result, ServeSummary):
        lines = _serve(result)
    else:
        lines = _replay(result)
    out.writelines(f"agentvcr: {printable(line)}\n" for line in lines)


def _record(summary: RecordSummary) -> list[str]:
    lines = []
    if summary.broken:
        lines.append(f"RECORDING INCOMPLETE: {summary.broken}; the program was not disturbed")
    counted = _count(summary.exchanges, "exchange")
    by_whom = f"of {_count(summary.processes, 'process')}"
    if summary.exchanges and not summary.processes:
        by_whom = "through the gateway"
    lines.append(f"recorded {counted} {by_whom} in {summary.path}")
    lines += _shares(summary)
    if summary.unsealed:
        lines.append(f"it is whole and was not packed: {summary.unsealed}")
    if summary.credentials:
        lines.append(f"{_count(summary.credentials, 'credential')} replaced by placeholders")
    missed = tuple(_missed(one) for one in summary.missed if one.kind not in _OWN_LINE)
    lines += _listed("not recorded: ", missed)
    chosen = [_chosen(one) for one in summary.not_recorded if one.by_choice]
    if chosen:
        lines += _wrapped("not recorded by choice:", chosen)
    if not summary.processes and not summary.exchanges:
        lines.append(
            "no Python process of CMD spoke, and nobody came to the gateway: "
            f"{_ended_before(summary.exit_status)}"
            "none printed or asked, or all ran with -I -E -S or passed it by"
        )
    return lines


def _ended_before(status: int) -> str:
    """Name the signal that ended a command, as a shell's status says it."""
    try:
        return f"{signal.Signals(status - 128).name} may have ended it before, "
    except ValueError:
        return ""


def _shares(summary: RecordSummary) -> list[str]:
    """Say whose the exchanges are; nothing where all are of one host, client and process."""
    hosts = [
        f"{one.host} {one.exchanges:,}{' (internal)' * one.internal}" for one in summary.by_host
    ]
    clients = [f"{client_name(one.client)} {one.exchanges:,}" for one in summary.by_client]
    runs = [
        f"{one.command or 'other'}: {one.exchanges:,}"
        + (f" ({processes(one.processes)})" if one.processes > 1 else "")
        for one in summary.by_process
    ]
    is_plain = max(len(hosts), len(clients), len(runs), summary.processes) <= 1
    if is_plain or not summary.exchanges:
        return []
    sent, received = size(summary.bytes_sent), size(summary.bytes_received)
    lines = [f"  bytes:      {sent} sent, {received} received"]
    for what, items in (("host", hosts), ("client", clients), ("process", runs)):
        if items:
            lines += _wrapped(f"  {f'by {what}:':<11}", items, _MOST_SHARES)
    return lines


def _missed(one: NotRecorded) -> str:
    """Say what was not recorded, why, and how often."""
    what = " ".join(one.what.split())
    if len(what) > _MOST_WHAT:
        what = f"{what[: _MOST_WHAT - 1]}…"
    # A bare address is named by each process that reaches it, once; what a client names, each time.
    is_address = one.kind == "unrecorded" and " " not in one.what
    often = processes(one.count) if is_address else f"{one.count:,} times"
    return f"{what}, {one.why}" + (f" ({often})" if one.count > 1 else "")


def _chosen(one: NotRecorded) -> str:
    """Say what was left out by choice."""
    return f"{one.what} {one.count:,} ({one.why})"


def _wrapped(head: str, items: list[str], most: int = _MOST) -> list[str]:
    """List at most so many items behind a head, on as many lines as they need."""
    rest = len(items) - most
    words = [f"{item}," for item in items[:most]]
    if rest > 0:
        words.append(f"and {rest:,} more")
    words[-1] = words[-1].removesuffix(",")
    lines = [f"{head} {words[0]}"]
    for word in words[1:]:
        longer = f"{lines[-1]} {word}"
        if len(longer) <= _WIDTH:
            lines[-1] = longer
        else:
            lines.append(f"{'':<{len(head)}} {word}")
    return lines


def _serve(summary: ServeSummary) -> list[str]:
    lines: list[str] = []
    if summary.broken:
        lines.append(f"NOT KEPT WHOLE: {summary.broken}")
    for message in summary.unanswered[:_MOST]:
        lines += message.splitlines()
    if len(summary.unanswered) > _MOST:
        lines.append(f"and {_count(len(summary.unanswered) - _MOST, 'more request')}")
    lines += _told(_NEAREST, summary.accepted)
    lines += _told(_ADDED, summary.added)
    lines += _told(_LIVE, summary.asked_live)
    lines += _listed("never asked for: ", summary.unused)
    answered = _count(summary.exchanges, "request")
    lines.append(f"answered {answered} from {summary.path}, kept in {summary.kept_as}")
    return lines


def _told(head: str, messages: tuple[str, ...], noun: str = "more request") -> list[str]:
    """Tell divergences that ended nothing: the first few whole, the rest counted."""
    lines: list[str] = []
    for message in messages[:_MOST]:
        lines.append(head)
        lines += [f"  {line}" for line in message.splitlines()]
    rest = len(messages) - _MOST
    if rest > 0:
        lines.append(f"and {_count(rest, noun) if noun else f'{rest:,} more'}")
    return lines


def _replay(summary: ReplaySummary) -> list[str]:
    lines: list[str] = []
    if summary.broken:
        lines.append(f"REPLAY NOT KEPT WHOLE: {summary.broken}")
    # Another command is one that was asked for: whoever typed it knows.
    changed = [one for one in summary.diff.changed if one.kind != "argv"]
    if changed and not summary.diff.same:
        lines.append(f"changed since the recording: {tell_changed(changed)}")
    if summary.divergence:
        lines.append("the replay left its recording and was stopped")
        lines += [f"  {line}" for line in summary.divergence.splitlines()]
    stops = [one for one in summary.signals if one in _STOPS]
    if stops:  # else it looks as if somebody had interrupted the replay
        what = " and ".join(stops)
        lines.append(f"the recording was interrupted by {what}, which comes again in a replay")
    lines += [f"changed {one}" for one in summary.changed]
    lines += _told(_NEAREST, summary.accepted)
    lines += _told(_ADDED, summary.added)
    lines += _told(_LIVE, summary.asked_live)
    if not summary.divergence:  # else it is the stop that kept them waiting
        lines += _told(_ORDER, summary.other_order, "")
    lines += _listed("not replayed: ", summary.not_replayed)
    if not summary.divergence:  # a stopped replay did not come to the rest
        lines += _listed("never asked for: ", summary.unused)
    verdict = _verdict(summary.diff, stopped=summary.divergence is not None)
    network = "no network" if summary.isolated else "network guarded (Python only)"
    counted = _count(summary.exchanges, "exchange")
    lines.append(f"{verdict}: {counted} replayed from {summary.path}, {network}")
    if not summary.diff.same and summary.replayed_as != summary.path:  # else it is written over
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
