"""What the demo's model says."""

import json

import pytest

from agentvcr.demo import script, tools


def conversation(role: str, *rest: dict) -> list[dict]:
    return [{"role": "system", "content": f"You are the {role}."}, *rest]


def user(text: str) -> dict:
    return {"role": "user", "content": text}


def test_planner_names_two_topics_that_the_search_knows():
    plan = json.loads(script.reply(conversation("planner", user("?")), call=1, seed=1).text)
    assert len(plan["topics"]) == 2
    assert set(plan["topics"]) <= set(tools.FACTS)


@pytest.mark.parametrize("topic", tools.FACTS)
def test_researcher_searches_for_the_topic_then_reports_a_fact_about_it(topic):
    asked = conversation("researcher", user(f"Topic: {topic}"))
    first = script.reply(asked, call=3, seed=1)
    found = tools.search(json.loads(first.tool_call.arguments)["query"], number=1)
    answer = {"role": "tool", "content": json.dumps(found)}
    second = script.reply([*asked, {"role": "assistant"}, answer], call=4, seed=1)
    assert second.tool_call is None
    assert any(fact in second.text for fact in tools.FACTS[topic])


def test_researcher_says_so_when_nothing_was_found():
    nothing = {"role": "tool", "content": json.dumps(tools.search("the moon", number=1))}
    said = script.reply(conversation("researcher", user("?"), nothing), call=1, seed=1)
    assert "says nothing" in said.text


def test_writer_uses_every_note():
    asked = conversation("writer", user("?\nNotes:\n- one thing\n- another"))
    said = script.reply(asked, call=1, seed=1).text
    assert "one thing" in said
    assert "another" in said


@pytest.mark.parametrize("role", ["planner", "researcher", "writer", "stranger"])
def test_no_two_calls_are_answered_alike(role):
    asked = conversation(role, user("Topic: upkeep"))
    replies = [script.reply(asked, call=call, seed=1) for call in range(20)]
    assert len({str(reply) for reply in replies}) == 20


def test_the_same_call_of_the_same_seed_is_answered_alike():
    asked = conversation("planner", user("?"))
    assert script.reply(asked, call=7, seed=5) == script.reply(asked, call=7, seed=5)


def test_another_seed_finds_other_words():
    asked = conversation("planner", user("?"))
    assert len({script.reply(asked, call=1, seed=seed).text for seed in range(20)}) > 5
