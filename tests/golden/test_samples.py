"""Cassettes that were committed stay readable, and say what they said."""

from pathlib import Path

from agentvcr.cassette.reader import load_run
from agentvcr.steps import outline

SAMPLES = Path(__file__).parents[2] / "cassettes"


def test_the_crew_is_read_as_it_was_recorded():
    run = load_run(SAMPLES / "crew.avcr")
    shown = outline(run)
    assert run.info.argv == ("{python}", "pipeline.py")
    assert run.outcome is not None
    assert run.outcome.exit_status == 0
    assert run.torn_bytes == 0
    assert shown.run.totals.llm == 6
    assert shown.run.totals.tool == 2
    assert {one.lane for one in run.exchanges} == {
        "main/task0",
        "main/task0/task0",
        "main/task0/task1",
    }
    assert run.output("stdout").startswith(b"planner       chose ")
    assert all(one.ending is not None and one.ending.kind == "eof" for one in run.exchanges)
