"""A run as a tree of steps, for `show`.

Owns the tree's look: a lane's steps stand below the lane, in the order in which they began.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from agentvcr.reporters.base import (
    command_line,
    counted,
    duration,
    ending,
    note_line,
    printable,
    tokens,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from agentvcr.model.results import NoteRow, Outline, RunSummary, StepRow

KIND_STYLE = {
    "llm": "cyan",
    "tool": "magenta",
    "handoff": "yellow",
    "state": "yellow",
    "check": "green",
    "agent": "bold",
    "run": "bold",
}


def draw_outline(result: Outline, console: Console) -> None:
    """Draw the head, the tree, and what else was seen."""
    draw_head(result.run, console)
    if not result.steps:
        console.print("\nNo step was recorded.")
    else:
        console.print()
        console.print(_tree(result.steps, console.width // 2))
    draw_notes(result.notes, console)


def draw_head(run: RunSummary, console: Console) -> None:
    """Draw what was run, when, and its totals."""
    totals = run.totals
    console.print(Text(printable(run.path), "bold"), soft_wrap=True)
    if run.command:
        console.print(Text(f"$ {command_line(run)}"), soft_wrap=True)
    steps = f"{counted(totals.steps, 'step')}: {totals.llm} llm, {totals.tool} tool"
    facts = [run.started, duration(run.duration_ms), steps, ending(run)]
    if totals.input_tokens or totals.output_tokens:
        facts.insert(3, f"{tokens(totals.input_tokens, totals.output_tokens)} tokens")
    if run.state not in {"complete", "unfinished"}:
        facts.append(run.state)
    console.print(Text(" · ".join(fact for fact in facts if fact), "dim"))


def draw_notes(notes: Sequence[NoteRow], console: Console) -> None:
    """Draw what was seen and is not a step; nothing where there is nothing."""
    if notes:
        console.print()
    for note in notes:
        console.print(Text(printable(note_line(note)), "yellow"))


def flag(step: StepRow) -> str:
    """Give what sets a step apart, in brackets; empty where nothing does."""
    return " [internal]" if step.internal else ""


def _tree(steps: Sequence[StepRow], widest_label: int) -> Table:
    """Draw the steps; the labels of deep lanes leave room for what the steps did."""
    agents = any(step.agent for step in steps)
    digits = len(str(max(step.number for step in steps)))
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, expand=True)
    table.add_column("#", justify="right", style="dim", no_wrap=True, min_width=digits)
    table.add_column("step", no_wrap=True, overflow="ellipsis", min_width=8, max_width=widest_label)
    if agents:
        table.add_column("agent", no_wrap=True, overflow="ellipsis", max_width=16)
    table.add_column("action", no_wrap=True, overflow="ellipsis", ratio=1)
    table.add_column("tokens", justify="right", no_wrap=True)
    table.add_column("time", justify="right", no_wrap=True)
    for label, step in _lines(steps):
        if step is None:
            table.add_row("", Text(label, "bold"))
            continue
        cells = [Text(str(step.number)), Text(label, KIND_STYLE.get(step.kind, ""))]
        cells += [Text(printable(step.agent or ""))] if agents else []
        cells += [_action(step), Text(tokens(step.input_tokens, step.output_tokens))]
        table.add_row(*cells, duration(step.latency_ms) or "-")
    return table


def _action(step: StepRow) -> Text:
    bad = step.error is not None or step.ending not in {"eof", "closed", "done"}
    told = Text(printable(step.action))
    told.append(flag(step), "dim")
    if step.result:
        told.append(": ", "dim")
        told.append(" ".join(printable(step.result).split()), "red" if bad else "")
    return told


@dataclass
class _Node:
    """A part of a path on the drawing: a step, or a lane that only holds some."""

    name: str
    step: StepRow | None = None
    below: list[_Node] = field(default_factory=list)
    _names: dict[str, _Node] = field(default_factory=dict)

    def child(self, name: str) -> _Node:
        """Give the node of that name below this one, new where it is not there yet."""
        if name not in self._names:
            self._names[name] = _Node(name)
            self.below.append(self._names[name])
        return self._names[name]


def _lines(steps: Sequence[StepRow]) -> Iterator[tuple[str, StepRow | None]]:
    """Give the tree's lines: a label, and the step on that line or None for a lane's name."""
    top = _Node("")
    for step in steps:
        node = top
        for name in step.id.split("/"):
            node = node.child(name)
        node.step = step
    yield from _branch(top, "")


def _branch(node: _Node, indent: str) -> Iterator[tuple[str, StepRow | None]]:
    last = len(node.below) - 1
    for index, part in enumerate(node.below):
        if part.below:
            yield f"{indent}{'└' if index == last else '├'} {printable(part.name)}", part.step
            yield from _branch(part, indent + ("  " if index == last else "│ "))
        else:
            yield indent + printable(part.name), part.step
