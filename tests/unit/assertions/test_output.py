"""What came of a run and of its steps."""

import re

from agentvcr.assertions import checked
from tests.unit.build import chat, tool
from tests.unit.build import run as built


def test_the_output_of_a_step_is_what_it_gave_or_its_last_answer(run):
    run.step("plan").output_equals({"topics": ["oak", "elm"]})
    run.step("review").output_equals("accepted")
    run.step("write[1]").output_equals("So: Write about elm.")
    run.step("pay").output_equals(expected=True)
    run.step("plan/llm[0]").output_equals("So: Plan.")
    run.step("plan").output_matches('"oak",.elm"|"oak"')
    run.step("write").output_matches(re.compile("ABOUT", re.IGNORECASE))


def test_the_output_of_a_block_is_the_last_answer(run, fails):
    run.output_equals("So: Thanks.")
    assert run.text == "So: Thanks."
    fails(
        lambda: run.output_equals("So: Thanks!"),
        """
expected another output
  in the run crew.avcr
  - expected, + found:
    - So: Thanks!
    + So: Thanks.
""",
    )


def test_the_output_of_a_command_is_what_it_printed(fails):
    run = checked(built(chat("Why?", "Because."), stdout=b"one\ntwo\nthree\n"))
    run.output_equals("one\ntwo\nthree")
    run.output_matches("^two$|one")
    fails(
        lambda: run.output_equals("one\n2\nthree\n"),
        """
expected another output
  in the run trip.avcr
  - expected, + found:
    @@ -1,3 +1,3 @@
     one
    -2
    +two
     three
""",
    )


def test_a_long_line_is_shown_where_it_parts(fails):
    run = checked(built(stdout=b"x" * 200 + b"found here"))
    fails(
        lambda: run.output_equals("x" * 200 + "wanted there"),
        f"""
expected another output
  in the run trip.avcr
  - expected, + found:
    - …{"x" * 25}wanted there
    + …{"x" * 25}found here
""",
    )


def test_what_is_no_text_is_compared_as_a_value(run, fails):
    fails(
        lambda: run.step("plan").output_equals({"topics": []}),
        """
expected another output
  in step 1 plan of crew.avcr
  - expected, + found:
    - {"topics":[]}
    + {"topics":["oak","elm"]}
""",
    )
    fails(
        lambda: run.step("plan").output_equals(frozenset),
        """
expected another output
  in step 1 plan of crew.avcr
  - expected, + found:
    - <class 'frozenset'>
    + {"topics":["oak","elm"]}
""",
    )


def test_a_pattern_that_is_not_found_is_told_with_what_is(run, fails):
    fails(
        lambda: run.output_matches(r"^Thanks\.$"),
        r"""
expected an output that matches ^Thanks\.$
  in the run crew.avcr
  found:
    So: Thanks.
""",
    )
    fails(
        lambda: checked(built()).output_matches("a"),
        """
expected an output that matches a
  in the run trip.avcr
  found:
    (nothing)
""",
    )


def test_hostile_output_is_shown_and_does_not_steer(fails):
    run = checked(built(stdout="\x1b[2J\u202egone".encode()))
    fails(
        lambda: run.output_matches("here"),
        r"""
expected an output that matches here
  in the run trip.avcr
  found:
    \x1b[2J\u202egone
""",
    )


def test_a_request_to_a_tool_gives_its_body():
    run = checked(built(tool("/page", b"<html>"), tool("/data", {"a": 1})))
    assert [one.output for one in run.find_steps()] == ["<html>", {"a": 1}]
    assert run.step(1).input is None
