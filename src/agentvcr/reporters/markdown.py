"""Results as Markdown, for a pull request, an issue or a build's summary.

Owns what is told of each. How recorded text is kept from being read as markup is `markup`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from agentvcr.model.imported import Imported
from agentvcr.model.results import Listing, Outline, StepDetail
from agentvcr.model.summary import RecordSummary
from agentvcr.reporters.base import (
    NOTES,
    client_name,
    command_line,
    counted,
    duration,
    ending,
    entry_title,
    imported_files,
    printable,
    processes,
    size,
    tokens,
)
from agentvcr.reporters.lines import set_against
from agentvcr.reporters.markup import code, fenced, more, row, table
from agentvcr.reporters.surroundings import tell_changed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agentvcr.model.results import BodyView, Change, DiffEntry, Result, RunDiff, RunSummary

ROWS_SHOWN = 200
CHANGES_SHOWN = 20
LINES_SHOWN = 60


def render(result: Result | RecordSummary, out: TextIO) -> None:
    """Write a result as a Markdown page."""
    if isinstance(result, RecordSummary):
        lines = _record(result)
    elif isinstance(result, Outline):
        lines = _outline(result)
    elif isinstance(result, StepDetail):
        lines = _step(result)
    elif isinstance(result, Listing):
        lines = _listing(result)
    elif isinstance(result, Imported):
        lines = _imported(result)
    else:
        lines = _diff(result)
    out.writelines(f"{line}\n" for line in lines)


def _outline(result: Outline) -> Iterator[str]:
    yield f"# {code(result.run.path)}"
    yield from ("", *_head(result.run), "")
    yield from table("#", "step", "action", "result", "tokens", "time")
    for step in result.steps[:ROWS_SHOWN]:
        mark = " (internal)" if step.internal else ""
        yield row(
            str(step.number),
            code(step.id) + mark,
            code(step.action),
            code(step.result),
            tokens(step.input_tokens, step.output_tokens),
            duration(step.latency_ms),
        )
    yield from more(len(result.steps) - ROWS_SHOWN, "step")
    for note in result.notes:
        times = f" ({note.count:,} times)" if note.count > 1 else ""
        yield from ("", f"- {NOTES.get(note.kind, note.kind)}: {code(note.text)}{times}")


def _head(run: RunSummary) -> Iterator[str]:
    totals = run.totals
    yield f"- command: {code(command_line(run))}"
    yield f"- started: {run.started}, {duration(run.duration_ms) or 'no duration'}, {ending(run)}"
    yield f"- {counted(totals.steps, 'step')}: {totals.llm} llm, {totals.tool} tool"
    if totals.input_tokens or totals.output_tokens:
        yield f"- tokens: {tokens(totals.input_tokens, totals.output_tokens)}"


def _step(result: StepDetail) -> Iterator[str]:
    step = result.step
    yield f"# {code(f'{step.number} {step.id}')}"
    what = f"{result.method} {result.url}" if result.method else f"{step.kind} {step.action}"
    yield from ("", f"- {code(what)}")
    gave = step.result or step.ending or ""
    yield f"- {', '.join(filter(None, (code(gave), duration(step.latency_ms) or 'in flight')))}"
    if count := tokens(step.input_tokens, step.output_tokens):
        yield f"- tokens: {count}"
    given, gave = ("Request", "Response") if result.method else ("Input", "Output")
    yield from ("", f"## {given}", *_body(result.request_body))
    yield from ("", f"## {gave}", *_body(result.response_body))
    if result.comes_from:
        yield from ("", "## What it was given came from", "")
        yield from (f"- {code(use.source)}: {code(use.where)}" for use in result.comes_from)
    if result.goes_into:
        yield from ("", "## What it gave goes into", "")
        yield from (f"- {code(use.target)}: {code(use.where)}" for use in result.goes_into)


def _body(body: BodyView) -> Iterator[str]:
    if body.kind == "binary":
        yield from ("", f"{size(body.bytes)} that are not text")
    elif body.text:
        yield from fenced(printable(body.text).split("\n"), "json" if body.kind == "json" else "")


def _listing(result: Listing) -> Iterator[str]:
    yield f"# {code(result.folder)}"
    yield ""
    yield from table("cassette", "started", "command", "llm", "tool", "tokens", "size", "end")
    for cassette in result.cassettes:
        run = cassette.run
        if run is None:
            blank = [""] * 5
            error = code(cassette.error or "unreadable")
            yield row(code(cassette.name), *blank, size(cassette.size), error)
            continue
        totals = run.totals
        yield row(
            code(cassette.name),
            run.started,
            code(command_line(run)),
            str(totals.llm),
            str(totals.tool),
            tokens(totals.input_tokens, totals.output_tokens),
            size(cassette.size),
            ending(run) if run.state in {"complete", "unfinished"} else run.state,
        )


def _record(result: RecordSummary) -> Iterator[str]:
    yield f"# {code(result.path)}"
    yield ""
    if result.broken:
        yield f"- recording incomplete: {code(result.broken)}"
    if result.unsealed:
        yield f"- not packed: {code(result.unsealed)}"
    yield f"- {counted(result.exchanges, 'exchange')} of {processes(result.processes)}"
    yield f"- {size(result.bytes_sent)} sent, {size(result.bytes_received)} received"
    yield f"- the command ended with status {result.exit_status}"
    if result.credentials:
        yield f"- {counted(result.credentials, 'credential')} replaced by placeholders"
    hosts = [
        (code(one.host) + " (internal)" * one.internal, one.exchanges) for one in result.by_host
    ]
    clients = [(code(client_name(one.client)), one.exchanges) for one in result.by_client]
    runs = [
        (f"{code(one.command)} ({processes(one.processes)})", one.exchanges)
        for one in result.by_process
    ]
    for what, shares in (("host", hosts), ("client", clients), ("process", runs)):
        if shares:
            yield from ("", *table(what, "exchanges"))
        for name, exchanges in shares[:ROWS_SHOWN]:
            yield row(name, f"{exchanges:,}")
        yield from more(len(shares) - ROWS_SHOWN, "row")
    if result.not_recorded:
        yield from ("", "## Not recorded", "", *table("what", "why", "times"))
    for one in result.not_recorded[:ROWS_SHOWN]:
        why = f"by choice: {one.why}" if one.by_choice else one.why
        yield row(code(one.what), why, f"{one.count:,}")
    yield from more(len(result.not_recorded) - ROWS_SHOWN, "row")


def _imported(result: Imported) -> Iterator[str]:
    totals = result.totals
    yield f"# {imported_files(totals)}"
    if totals.credentials:
        yield from ("", f"{counted(totals.credentials, 'credential')} replaced by placeholders")
    yield ""
    yield from table("file", "cassette", "exchanges", "before", "after", "read before", "after")
    for one in result.files[:ROWS_SHOWN]:
        gained = [
            *(size(one.bytes_before), size(one.bytes_after)),
            *(duration(one.load_ms_before), duration(one.load_ms_after)),
        ]
        told = [f"{one.exchanges:,}", *gained]
        cells = told if one.error is None else [code(one.error), *[""] * len(gained)]
        yield row(code(one.source), code(one.target), *cells)
    yield from more(len(result.files) - ROWS_SHOWN, "file")
    if totals.notes:
        yield from ("", *(f"- {code(note)}" for note in totals.notes))


def _diff(result: RunDiff) -> Iterator[str]:
    counts = result.counts
    yield f"# {'The same' if result.same else 'Different'}"
    yield from ("", f"- A: {code(result.a.path)}", f"- B: {code(result.b.path)}")
    yield (
        f"- steps: {counts.same} same, {counts.changed} changed, {counts.added} added, "
        f"{counts.removed} removed, {counts.not_reached} not reached"
    )
    if result.changed and not result.same:
        yield f"- changed from A to B: {code(tell_changed(result.changed))}"
    if result.halted is not None:
        yield f"- the replay stopped: {code(result.halted.partition(chr(10))[0])}"
    if result.first is not None:
        yield from _first(result.entries[result.first])
        yield from _entries("After it", [result.entries[n] for n in result.consequences])
        yield from _entries("Beside it", [result.entries[n] for n in result.concurrent])
    for output in result.output:
        yield from ("", f"## {output.stream} differs from line {output.line}")
        yield from _sides(output.before, output.after)
    if result.ending:
        yield from ("", "## The command ended otherwise")
        yield from _sides(result.ending.before, result.ending.after)


def _first(entry: DiffEntry) -> Iterator[str]:
    yield from ("", f"## First divergence: {_entry(entry)}")
    for change in entry.changes[:CHANGES_SHOWN]:
        yield from _change(change)
    yield from more(len(entry.changes) - CHANGES_SHOWN, "change")
    if entry.own:
        yield from ("", "Everything inside this step is the same.")
    for name, step in (("A", entry.a), ("B", entry.b)):
        if step:
            count = tokens(step.input_tokens, step.output_tokens) or "no"
            yield from ("", f"{name}: {duration(step.latency_ms) or 'in flight'}, {count} tokens")


def _change(change: Change) -> Iterator[str]:
    yield from ("", f"{code(change.where)}")
    yield from _sides(change.before, change.after)


def _sides(before: str | None, after: str | None) -> Iterator[str]:
    lines = [f"{line.mark}{line.text}" for line in set_against(before, after)]
    rest = len(lines) - LINES_SHOWN
    if rest > 0:
        lines[LINES_SHOWN:] = [f" … {counted(rest, 'more line')}"]
    yield from fenced(lines, "diff")


def _entries(heading: str, entries: Sequence[DiffEntry]) -> Iterator[str]:
    if entries:
        yield from ("", f"## {heading}: {counted(len(entries), 'step')}", "")
    for entry in entries[:ROWS_SHOWN]:
        where = f": {code(entry.changes[0].where)}" if entry.changes else ""
        yield f"- {_entry(entry)}{where}"
    yield from more(len(entries) - ROWS_SHOWN, "step")


def _entry(entry: DiffEntry) -> str:
    return f"{entry.status.replace('_', ' ')} {code(entry_title(entry))}"
