"""Whatever tree of steps a program grows, the recording has its parents, under the same paths."""

import json
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import agentvcr
from agentvcr.cassette.reader import load_run
from agentvcr.steps import find_step, steps_of
from tests.programs.step_trees import EDGES, Grower
from tests.support import wire
from tests.support.command_line import agentvcr as agentvcr_command
from tests.support.command_line import python
from tests.support.loopback import LoopbackServer

ROUNDS = int(os.environ.get("ROUNDS", "3"))
IN_PROCESS = settings(max_examples=20 * ROUNDS, deadline=None, database=None)
RECORDED = settings(max_examples=3 * ROUNDS, deadline=None, database=None)
TASKS, THREADS = 500, 50
SOME = 20  # each find reads the whole list of steps
NAMES = ["plan", "write", "task0", "llm", "a/b", "plan[1]", "", "3", " 3", "é ", "%"]


class PlainServer(LoopbackServer):
    """Says to every request that it got it."""

    def answer(self, asked, line):  # noqa: ARG002
        line.send(wire.whole_json({}))


@pytest.fixture(scope="module")
def url():
    with PlainServer() as server:
        yield server.base_url


def trees(most):
    """Make trees of at most so many nodes."""
    node = st.fixed_dictionaries(
        {
            "edge": st.sampled_from(EDGES),
            "name": st.sampled_from(NAMES),
            "call": st.sampled_from(["", "", "", "tool", "tool", "http"]),
        }
    )
    shapes = st.recursive(
        node.map(lambda one: {**one, "children": []}),
        lambda below: st.builds(
            lambda one, children: {**one, "children": children},
            node,
            st.lists(below, min_size=1, max_size=5),
        ),
        max_leaves=most,
    )
    return shapes.map(numbered)


def numbered(tree):
    """Give each node of a tree a number of its own."""
    count = iter(range(10**6))

    def number(node):
        own = {**node, "number": next(count)}
        return {**own, "children": [number(child) for child in node["children"]]}

    return number(tree)


def built(tree):
    """Say which parent each node, and each call that a node makes, was given."""
    parents, calls = {}, []

    def visit(node, parent):
        parents[node["number"]] = parent
        if node["call"]:
            calls.append((node["number"], node["call"]))
        for child in node["children"]:
            visit(child, node["number"])

    visit(tree, None)
    return parents, sorted(calls)


def recorded(run):
    """Say the same of a recording; and under which path each node and each call is."""
    steps = steps_of(run)
    numbers = {step.id: json.loads(step.named.input)["number"] for step in steps if step.named}
    parents = {numbers[step.id]: numbers.get(step.parent) for step in steps if step.named}
    calls, paths = [], {number: path for path, number in numbers.items()}
    for step in steps:
        if step.exchange is not None:
            kind, asker = asked_by(step.exchange)
            calls.append((numbers[step.parent], kind))
            assert numbers[step.parent] == asker
            paths[asker, kind] = step.id
    assert len({step.id for step in steps}) == len(steps), "two steps share a path"
    some = steps[:: len(steps) // SOME + 1]
    assert all(find_step(run, step.id).number == step.number for step in some)
    return parents, sorted(calls), paths


def asked_by(exchange):
    if exchange.request.url == "tool:look":
        return "tool", json.loads(exchange.request.body)["number"]
    return "http", int(exchange.request.url.rpartition("/")[2])


def in_process(tree, seed, url, folder):
    with agentvcr.record(folder / f"{seed}.avcr", force=True) as session:
        Grower(tree, seed, url).run()
    return session.run


def by_command(tree, seed, url, folder):
    (folder / "tree.json").write_text(json.dumps(tree), encoding="utf-8")
    program = python("step_trees.py", folder / "tree.json", seed)
    words = ["record", "--force", "-o", f"{seed}.avcr", "--", *program]
    done = agentvcr_command(*words, cwd=folder, env={"BASE_URL": url})
    assert done.returncode == 0, done.stderr.decode()
    return load_run(folder / f"{seed}.avcr")


def check(tree, url, record):
    """Grow and record a tree twice, in two orders."""
    with tempfile.TemporaryDirectory() as folder:
        first, second = (recorded(record(tree, seed, url, Path(folder))) for seed in (1, 2))
    assert first[:2] == built(tree)
    assert first == second


@IN_PROCESS
@given(tree=trees(12))
def test_parents_are_those_that_were_built_in_a_block(url, tree):
    check(tree, url, in_process)


@RECORDED
@given(tree=trees(40))
def test_parents_are_those_that_were_built_in_a_recorded_command(url, tree):
    check(tree, url, by_command)


@pytest.mark.parametrize("record", [in_process, by_command])
def test_five_hundred_tasks_and_fifty_threads_at_once(url, record):
    def child(index, edge):
        call = "http" if index % 10 == 0 else "tool"
        below = [{"edge": "with", "name": "below", "call": call, "children": []} for _ in "ab"]
        below[1]["edge"] = "generator"
        return {"edge": edge, "name": "agent", "call": "", "children": below}

    children = [child(index, "create_task") for index in range(TASKS)]
    for index in range(THREADS):
        children.insert(index * 11, child(index, "thread"))
    root = {"edge": "async_with", "name": "root", "call": "", "together": True}
    check(numbered({**root, "children": children}), url, record)
