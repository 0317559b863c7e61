"""pydantic-ai: agents as tools that run side by side, structured output, a streamed run."""

import json

FRAMEWORK = "pydantic_ai"
AGENTS = 4
SCOUT = "You scout towns."
CASHIER = "You count money."
WRITER = "You write a short letter."


def asked(step):
    return step["inputs"]["body"]["value"]


def instructions(step):
    return asked(step)["messages"][0]["content"]


def first_step(recording, agent):
    """Name the first recorded step of the agent that has these instructions."""
    return next(step["step"] for step in recording.steps() if instructions(step) == agent)


def test_the_run_has_what_it_is_here_for(recording):
    steps = recording.steps()
    assert len({instructions(step) for step in steps}) == AGENTS
    assert [asked(step).get("stream") for step in steps[-2:]] == [True, True]
    assert "response_format" in asked(steps[0])
    assert json.loads(recording.stdout[: recording.stdout.index(b"}") + 1])["stops"]
    # The cashier and the scout, twice, are asked at the same time: three callers, none the others'.
    together = {step["step"].rpartition("/")[0] for step in steps[1:4]}
    assert len(together) == 3
    assert {instructions(step) for step in steps[1:4]} == {SCOUT, CASHIER}


def test_ten_replays_are_the_run(recording):
    recording.check_replays(10)


def test_a_changed_docstring_is_named(recording):
    recording.changed("docstring").names(
        first_step(recording, CASHIER),
        "request.body $.tools[0].function.description",
        "Look up what something costs.",
        "Look up what something costs in euros.",
    )


def test_a_changed_prompt_is_named(recording):
    recording.changed("prompt").names(
        first_step(recording, WRITER),
        "request.messages[0].content",
        WRITER,
        "You write a warm letter.",
    )


def test_a_changed_order_of_tools_is_named(recording):
    recording.changed("tool_order").names(
        first_step(recording, SCOUT),
        "request.body $.tools[0].function.name",
        "weather",
        "sights",
    )
