"""How often a tool was called, and with what arguments."""

from typing import Literal
from unittest.mock import ANY

import pytest
from pydantic import BaseModel, Field

from agentvcr.errors import BadOptionError
from tests.support.crew import CrewProvider


class Payment(BaseModel):
    order: str = Field(pattern="^order-")
    cents: int = Field(le=1000)


class Strict(BaseModel, strict=True, extra="forbid"):
    place: Literal["Oslo", "Bergen"]


SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {"cents": {"type": "integer", "maximum": 1000}},
    "required": ["order", "cents"],
}


def test_calls_are_as_many_as_expected(run):
    run.calls("pay")
    run.calls("pay", times=2)
    run.calls("pay", at_least=1, at_most=2)
    run.calls("pay", at_most=5)
    run.calls("refund", times=0)
    run.calls("refund", at_most=0)
    run.calls("refund", at_least=0)
    run.calls(times=7)
    run.step("write").calls("search", times=1)


def test_too_few_calls_are_told_with_those_that_are_there(run, fails):
    pays = [run.step(name).number for name in ("pay", "pay[1]")]
    listed = f"""\
  in the run crew.avcr
  found:
    {pays[0]} pay  pay({{"order":"order-7","cents":250}})
    {pays[1]} pay[1]  pay({{"order":"order-8","cents":2500}}): RefusedError: too muc…
"""
    fails(lambda: run.calls("pay", times=3), f"expected 3 calls of pay, found 2\n{listed}")
    fails(lambda: run.calls("pay", times=1), f"expected 1 call of pay, found 2\n{listed}")
    fails(lambda: run.calls("pay", times=0), f"expected no call of pay, found 2\n{listed}")
    fails(lambda: run.calls("pay", at_most=1), f"expected at most 1 call of pay, found 2\n{listed}")
    fails(
        lambda: run.calls("pay", at_least=3, at_most=4),
        f"expected 3 to 4 calls of pay, found 2\n{listed}",
    )
    fails(
        lambda: run.calls("pay", arguments={"order": "order-9"}),
        'expected at least 1 call of pay with {"order":"order-9"}, found none, of 2\n  calls\n'
        + listed,
    )


def test_where_there_is_no_call_others_are_told(run, fails):
    fails(
        lambda: run.step("plan").calls("find"),
        """
expected at least 1 call of find, found none
  in step 1 plan of crew.avcr
  other calls:
    2 plan/llm[0]  lookup({"place":"Oslo","days":2})
    3 plan/search  search({"query":"trees","limit":2})
""",
    )
    fails(
        lambda: run.step("pay").calls("find"),
        f"""
expected at least 1 call of find, found none
  in step {run.step("pay").number} pay of crew.avcr
  other calls:
    {run.step("pay").number} pay  pay({{"order":"order-7","cents":250}})
""",
    )


def test_a_dict_counts_the_calls_that_have_these_arguments(run):
    (call,) = run.calls("pay", times=1, arguments={"cents": 250})
    assert call.arguments["order"] == "order-7"
    run.calls("search", times=2, arguments={"query": "bark", "limit": ANY})
    run.calls("search", times=0, arguments={"query": "bark", "page": 1})
    run.calls("pay", times=2, arguments={})


def test_a_model_that_does_not_fit_is_told_in_its_own_words(run, fails):
    run.calls("search", arguments=dict[str, str | int])
    number = run.step("pay[1]").number
    fails(
        lambda: run.calls("pay", arguments=Payment),
        f"""
expected the arguments of each call of pay to fit
  in the run crew.avcr
  they do not:
    {number} pay[1]  pay({{"order":"order-8","cents":2500}}): RefusedError: too muc…
      cents: Input should be less than or equal to 1000
""",
    )
    fails(
        lambda: run.step("plan").calls("lookup", arguments=Strict),
        """
expected the arguments of each call of lookup to fit
  in step 1 plan of crew.avcr
  they do not:
    2 plan/llm[0]  lookup({"place":"Oslo","days":2})
      days: Extra inputs are not permitted
""",
    )


@pytest.mark.parametrize("name", ["arguments", "schema"])
def test_a_json_schema_that_does_not_fit_is_told_with_the_place(name, run, fails):
    number = run.step("pay[1]").number
    run.calls("pay", **{name: {**SCHEMA, "properties": {}}})
    fails(
        lambda: run.calls("pay", **{name: SCHEMA}),
        f"""
expected the arguments of each call of pay to fit
  in the run crew.avcr
  they do not:
    {number} pay[1]  pay({{"order":"order-8","cents":2500}}): RefusedError: too muc…
      arguments.cents: 2500 is greater than the maximum of 1000
""",
    )


def test_a_schema_and_some_arguments_go_together(run):
    run.calls("pay", times=1, arguments={"cents": 250}, schema=SCHEMA)


def test_a_schema_that_makes_no_sense_is_no_failed_expectation(run):
    with pytest.raises(BadOptionError, match="'thing' is not valid under any"):
        run.calls("pay", schema={"type": "thing"})


def test_a_schema_fetches_nothing(run):
    with CrewProvider() as server:
        with pytest.raises(BadOptionError, match=f"nothing is there under {server.base_url}/x"):
            run.calls("pay", schema={"$ref": f"{server.base_url}/x"})
        assert server.count == 0


def test_what_is_no_model_and_no_schema_is_refused(run):
    with pytest.raises(BadOptionError, match="and not <object"):
        run.calls("pay", arguments=object())
    with pytest.raises(BadOptionError, match="times says all"):
        run.calls("pay", times=1, at_least=1)
