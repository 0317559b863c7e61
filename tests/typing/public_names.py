"""Types that users rely on, checked by `mypy --strict` and never run."""

from __future__ import annotations

from typing import assert_type

import agentvcr
from agentvcr.assertions import CheckedRun, CheckedStep, FoundCall
from agentvcr.errors import AgentVCRError
from agentvcr.model.exchange import Chunk, Exchange, Response
from agentvcr.model.results import RunDiff
from agentvcr.model.run import Run
from agentvcr.model.summary import NotRecorded, RecordSummary
from agentvcr.replaying.ledger import Divergence
from agentvcr.session.here import Recording, Replaying


def version() -> None:
    """The version is a plain string."""
    assert_type(agentvcr.__version__, str)


@agentvcr.tool(side_effect=True, idempotency_key="city")
async def book(city: str, nights: int = 1) -> list[str]:
    """A tool keeps its signature."""
    return [city] * nights


@agentvcr.step("plan", agent="planner")
def plan(question: str) -> int:
    """A step keeps its signature."""
    return len(question)


@agentvcr.step
def note(topic: str) -> str:
    """Without parentheses too."""
    return topic


async def steps() -> None:
    """What is decorated is called as before."""
    assert_type(await book("Oslo"), list[str])
    assert_type(plan("why?"), int)
    assert_type(note("trees"), str)
    plan(5)  # type: ignore[arg-type]
    with agentvcr.step("outer", kind="check") as step:
        step.set_output("done")
    async with agentvcr.run("order", key=42):
        agentvcr.handoff("planner", "writer", {"notes": 2})
        agentvcr.state_write("notes", [1, 2])


def sessions() -> None:
    """A session is what its block is called with, and tells what happened as values."""
    with agentvcr.record("x.avcr", force=True, strict=True) as recording:
        assert_type(agentvcr.__version__, str)
    assert_type(recording.run, CheckedRun)
    agentvcr.assert_snapshot(recording.run, "x.steps.txt", update=True)
    assert_type(agentvcr.load("x.avcr"), CheckedRun)
    assert_type(recording.summary, RecordSummary)
    assert_type(recording.summary.missed, tuple[NotRecorded, ...])
    assert_type(agentvcr.record("x.avcr", mode="once"), Recording | Replaying)
    with agentvcr.fork("x.avcr", at="llm[0]", patches={"response.text": "No."}) as forked:
        assert_type(forked.diff, RunDiff)
    with agentvcr.replay("x.avcr", on_miss="nearest") as replaying:
        replaying.raise_for_divergence()
    assert_type(replaying.diff, RunDiff)
    assert_type(replaying.divergences, tuple[Divergence, ...])
    agentvcr.replay("x.avcr", on_miss="guess")  # type: ignore[arg-type]


def assertions(run: CheckedRun) -> None:
    """A checked run is a run, and what was found in it are values."""
    assert_type(run.step("planner"), CheckedStep)
    assert_type(run.find_steps(kind="llm"), tuple[CheckedStep, ...])
    assert_type(run.calls("search", times=2), tuple[FoundCall, ...])
    assert_type(run.step(1).latency_ms, float | None)
    assert_type(run.snapshot(wording=True), str)
    run.in_order("planner", "writer")
    run.within(tokens=100, latency_ms=0.5)
    run.find_steps(kind="thing")  # type: ignore[arg-type]
    a_run(run)


def a_run(run: Run) -> None:
    """A run is immutable all the way down, and its exchanges are read one by one."""
    assert_type(run.exchanges[0], Exchange)
    assert_type(run.exchanges[:1], tuple[Exchange, ...])
    assert_type(run.output("stdout"), bytes)
    run.output("stdlog")  # type: ignore[arg-type]
    run.path = "elsewhere"  # type: ignore[misc]


def a_response(response: Response) -> None:
    """Chunks keep their boundaries, and `body` joins them."""
    assert_type(response.chunks, tuple[Chunk, ...])
    assert_type(response.body, bytes)


def an_error(error: AgentVCRError) -> None:
    """An error says what, where and what to do."""
    assert_type((error.slug, error.exit_status), tuple[str, int])
    assert_type((error.what, error.where, error.cure), tuple[str, str, str])
