"""A step is found by path, number, name or agent, and where several are meant, they are named."""

import pytest


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ("plan", "plan"),
        ("main/plan", "plan"),
        (1, "plan"),
        ("1", "plan"),
        ("planner", "plan"),
        ("write", "write"),
        ("write[1]", "write[1]"),
        ("critic", "review"),
        ("plan/llm[0]", "plan/llm[0]"),
        ("plan/search", "plan/search"),
        ("plan/search/llm[0]", "plan/search/llm[0]"),
        ("pay[1]", "pay[1]"),
        ("llm[0]", "llm[0]"),
    ],
)
def test_a_step_is_found(wanted, path, cassettes):
    import agentvcr

    run = agentvcr.load(cassettes["recorded"])
    assert run.step(wanted).id == path


def test_below_a_step_paths_begin_there(run):
    assert run.step("write[1]").step("llm[0]").id == "write[1]/llm[0]"
    assert run.step("write[1]").step("search").id == "write[1]/search"


def test_several_of_a_name_are_each_named(run, fails):
    fails(
        lambda: run.step("writer"),
        """
expected one step writer, found 2
  in the run crew.avcr
  each of them is meant by its path:
    {} write  agent (writer)
    {} write[1]  agent (writer)
""".format(*[one.number for one in run.find_steps("writer")]),
    )


def test_where_there_is_none_the_closest_are_named(run, fails):
    numbers = [run.step(name).number for name in ("review", "pay")]
    fails(
        lambda: run.step("reviews"),
        f"""
expected a step reviews, found none of that path, number, name or agent
  in the run crew.avcr
  close to it:
    {numbers[0]} review  check (critic)
""",
    )
    fails(
        lambda: run.step("plan").step("review"),
        """
expected a step review, found none of that path, number, name or agent
  in step 1 plan of crew.avcr
  the steps:
    1 plan  agent (planner)
    2 plan/llm[0]  llm
    3 plan/search  tool
""",
    )


def test_steps_are_listed_by_name_agent_and_kind_as_they_began(run):
    assert [one.id for one in run.find_steps("write")] == ["write", "write[1]"]
    assert [one.id for one in run.find_steps("writer")] == ["write", "write[1]"]
    asked = [one.id for one in run.find_steps(kind="llm")]
    assert asked == ["plan/llm[0]", "write/llm[0]", "write[1]/llm[0]", "review/llm[0]", "llm[0]"]
    assert [one.id for one in run.step("plan").find_steps()] == ["plan/llm[0]", "plan/search"]
    assert run.find_steps("nobody") == ()


def test_a_step_says_what_it_was(run):
    plan, pay, ask = run.step("plan"), run.step("pay[1]"), run.step("plan/llm[0]")
    assert (plan.name, plan.kind, plan.agent, plan.lane) == ("plan", "agent", "planner", "main")
    assert (plan.input, plan.output) == ({"topic": "trees"}, {"topics": ["oak", "elm"]})
    assert (plan.text, ask.text, ask.output) == ("So: Plan.",) * 3
    assert ask.input["messages"] == [{"role": "user", "content": "Plan."}]
    assert (ask.agent, ask.status, run.step("llm[0]").status) == ("planner", 200, 429)
    assert (pay.input, pay.output) == ({"order": "order-8", "cents": 2500}, None)
    assert pay.error == "tests.support.crew.RefusedError"
    assert plan.latency_ms >= ask.latency_ms > 0
    assert repr(plan) == "<step 1 plan>"
    assert (ask.input_tokens, ask.output_tokens, ask.tokens) == (10, 5, 15)
