"""A run's trace in one word: the same for two runs that took the same course.

Owns what a trace is made of. Does not say where two of them part (`diff`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from agentvcr.model.exchange import Exchange
from agentvcr.model.run import NamedStep, Run

_LENGTH = 12
_UNNAMED = "?"
"""The lane of callers that nobody named: among them there is no order."""


def trace(run: Run) -> str:
    """Give the trace: each lane's requests and answers in their order, its steps, and the output.

    A request is what it is by the rules of matching. When things happened is no part of it, nor is
    the order in which callers asked: what that order did to the program shows in the rest.
    """
    found = hashlib.sha256()
    for part in _parts(run):
        found.update(b"%d " % len(part))
        found.update(part)
    return found.hexdigest()[:_LENGTH]


def _parts(run: Run) -> Iterator[bytes]:
    rows = [(one.lane, _of_exchange(one)) for one in run.exchanges]
    rows += [(step.lane, _of_step(step)) for step in run.steps]
    ordered = sorted((row for row in rows if row[0] != _UNNAMED), key=lambda row: row[0])
    for lane, row in ordered + sorted(row for row in rows if row[0] == _UNNAMED):
        yield lane.encode("utf-8", "surrogatepass")
        yield from row
    yield run.output("stdout")
    yield run.output("stderr")
    ended = run.outcome
    yield repr(ended and (ended.exit_status, ended.signal)).encode()


def _of_exchange(one: Exchange) -> list[bytes]:
    answer, ending = one.response, one.ending
    failure = ending.failure.type if ending and ending.failure else ""
    facts = (one.place, answer and answer.status, ending and ending.kind, failure)
    return [one.fingerprint, repr(facts).encode(), answer.body if answer else b""]


def _of_step(step: NamedStep) -> list[bytes]:
    facts = (step.path, step.kind, step.failure and step.failure.type)
    return [repr(facts).encode(), step.input, step.output]
