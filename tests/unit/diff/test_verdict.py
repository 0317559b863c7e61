"""Which kind each difference is, and what a run's differences amount to."""

from __future__ import annotations

import msgspec
import pytest

from agentvcr.diff.rundiff import diff
from agentvcr.diff.verdict import KINDS, judge
from agentvcr.model.exchange import Failure
from tests.golden.make_failures import PAIRS, asked, calling
from tests.unit.build import chat, exchange, request, response, run, tool
from tests.unit.cassette.stepped import step


def judged(a, b, **treat):
    return judge(diff(a, b), treat)


def kinds(a, b):
    return [(reason.kind, reason.text) for reason in judged(a, b).reasons]


def between(before, after):
    """Give the kinds of what differs between two runs of one exchange each."""
    return [kind for kind, _ in kinds(run(before), run(after))]


def test_a_run_is_identical_to_itself():
    one = run(chat("a"), tool("/b"), stdout=b"x\n", exit_status=3)
    assert judged(one, one).verdict == "identical"
    assert judged(one, one).reasons == ()


def test_each_kind_has_a_pair_of_runs():
    found = {reason.kind for pair in PAIRS.values() for reason in verdict_of(pair).reasons}
    assert found == set(KINDS)


def verdict_of(pair):
    return judged(pair.before, pair.after)


BENIGN = ("wording", "output", "wide", "very_long", "hostile")


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_words_and_output_are_benign_and_all_else_is_a_regression(name):
    benign = name.startswith(BENIGN)
    assert verdict_of(PAIRS[name]).verdict == ("benign" if benign else "regression")


@pytest.mark.parametrize(
    "name", ["tool_call", "structure", "setting", "status", "missing", "added", "ending", "stopped"]
)
def test_the_failure_that_is_told_is_of_the_kind_that_weighs_most(name):
    assert PAIRS[name].failure().kind == name


def test_the_heaviest_difference_decides_and_is_told():
    before = run(chat("a"), tool("/b?q=1"), stdout=b"x\n")
    after = run(chat("b"), tool("/b?q=2"), stdout=b"y\n")
    assert kinds(before, after) == [
        ("wording", "request.messages[0].content"),
        ("tool_call", "request.query.q"),
        ("output", "stdout from line 1"),
    ]
    assert judged(before, after).verdict == "regression"


# --- what is a tool call, what structure, what wording --------------------------------------------


def test_what_a_model_wants_of_a_tool_is_a_tool_call():
    assert between(asked("a", calling("go", x=1)), asked("a", calling("go", x=2))) == ["tool_call"]
    assert between(asked("a", calling("go")), asked("a", calling("come"))) == ["tool_call"]
    assert "tool_call" in between(asked("a", calling("go")), asked("a", "No."))


def test_what_a_tool_is_given_is_a_tool_call_whoever_carries_it():
    def http(body):
        return exchange(request(body, url="https://tools.example/search"), response({"n": 1}))

    assert between(http({"q": "oak"}), http({"q": "elm"})) == ["tool_call"]
    assert between(http(b"oak"), http(b"elm")) == ["tool_call"]

    def function(q):
        asked_for = request({"q": q}, url="tool:search", method="CALL")
        return msgspec.structs.replace(exchange(asked_for, response(1)), client="agentvcr.tool")

    assert between(function("oak"), function("elm")) == ["tool_call"]


def test_what_a_tool_gave_is_wording_as_long_as_only_strings_differ():
    def gave(body):
        return tool("/a", body)

    assert between(gave({"sky": "red", "n": 1}), gave({"sky": "blue", "n": 1})) == ["wording"]
    assert between(gave({"n": 1}), gave({"n": 2})) == ["structure"]
    assert between(gave({"on": True}), gave({"on": False})) == ["structure"]
    assert between(gave({"n": 1}), gave({"m": 1})) == ["structure"]
    assert between(gave(["a"]), gave(["a", "b"])) == ["structure"]
    assert between(gave({"n": "1"}), gave({"n": 1})) == ["structure"]
    assert between(gave("red"), gave("blue")) == ["wording"]
    assert between(gave('{"a": 1}'), gave("sorry")) == ["structure"]
    assert between(gave(b"\x00\x01"), gave(b"\x00\x02\x03")) == ["structure"]


def test_an_answer_that_is_json_is_compared_by_its_structure():
    def answers(text):
        return asked("a", text)

    assert between(answers('{"a": "x"}'), answers('{"a": "y"}')) == ["wording"]
    assert between(answers('{"a": 1}'), answers('{"a": 2}')) == ["structure"]
    assert between(answers("A 1."), answers("B 2.")) == ["wording"]


def test_a_message_more_is_structure():
    def said(*texts):
        messages = [{"role": "user", "content": text} for text in texts]
        return exchange(request({"model": "m", "messages": messages}), response("no"))

    assert between(said("a"), said("a", "b")) == ["structure"]


def test_another_model_or_host_is_a_setting():
    changed = chat("a", "Yes.")
    body = {"model": "gpt-5", "messages": [{"role": "user", "content": "a"}]}
    other = msgspec.structs.replace(changed, request=request(body), fingerprint=b"2" * 8)
    assert between(changed, other) == ["setting"]


def test_how_an_answer_ended_is_an_ending():
    failure = Failure(type="httpx.ReadTimeout", message="slow")
    assert between(chat("a"), chat("a", kind="failed", failure=failure)) == ["ending"]


def test_what_named_steps_gave_is_told_by_its_structure():
    def named(output):
        steps = (step("plan", output=msgspec.json.encode(output)),)
        return msgspec.structs.replace(run(), steps=steps)

    assert [kind for kind, _ in kinds(named("a"), named("b"))] == ["wording"]
    assert [kind for kind, _ in kinds(named(1), named(2))] == ["structure"]
    assert [kind for kind, _ in kinds(named({"a": "x"}), named({"a": "y"}))] == ["wording"]


# --- kinds that count otherwise -------------------------------------------------------------------


def test_kinds_can_be_made_to_weigh_more_less_or_nothing():
    before, after = run(chat("a"), stdout=b"x\n"), run(chat("b"), stdout=b"y\n")
    assert judged(before, after, wording="regression").verdict == "regression"
    left = judged(before, after, wording="ignore")
    assert (left.verdict, left.ignored) == ("benign", 1)
    assert [reason.kind for reason in left.reasons] == ["output"]
    nothing = judged(before, after, wording="ignore", output="ignore")
    assert (nothing.verdict, nothing.reasons, nothing.ignored) == ("identical", (), 2)


def test_a_stop_hides_what_it_did_itself():
    pair = PAIRS["stopped"]
    assert [reason.kind for reason in verdict_of(pair).reasons] == ["wording", "stopped"]
