"""Results to draw: two runs that differ in every way that a report tells."""

from __future__ import annotations

import io

import msgspec
import pytest

from agentvcr.diff.rundiff import diff
from agentvcr.model.exchange import Failure, Kept
from agentvcr.model.imported import Imported, ImportedFile, ImportTotals
from agentvcr.model.results import CassetteRow, Listing
from agentvcr.steps import cassette_row, detail, outline, steps_of
from agentvcr.steps.detail import detail_of
from tests.unit.build import chat, exchange, request, response, run, tool
from tests.unit.cassette.stepped import step

EVIL = "\x1b]0;owned\x07[red]<b>|`\u202e"
"""What a recording may hold to steer a terminal, rich's markup, a page or a table."""


def trip(word, *more, **details):
    return run(
        chat("Plan a trip.", f"Day one: the {word} museum, then a walk.\nDay two: rest."),
        chat("Where?", f"Paris {EVIL}", lane="main/task0", took_ms=1234),
        tool(f"/weather?city={EVIL}", {"sky": word}, lane="main/task0"),
        tool("/rpc", internal=True),
        chat("late", kind="failed", failure=Failure(type="httpx.ReadTimeout", message=EVIL)),
        *more,
        stdout=f"hello\n{word}\n".encode(),
        notes=[("unrecorded", f"child {EVIL}")],
        **details,
    )


SAID = f"an oak of {EVIL} years"


def crew(word, *more):
    """Give a run with named steps: what a model said goes into a function and a handoff."""
    asked = request({"query": SAID}, url="tool:search", method="CALL")
    called = exchange(asked, response(["oak"]))
    called = msgspec.structs.replace(called, client="agentvcr.tool", place="plan/search")
    planned = msgspec.structs.replace(chat("Which?", SAID), place="plan")
    made = run(planned, called, *more)
    told = msgspec.json.encode({"payload": f"Look: {SAID}"})
    gave = msgspec.json.encode(f"{word} {EVIL}")
    failure = Failure(type="crew.Refused", message=EVIL)
    at = {"began_ns": 250_000_000, "after": 2, "ended_ns": 260_000_000}
    steps = (
        step("plan", agent=EVIL, output=gave, ended_ns=400_000_000),
        step("plan/handoff[0]", name=f"a -> {EVIL}", kind="handoff", input=told, **at),
        step(f"plan/{EVIL}", name=EVIL, kind="check", failure=failure, **at),
        step("order:1", kind="run", began_ns=300_000_000, after=2, ended_ns=None),
    )
    return msgspec.structs.replace(made, steps=steps, exchanges=Kept(made.exchanges))


def imports(few, *refused):
    """Give an import of so many equal files, and of those that were refused."""
    files = [
        ImportedFile(
            source=f"in/{n}{EVIL}.yaml",
            target=f"out/{n}{EVIL}.avcr",
            flavour="vcrpy-v1",
            exchanges=2,
            credentials=1,
            bytes_before=2000,
            bytes_after=500,
            load_ms_before=20.0,
            load_ms_after=1.5,
            notes=(f"`{EVIL}` not kept: 3",),
        )
        for n in range(few)
    ]
    files += [
        ImportedFile(source=name, target="x", bytes_before=7, error=f"no: {EVIL}", slug="foreign")
        for name in refused
    ]
    totals = ImportTotals(
        imported=few,
        refused=len(refused),
        exchanges=2 * few,
        credentials=few,
        bytes_before=2000 * few,
        bytes_after=500 * few,
        load_ms_before=20.0 * few,
        load_ms_after=1.5 * few,
        notes=(f"`{EVIL}` not kept: {3 * few}",) if few else (),
    )
    return Imported(totals=totals, files=tuple(files))


@pytest.fixture
def results():
    a = trip("old")
    b = trip("new", chat("more"), path="cassettes/trip.last.avcr", exit_status=1)
    bad = CassetteRow(name="bad.avcr", size=12, run=None, error="no cassette", slug="foreign")
    rows = (cassette_row("trip.avcr", 81_234, a), bad)
    return {
        "show": outline(a),
        "step": detail(steps_of(a)[0]),
        "tool": detail(steps_of(a)[2]),
        "ls": Listing(folder="cassettes", cassettes=rows),
        "diff": diff(a, b),
        "same": diff(a, a),
        "empty": outline(run()),
        "steps": outline(crew("old")),
        "named": detail_of(crew("old"), "plan/handoff[0]"),
        "model": detail_of(crew("old"), "plan/llm[0]"),
        "own": diff(crew("old"), crew("new")),
        "import": imports(2, "in/bad.yaml"),
        "imports": imports(11),
        "refusals": imports(0, *[f"in/{n}.yaml" for n in range(120)]),
    }


@pytest.fixture
def drawn(results):
    """Draw a result by its name with a reporter."""

    def draw(reporter, name):
        out = io.StringIO()
        reporter.render(results[name], out)
        return out.getvalue()

    return draw
