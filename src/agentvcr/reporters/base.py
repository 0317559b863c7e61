"""The kind of thing on this shelf: a reporter, and the words that all of them use.

Owns how a number, a time or an ending reads. Does not draw.
"""

from __future__ import annotations

import shlex
import signal as signals
from typing import TYPE_CHECKING, Protocol, TextIO

from agentvcr.model.exchange import CALL_CLIENT
from agentvcr.model.text import printable as printable  # noqa: PLC0414  (a word of this shelf's)

if TYPE_CHECKING:
    from agentvcr.model.imported import ImportedFile, ImportTotals
    from agentvcr.model.results import DiffEntry, NoteRow, Result, RunSummary, StepRow


class Reporter(Protocol):
    """One shape of output."""

    def render(self, result: Result, out: TextIO) -> None:
        """Write a result to `out`."""
        ...


def duration(milliseconds: float | None) -> str:
    """Write a time: `12 ms`, `3.40 s`, `2 min 05 s`; empty when unknown."""
    if milliseconds is None:
        return ""
    if milliseconds < 999.5:  # noqa: PLR2004 - where it rounds to a second
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    if seconds < 59.995:  # noqa: PLR2004 - where it rounds to a minute
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s"


def tokens(input_tokens: int | None, output_tokens: int | None) -> str:
    """Write token counts, input before output: `120 → 34`; empty when neither is known."""
    if input_tokens is None and output_tokens is None:
        return ""
    shown = ["?" if count is None else f"{count:,}" for count in (input_tokens, output_tokens)]
    return " → ".join(shown)


def size(count: int) -> str:
    """Write a number of bytes: `812 B`, `3.4 kB`, `1.2 MB`."""
    if count < 1000:  # noqa: PLR2004 - a kilobyte
        return f"{count} B"
    if count < 999_950:  # noqa: PLR2004 - where it rounds to a megabyte
        return f"{count / 1000:.1f} kB"
    return f"{count / 1_000_000:.1f} MB"


def counted(count: int, noun: str) -> str:
    """Write a number of things: `1 step`, `2 steps`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def processes(count: int) -> str:
    """Write a number of processes: `1 process`, `2 processes`."""
    return f"{count:,} process" if count == 1 else f"{count:,} processes"


def client_name(client: str) -> str:
    """Name a client as a person does; the calls of recorded functions are tools."""
    return "tools" if client == CALL_CLIENT else client or "other"


NOTES = {
    "unrecorded": "not recorded",
    "unentered": "not entered",
    "lost": "lost over an error of AgentVCR's own",
    "live": "live, not recorded",
    "telemetry": "telemetry, not recorded",
}
"""What the kinds of notes are called where their own name is no plain word."""


def note_line(note: NoteRow) -> str:
    """Write what was seen and is no step, and how often."""
    times = f" ({note.count:,} times)" if note.count > 1 else ""
    return f"{NOTES.get(note.kind, note.kind)}: {note.text}{times}"


def imported_files(totals: ImportTotals) -> str:
    """Write what an import came to.

    `2 of 3 files imported: 7 exchanges, 12.1 kB → 3.2 kB, read in 31 ms → 2 ms`
    """
    files = counted(totals.imported + totals.refused, "file")
    some = f"{totals.imported:,} of {files}" if totals.refused else files
    return f"{some} imported: {counted(totals.exchanges, 'exchange')}, {gained(totals)}"


def gained(one: ImportTotals | ImportedFile) -> str:
    """Write what became smaller and faster: `12.1 kB → 3.2 kB, read in 31 ms → 2 ms`."""
    sizes = f"{size(one.bytes_before)} → {size(one.bytes_after)}"
    return f"{sizes}, read in {duration(one.load_ms_before)} → {duration(one.load_ms_after)}"


def command_line(run: RunSummary) -> str:
    """Write a run's command as a shell would take it."""
    named = ["python" if word == "{python}" else word for word in run.command]
    return printable(shlex.join(named))


def ending(run: RunSummary) -> str:
    """Write how a run ended."""
    if run.signal is not None:
        try:
            return f"killed by {signals.Signals(run.signal).name}"
        except ValueError:
            return f"killed by signal {run.signal}"
    return "no end recorded" if run.exit_status is None else f"exit {run.exit_status}"


def title(step: StepRow) -> str:
    """Write a step's number, path and action."""
    return printable(f"{step.number} {step.id}  {step.action}")


def entry_title(entry: DiffEntry) -> str:
    """Write which step an entry of a diff is about; numbers are those of A where A has it."""
    if entry.a is not None:
        return title(entry.a)
    return f"{title(entry.b)}  (in B)" if entry.b is not None else ""
