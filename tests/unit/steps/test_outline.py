from __future__ import annotations

import pytest

from agentvcr.model.exchange import Failure
from agentvcr.model.results import Totals
from agentvcr.steps import cassette_row, outline
from tests.unit.build import chat, completion, exchange, request, response, run, tool


def only(one):
    return outline(run(one)).steps[0]


def test_a_model_step_says_its_model_its_answer_and_its_tokens():
    step = only(chat("Is it?", "Yes,\n  it is."))
    assert (step.kind, step.action, step.result) == ("llm", "gpt-4o-mini", "Yes, it is.")
    assert (step.input_tokens, step.output_tokens, step.latency_ms) == (12, 5, 10)


def test_a_model_step_that_calls_a_tool_says_the_call():
    calls = [{"id": "c", "function": {"name": "get", "arguments": '{"a":1}'}}]
    step = only(exchange(request({}), response(completion({"tool_calls": calls}))))
    assert step.action == "gpt-4o-mini-2024-07-18"
    assert step.result == 'get({"a":1})'


def test_a_tool_step_says_method_address_and_status_but_no_query():
    step = only(tool("/weather?key=k", status=404))
    assert (step.kind, step.action) == ("tool", "GET tools.example/weather")
    assert (step.result, step.status) == ("404", 404)


def test_credentials_in_an_address_are_not_shown():
    asked = request(url="https://user:secret@tools.example/x", method="GET")
    assert only(exchange(asked, response(b""))).action == "GET tools.example/x"


@pytest.mark.parametrize(
    ("details", "result", "error"),
    [
        ({"kind": None}, "in flight: Yes.", None),
        ({"kind": "abandoned"}, "abandoned: Yes.", None),
        ({"kind": "failed", "failure": Failure(type="E", message="m")}, "E: Yes.", "E"),
    ],
)
def test_an_ending_out_of_the_ordinary_is_told_first(details, result, error):
    step = only(chat("q", **details))
    assert (step.result, step.error) == (result, error)


def test_totals_are_the_sums_of_the_steps():
    totals = outline(run(chat("a"), tool("/x"), chat("b"))).run.totals
    assert totals == Totals(steps=3, llm=2, tool=1, input_tokens=24, output_tokens=10)


def test_a_summary_says_when_what_and_how_it_ended():
    summary = outline(run(exit_status=3)).run
    assert (summary.started, summary.command) == ("2026-01-01T00:00:00Z", ("{python}", "trip.py"))
    assert (summary.duration_ms, summary.exit_status, summary.state) == (3400, 3, "complete")


def test_a_run_without_an_outcome_is_unfinished_and_damage_is_named():
    assert outline(run(ended=False)).run.state == "unfinished"
    assert outline(run(notes=[("damage", "x")])).run.state == "damaged"


def test_a_row_of_the_listing_carries_the_runs_summary():
    row = cassette_row("trip.avcr", 812, run(chat("a")))
    assert (row.name, row.size, row.exchanges) == ("trip.avcr", 812, 1)
    assert row.run is not None
    assert row.run.totals.llm == 1
