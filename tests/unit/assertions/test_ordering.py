"""In which order steps began and tools were called, and that no call came twice."""

import pytest

from agentvcr.errors import BadOptionError


def test_steps_and_tools_in_order_pass(run):
    run.in_order("plan", "write", "review")
    run.in_order("planner", "writer", "writer", "critic")
    run.in_order("plan/llm[0]", "write[1]", "pay")
    run.in_order(tools=["search", "search", "pay"])
    run.in_order("plan", "review", tools=["search", "pay"])
    run.step("plan").in_order("llm[0]", "search")
    run.in_order()


def test_another_order_of_steps_is_told_as_it_was(run, fails):
    number = run.step("review").number
    fails(
        lambda: run.in_order("review", "plan", "write"),
        f"""
expected to begin in this order: review, plan, write
  in the run crew.avcr
  they began in this one:
    1 plan  agent (planner)
    {run.step("write").number} write  agent (writer)
    {number} review  check (critic)
""",
    )


def test_a_step_that_did_not_begin_is_no_order(run, fails):
    writes = [one.number for one in run.find_steps("write")]
    fails(
        lambda: run.in_order("writer", "writer", "writer"),
        f"""
expected 3 steps writer, found 2
  in the run crew.avcr
  found:
    {writes[0]} write  agent (writer)
    {writes[1]} write[1]  agent (writer)
""",
    )
    fails(
        lambda: run.in_order("plan", "revew"),
        f"""
expected a step revew, found none of that path, number, name or agent
  in the run crew.avcr
  close to it:
    {run.step("review").number} review  check (critic)
""",
    )


def test_another_order_of_tools_is_told_as_it_was(run, fails):
    fails(
        lambda: run.in_order(tools=["pay", "lookup"]),
        f"""
expected to be called in this order: pay, lookup
  in the run crew.avcr
  they were called in this one:
    2 plan/llm[0]  lookup({{"place":"Oslo","days":2}})
    {run.step("pay").number} pay  pay({{"order":"order-7","cents":250}})
""",
    )
    fails(
        lambda: run.step("plan").in_order(tools=["search", "search"]),
        """
expected call 2 of search, found 1
  in step 1 plan of crew.avcr
  calls:
    2 plan/llm[0]  lookup({"place":"Oslo","days":2})
    3 plan/search  search({"query":"trees","limit":2})
""",
    )


def test_a_call_that_came_twice_of_one_caller_is_told(run, fails):
    numbers = [run.step(name).number for name in ("write/search", "write[1]/search")]
    fails(
        run.no_repeated_calls,
        f"""
expected no call twice with equal arguments, found 1 repeated
  in the run crew.avcr
  called by one caller with equal arguments:
    {numbers[0]} write/search  search({{"query":"bark","limit":5}})
    {numbers[1]} write[1]/search  search({{"query":"bark","limit":5}})
""",
    )
    run.no_repeated_calls(except_=["search"])
    run.step("write").no_repeated_calls()


def test_arguments_that_make_no_difference_are_left_out(run, fails):
    pays = [run.step(name).number for name in ("pay", "pay[1]")]
    fails(
        lambda: run.no_repeated_calls(except_={"search"}, ignore=["order", "cents"]),
        f"""
expected no call twice with equal arguments, found 1 repeated
  in the run crew.avcr
  called by one caller with equal arguments:
    {pays[0]} pay  pay({{"order":"order-7","cents":250}})
    {pays[1]} pay[1]  pay({{"order":"order-8","cents":2500}}): RefusedError: too muc…
""",
    )


@pytest.mark.parametrize("name", ["except_", "ignore"])
def test_a_name_alone_is_refused_where_names_are_wanted(name, run):
    with pytest.raises(BadOptionError, match="is a list of names"):
        run.no_repeated_calls(**{name: "search"})
