"""What a run did otherwise than another, for `diff` and after a replay.

Owns the order in which it is told: the first divergence in full, what came after it in a line
each, then output, ending and the counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from agentvcr.reporters.base import counted, duration, entry_title, printable, tokens
from agentvcr.reporters.surroundings import tell_changed
from agentvcr.reporters.terminal.changes import draw_change, draw_sides, draw_uses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from agentvcr.model.results import DiffEntry, OutputDiff, RunDiff, StepRow

LISTED = 20
"""Entries that get a line of their own; the rest are counted."""
CHANGES_SHOWN = 12

STATUS_STYLE = {
    "same": "green",
    "changed": "yellow",
    "added": "green",
    "removed": "red",
    "not_reached": "dim",
}


def draw_diff(result: RunDiff, console: Console) -> None:
    """Draw the verdict, the first divergence, what followed, and the sums."""
    console.print(Text(printable(f"A  {result.a.path}")), soft_wrap=True)
    console.print(Text(printable(f"B  {result.b.path}")), soft_wrap=True)
    if result.changed and not result.same:
        told = f"Changed from A to B: {tell_changed(result.changed)}"
        console.print(Text(printable(told), "yellow"), soft_wrap=True)
    if result.halted is not None:
        # Its first line; where the requests differ is told below, at the first divergence.
        why = result.halted.partition("\n")[0]
        console.print(Text(printable(f"The replay stopped: {why}"), "red"))
    if result.first is not None:
        _draw_first(result.entries[result.first], console)
        draw_uses("What it gave goes into", result.flow, console)
        later = [result.entries[index] for index in result.consequences]
        _draw_list("After it, and perhaps because of it", later, console)
        beside = [result.entries[index] for index in result.concurrent]
        _draw_list("Already under way beside it", beside, console)
    for output in result.output:
        _draw_output(output, console)
    if result.ending:
        console.print()
        console.print(Text("The command ended otherwise", "bold"))
        draw_change(result.ending, console)
    console.print()
    console.print(_verdict(result))


def _draw_first(entry: DiffEntry, console: Console) -> None:
    console.print()
    heading = Text("First divergence: ", "bold")
    heading.append(f"{_word(entry)} ", STATUS_STYLE[entry.status])
    console.print(heading.append(entry_title(entry)), soft_wrap=True)
    for change in entry.changes[:CHANGES_SHOWN]:
        draw_change(change, console)
    rest = len(entry.changes) - CHANGES_SHOWN
    if rest > 0:
        console.print(Text(f"  and {counted(rest, 'more change')}"))
    if entry.own:
        console.print(Text("  though everything inside this step is the same", "yellow"))
    for name, side in (("A", entry.a), ("B", entry.b)):
        if side is not None:
            console.print(Text(f"  {name}: {_beside(side)}", "dim"))


def _beside(step: StepRow) -> str:
    """Give what stands beside a step and is no difference: tokens and latency, and how it ended."""
    parts = [
        "" if step.status is None else str(step.status),
        step.error or step.ending or "in flight",
        duration(step.latency_ms),
        f"{count} tokens" if (count := tokens(step.input_tokens, step.output_tokens)) else "",
    ]
    return printable(", ".join(part for part in parts if part))


def _draw_list(heading: str, entries: Sequence[DiffEntry], console: Console) -> None:
    told = [entry for entry in entries if entry.status != "not_reached"]
    unreached = len(entries) - len(told)
    if not entries:
        return
    console.print()
    console.print(Text(f"{heading}: {counted(len(entries), 'step')}", "bold"))
    for entry in told[:LISTED]:
        where = f"  ({entry.changes[0].where})" if entry.changes else ""
        line = Text(f"  {_word(entry):<8} ", STATUS_STYLE[entry.status])
        line.append(printable(f"{entry_title(entry)}{where}"), "default")
        line.truncate(console.width, overflow="ellipsis")
        console.print(line, no_wrap=True)
    if len(told) > LISTED:
        console.print(Text(f"  and {len(told) - LISTED:,} more"))
    if unreached:
        console.print(Text(f"  not reached: {counted(unreached, 'step')}", "dim"))


def _draw_output(output: OutputDiff, console: Console) -> None:
    console.print()
    console.print(Text(f"{output.stream} differs from line {output.line}", "bold"))
    draw_sides(_output_line(output.before), _output_line(output.after), console)


def _output_line(line: str | None) -> str:
    return "(no more output)" if line is None else line.replace("\n", "\\n")


def _word(entry: DiffEntry) -> str:
    return entry.status.replace("_", " ")


def _verdict(result: RunDiff) -> Text:
    counts = result.counts
    numbers = {
        "same": counts.same,
        "changed": counts.changed,
        "added": counts.added,
        "removed": counts.removed,
        "not reached": counts.not_reached,
    }
    told = ", ".join(f"{count:,} {word}" for word, count in numbers.items() if count)
    verdict = Text(
        "The same: " if result.same else "Different: ", "green" if result.same else "red"
    )
    return verdict.append(f"{told or 'no steps'}", "default")
