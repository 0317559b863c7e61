"""Runs with steps that the program names, and journals of them.

Owns such runs and their records. Does not check anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from agentvcr.cassette import format as fmt
from agentvcr.cassette.journal import Journal
from agentvcr.model.exchange import Failure, Kept
from agentvcr.model.run import NamedStep
from tests.unit import recorded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agentvcr.model.run import Run

PLACES = ("plan", "", "plan/näme", "order:1/task0")
US = 1000


def step(path: str, **changes: Any) -> NamedStep:
    """Give a step that is over."""
    fields = {
        "name": path.rpartition("/")[2],
        "kind": "agent",
        "agent": None,
        "process": 0,
        "lane": "main",
        "began_ns": 10 * US,
        "after": 0,
        "input": b"",
        "ended_ns": 90 * US,
    }
    return NamedStep(path=path, **{**fields, **changes})


def stepped(run: Run) -> Run:
    """Give a run its exchanges at places in a tree, and the steps of that tree."""
    failure = Failure(type="crew.Refused", message="nö")
    steps = (
        step("plan", agent="planner", input=b'{"a":1}', output='"gave é"'.encode()),
        step("plan/näme", kind="handoff", began_ns=20 * US, after=1, failure=failure),
        step("order:1", kind="of a kind to come", lane="main/order:1", began_ns=30 * US, after=2),
        step("order:1/open", began_ns=30 * US, ended_ns=None, process=1),
    )
    placed = (
        msgspec.structs.replace(one, place=PLACES[number % len(PLACES)])
        for number, one in enumerate(run.exchanges)
    )
    return msgspec.structs.replace(run, exchanges=Kept(placed), steps=steps)


def records_of(run: Run) -> Iterator[fmt.Record]:
    """Give a run as a journal's records; steps begin at its beginning and end at its end."""
    places = {key.number: key.place for key in run.exchanges.list_keys()}
    for record in recorded.records_of(run):
        if isinstance(record, fmt.ExchangeBegin):
            yield msgspec.structs.replace(record, place=places[record.number])
            continue
        if isinstance(record, fmt.RunEnd):
            yield from _ends(run)
        yield record
        if isinstance(record, fmt.RunBegin):
            yield from map(_begin, run.steps)
    if run.outcome is None:
        yield from _ends(run)


def _begin(one: NamedStep) -> fmt.StepBegin:
    return fmt.StepBegin(
        path=one.path,
        name=one.name,
        kind=one.kind,
        agent=one.agent,
        process=one.process,
        lane=one.lane,
        at_us=one.began_ns // US,
        after=one.after,
        content=one.input,
    )


def _ends(run: Run) -> Iterator[fmt.StepEnd]:
    for one in run.steps:
        if one.ended_ns is not None:
            failure = one.failure
            named = (failure.type, failure.message) if failure else (None, None)
            yield fmt.StepEnd(one.path, one.ended_ns // US, one.output, *named)


def write_journal(path: Path, run: Run, *, each: bool = False) -> None:
    """Write a run as a journal; a frame for each record, or as few as will do."""
    journal = Journal(path, force=True)
    for record in records_of(run):
        journal.add(record)
        if each:
            journal.flush()
    journal.close()
