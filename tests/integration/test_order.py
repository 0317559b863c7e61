"""The order of one caller's steps is part of the run; between callers there is none."""

import asyncio
import threading

import pytest

import agentvcr
from agentvcr.errors import DivergenceError


@agentvcr.tool
def debit(account: str) -> str:
    return f"debit {account}"


@agentvcr.tool
async def ask(what: str) -> str:
    return f"answer to {what}"


def in_order(calls):
    for call in calls:
        call()


def a():
    debit("a")


def b():
    debit("b")


def handed():
    agentvcr.handoff("planner", "writer")


@pytest.mark.parametrize(
    ("recorded", "replayed"),
    [([a, b], [b, a]), ([a, b, a], [a, a, b]), ([a, handed, b], [a, b, handed])],
)
def test_another_order_in_one_caller_is_a_difference(recorded, replayed, tmp_path):
    with agentvcr.record(tmp_path / "x.avcr"):
        in_order(recorded)
    with agentvcr.replay(tmp_path / "x.avcr") as session:
        in_order(replayed)
    changes = [change for entry in session.diff.entries for change in entry.changes]
    assert {change.where for change in changes} == {"order"}
    with pytest.raises(DivergenceError, match="order"):
        session.raise_for_divergence()


def test_the_same_order_is_none(tmp_path):
    with agentvcr.record(tmp_path / "x.avcr"):
        in_order([a, b, a, handed, b])
    with agentvcr.replay(tmp_path / "x.avcr") as session:
        in_order([a, b, a, handed, b])
    session.raise_for_divergence()


def test_threads_have_no_order(tmp_path):
    def run(first):
        turns = [threading.Event(), threading.Event()]

        def work(index, account):
            turns[index].wait()
            debit(account)
            turns[1 - index].set()

        threads = [threading.Thread(target=work, args=pair) for pair in enumerate("ab")]
        for thread in threads:
            thread.start()
        turns[first].set()
        for thread in threads:
            thread.join()

    with agentvcr.record(tmp_path / "x.avcr"):
        run(0)
    with agentvcr.replay(tmp_path / "x.avcr") as session:
        run(1)
    session.raise_for_divergence()


def test_what_a_caller_asks_side_by_side_has_no_order(tmp_path):
    async def run(names):
        await asyncio.gather(*[asyncio.create_task(ask(name)) for name in names])

    with agentvcr.record(tmp_path / "x.avcr"):
        asyncio.run(run("ab"))
    with agentvcr.replay(tmp_path / "x.avcr") as session:
        asyncio.run(run("ab"))
    session.raise_for_divergence()
