"""What one step gave and another was given, word for word."""

from __future__ import annotations

import json

import msgspec

from agentvcr.steps import steps_of
from agentvcr.steps.flow import MOST_STEPS, SHORTEST, comes_from, goes_into
from tests.unit.build import MS, chat, completion, exchange, request, response, run, tool
from tests.unit.steps.test_named_steps import call, made_of, named

LISBON = "Lisbon is sunny today."
PORTO = "Porto has rain tonight."
LATER = {"began_ns": 3 * MS, "ended_ns": 4 * MS}


def after(index, one):
    """Give where what a step gave is used."""
    steps = steps_of(one)
    return [(use.target, use.where) for use in goes_into(steps[index], steps[index + 1 :])]


def before(index, one):
    """Give where what a step was given is from."""
    steps = steps_of(one)
    return [(use.source, use.where) for use in comes_from(steps[index], steps[:index][::-1])]


def test_an_answer_that_is_asked_again_goes_there():
    one = run(chat("q", LISBON), chat("other"), chat(f"You said: {LISBON}"))
    assert after(0, one) == [("llm[2]", "request.messages[0].content")]
    assert before(2, one) == [("llm[0]", "request.messages[0].content")]


def test_the_text_is_shown_short_and_in_one_line():
    text = "a line\n  and another " + "x" * 200
    one = run(chat("q", text), chat(text))
    steps = steps_of(one)
    (use,) = goes_into(steps[0], steps[1:])
    assert (use.source, use.target) == ("llm[0]", "llm[1]")
    assert use.text.startswith("a line and another xxx")
    assert len(use.text) <= 60


def test_short_texts_are_the_same_by_chance():
    short, long = "x" * (SHORTEST - 1), "x" * SHORTEST
    assert after(0, run(chat("q", short), chat(short))) == []
    assert after(0, run(chat("q", long), chat(long))) == [("llm[1]", "request.messages[0].content")]


def test_what_stays_in_a_conversation_is_told_where_it_came_in():
    def turn(*said):
        messages = [{"role": "user", "content": text} for text in said]
        return exchange(request({"model": "m", "messages": messages}), response(completion({})))

    one = run(chat("q", LISBON), turn(LISBON), turn(LISBON, "more"), turn(LISBON, "more", "yet"))
    assert after(0, one) == [("llm[1]", "request.messages[0].content")]


def test_another_lane_is_told_of_its_own():
    one = run(chat("q", LISBON), chat(LISBON), chat(LISBON, lane="main/task0"))
    assert [target for target, _ in after(0, one)] == ["llm[1]", "task0/llm[0]"]


def test_named_steps_give_and_are_given_texts_at_any_depth():
    steps = [
        named("a", output=json.dumps({"x": [LISBON]}).encode()),
        named("b", input=json.dumps({"deep": {"y": ["no", f"<{LISBON}>"]}}).encode(), **LATER),
        named("c", input=json.dumps(PORTO).encode()),
    ]
    one = made_of(steps)
    assert after(0, one) == [("b", "step.input $.deep.y[1]")]
    assert before(1, one) == [("a", "step.input $.deep.y[1]")]


def test_calls_of_recorded_functions_take_part():
    asked = request({"city": PORTO}, url="tool:look", method="CALL")
    look = msgspec.structs.replace(call("look"), request=asked, response=response({"got": LISBON}))
    one = run(chat("q", PORTO), look, chat(LISBON))
    assert after(0, one) == [("look", "arguments $.city")]
    assert after(1, one) == [("llm[1]", "request.messages[0].content")]


def test_arguments_that_a_model_made_go_into_the_call():
    arguments = json.dumps({"city": "Lisbon, Portugal"})
    calls = [{"id": "c", "function": {"name": "look", "arguments": arguments}}]
    asked = exchange(request({}), response(completion({"tool_calls": calls})))
    look = msgspec.structs.replace(
        call("look"), request=request({"city": "Lisbon, Portugal"}, url="tool:look", method="CALL")
    )
    assert after(0, run(asked, look)) == [("look", "arguments $.city")]


def test_each_pair_of_steps_is_told_once_by_the_longest_text():
    steps = [
        named("a", output=json.dumps([LISBON, f"{LISBON} And warm."]).encode()),
        named("b", input=json.dumps([LISBON, f"{LISBON} And warm."]).encode(), **LATER),
    ]
    found = steps_of(made_of(steps))
    (use,) = goes_into(found[0], found[1:])
    assert (use.where, use.text) == ("step.input $[1]", f"{LISBON} And warm.")
    (use,) = comes_from(found[1], found[:1])
    assert (use.where, use.text) == ("step.input $[1]", f"{LISBON} And warm.")


def test_what_has_no_answer_or_no_text_gives_nothing():
    silent = msgspec.structs.replace(chat("q", kind=None), response=None)
    assert after(0, run(silent, chat(LISBON))) == []
    assert after(0, run(tool("/x", b"\xff" * 40), chat("\\xff" * 40))) == []
    assert after(0, made_of([named("a", output=b""), named("b", input=b"")])) == []


def test_no_step_goes_into_itself_or_into_one_before_it():
    one = run(chat(LISBON, "x"), chat("q", LISBON))
    assert after(1, one) == []
    assert before(0, one) == []


def test_one_looks_no_further_than_so_many_steps():
    between = [chat(f"q{number}") for number in range(MOST_STEPS)]
    assert after(0, run(chat("q", LISBON), *between, chat(LISBON))) == []
    assert len(after(0, run(chat("q", LISBON), *between[1:], chat(LISBON)))) == 1
