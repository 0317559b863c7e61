"""What a run and its steps took, and that it was not too much."""

from agentvcr.assertions import checked
from tests.unit.build import chat, exchange, request, response
from tests.unit.build import run as built


def test_what_was_done_inside_a_recorded_function_does_not_count(run):
    assert (run.input_tokens, run.output_tokens, run.tokens) == (40, 44, 84)
    run.within(tokens=84, input_tokens=40, output_tokens=44, llm_calls=5, tool_calls=7, steps=14)
    run.step("plan").within(tokens=15, llm_calls=1, tool_calls=2, steps=2, latency_ms=60_000)
    run.within(latency_ms=60_000)


def test_more_than_the_budget_is_told_with_the_most_of_it(run, fails):
    numbers = {one.id: one.number for one in run.find_steps()}
    fails(
        lambda: run.within(tokens=50, llm_calls=4, steps=20),
        f"""
expected at most 50 tokens and at most 4 llm calls, found 84 tokens and 5
  llm calls
  in the run crew.avcr
  the most of it:
    {numbers["write/llm[0]"]} write/llm[0]  26 demo-1
    {numbers["write[1]/llm[0]"]} write[1]/llm[0]  26 demo-1
    {numbers["review/llm[0]"]} review/llm[0]  17 demo-1
    {numbers["plan/llm[0]"]} plan/llm[0]  15 demo-1
""",
    )
    fails(
        lambda: run.step("plan").within(steps=1),
        """
expected at most 1 steps, found 2 steps
  in step 1 plan of crew.avcr
  the most of it:
    2 plan/llm[0]  demo-1
    3 plan/search  search({"query":"trees","limit":2})
""",
    )
    fails(
        lambda: run.step("plan").within(tool_calls=1),
        """
expected at most 1 tool calls, found 2 tool calls
  in step 1 plan of crew.avcr
  the most of it:
    2 plan/llm[0]  lookup({"place":"Oslo","days":2})
    3 plan/search  search({"query":"trees","limit":2})
""",
    )


def test_time_is_that_of_the_step_and_of_the_run(fails):
    run = checked(built(chat("Why?", took_ms=30), chat("How?", took_ms=1900)))
    assert (run.latency_ms, run.step(1).latency_ms) == (3400, 30)
    fails(
        lambda: run.within(latency_ms=3399.5),
        """
expected at most 3,400 ms, found 3,400 ms
  in the run trip.avcr
  the most of it:
    2 llm[1]  1,900 ms
    1 llm[0]  30 ms
""",
    )


def test_while_it_goes_on_a_run_has_taken_what_is_known(fails):
    run = checked(built(chat("Why?"), chat("How?", kind=None), ended=False))
    assert run.latency_ms == 200
    fails(
        lambda: run.step(2).within(latency_ms=10),
        """
expected at most 10 ms, found no end yet
  in step 2 llm[1] of trip.avcr
""",
    )


def test_tokens_that_nobody_told_are_not_taken_for_none(fails):
    silent = exchange(request({"model": "m", "messages": []}), response({"choices": []}))
    run = checked(built(chat("Why?"), silent))
    run.within(llm_calls=2)
    fails(
        lambda: run.within(tokens=1000),
        """
expected to know how many tokens were used, found answers that do not say so
  in the run trip.avcr
  they say no number of tokens:
    2 llm[1]  m
""",
    )
