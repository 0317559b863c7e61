"""The events of a replay are those of its recording, but for a few fields that have a list."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from tests.support.command_line import agentvcr
from tests.support.counter_server import CounterServer

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "jsonl-events.md"
MAY_DIFFER = {
    "run": {"run_id", "started", "cassette", "command", "cwd", "agentvcr", "platform"},
    "step": {"run_id", "number", "began_ms", "first_byte_ms", "latency_ms", "served_from"},
    "run_end": {"run_id", "duration_ms", "totals", "notes"},
}
"""Fields of each event that may be others in a replay that is the same."""
DO_DIFFER = {
    "run": {"run_id", "cassette"},
    "step": {"run_id", "number", "served_from"},
    "run_end": {"run_id", "totals"},
}
"""Those of them that are others in any replay of the program below, whatever the clock says."""
PROGRAM = """
import asyncio, os
import agentvcr, httpx

URL = os.environ["BASE_URL"] + "/v1/chat/completions"

def question(text, **more):
    return {"model": "m", "messages": [{"role": "user", "content": text}], **more}

@agentvcr.tool
def search(query: str) -> list[str]:
    with httpx.Client() as client:  # a replay does not come here
        return [query, client.post(URL, json=question(query)).json()["id"]]

@agentvcr.tool(side_effect=True)
async def pay(cents: int) -> None:
    raise LookupError("no purse", cents)

async def write(client, number):
    with agentvcr.step("draft", input={"number": number}) as step:
        answer = await client.post(URL, json=question(f"Write {number}."))
        step.set_output(answer.json()["choices"][0]["message"]["content"])

async def main():
    async with httpx.AsyncClient() as client:
        with agentvcr.step("plan", agent="planner") as step:
            found = search("trees")
            agentvcr.handoff("planner", "writer", found)
            agentvcr.state_write("found", found)
            await asyncio.gather(*(write(client, number) for number in range(3)))
            step.set_output(found)
        with agentvcr.run("order", key=42):
            try:
                with agentvcr.step("review", kind="check"):
                    await pay(250)
            except LookupError:
                pass
        async with client.stream("POST", URL, json=question("Stream.", stream=True)) as answer:
            [line async for line in answer.aiter_lines()]
        agentvcr.step("open").__enter__()  # and never left

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Record the program, replay it, and export both."""
    folder = tmp_path_factory.mktemp("replays")
    (folder / "program.py").write_text(PROGRAM, encoding="utf-8")
    own = {"XDG_STATE_HOME": str(folder / "state")}
    with CounterServer(jitter_ms=(1, 5)) as server:
        env, program = {**own, "BASE_URL": server.base_url}, [sys.executable, "program.py"]
        recorded = agentvcr("record", "-o", "a.avcr", "--", *program, cwd=folder, env=env)
        assert recorded.returncode == 0, recorded.stderr.decode()
        asked = server.count
        replayed = agentvcr("replay", "a.avcr", "-o", "b.avcr", cwd=folder, env=env)
        assert (replayed.returncode, server.count) == (0, asked), replayed.stderr.decode()
    said = [
        agentvcr("export", f"{name}.avcr", "--to", "jsonl", cwd=folder, env=own).stdout
        for name in "ab"
    ]
    return [[json.loads(line) for line in one.decode().splitlines()] for one in said]


def named(steps, name):
    """Give the path of the one step of that name, in whatever lane it is."""
    (path,) = (one for one in steps if one.rpartition("/")[2] == name)
    return path


def differing(one, other):
    return {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}


def by_step(lines):
    return {line["step"]: line for line in lines if line["event"] == "step"}


def test_a_replay_has_the_same_steps_in_the_same_order_but_those_inside_of_calls(exported):
    before, after = map(by_step, exported)
    inside = {path for path, step in before.items() if step["parent"] == named(before, "search")}
    assert inside == {f"{named(before, 'search')}/llm[0]"}
    assert [path for path in before if path not in inside] == list(after)
    assert {line["kind"] for line in after.values()} == {
        *("agent", "llm", "tool", "handoff", "state", "check", "run"),
    }
    assert {line["ending"] for line in after.values()} == {"eof", "failed", "done", None}


def test_only_the_fields_of_the_list_differ(exported):
    before, after = map(by_step, exported)
    (first, *_, last), (first_after, *_, last_after) = exported
    found = {
        "run": differing(first, first_after),
        "step": set().union(*(differing(before[path], after[path]) for path in after)),
        "run_end": differing(last, last_after),
    }
    for event, fields in found.items():
        assert DO_DIFFER[event] <= fields <= MAY_DIFFER[event], event


def test_what_the_program_named_has_a_body_and_nothing_else(exported):
    steps = by_step(exported[1])
    told = {path: line for path, line in steps.items() if not line["client"]}
    assert told.keys() >= {named(steps, name) for name in ("plan", "order:42", "review", "open")}
    assert told[named(steps, "review")]["error"]["message"].endswith("250)")
    for path, line in told.items():
        asked, gave = line["inputs"], line["outputs"]
        assert (asked["method"], asked["url"], asked["headers"]) == ("", "", [])
        assert (line["first_byte_ms"], line["served_from"], line["dialect"]) == (None, None, None)
        assert (gave is None) == (path == named(steps, "open"))
        assert gave is None or (gave["status"], gave["headers"], gave["chunks"]) == (None, [], 0)


def test_the_page_has_the_list():
    section = PAGE.read_text(encoding="utf-8").split("## A run and its replay")[1].split("\n## ")[0]
    found = {event: set() for event in MAY_DIFFER}
    for event, fields in re.findall(r"^\| `(\w+)` \| (.+?) \|", section, re.MULTILINE):
        found[event] |= set(re.findall(r"`(\w+)`", fields))
    assert found == MAY_DIFFER
