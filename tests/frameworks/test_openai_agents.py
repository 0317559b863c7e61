"""openai-agents by its default API, responses: handoffs, parallel tools, a streamed run."""

FRAMEWORK = "openai_agents"
AGENTS = 6
WEATHER = "You know the weather. Convert every price of a forecast."
PLANNER = "You plan trips."
BOOKER = "You book what was planned."
GUIDE = "You tell what to see, and say something else each time."
READER = "You read, and say what is missing."


def asked(step):
    return step["inputs"]["body"]["value"]


def steps_of(recording, instructions, *run):
    """Name the recorded steps of the agent that has these instructions, in their order."""
    steps = recording.steps(*run)
    return [one["step"] for one in steps if asked(one)["instructions"] == instructions]


def first_step(recording, instructions):
    """Name the first recorded step of the agent that has these instructions."""
    return steps_of(recording, instructions)[0]


def test_the_run_has_what_it_is_here_for(recording):
    steps = recording.steps()
    assert len({asked(step)["instructions"] for step in steps}) == AGENTS
    assert [asked(step).get("stream") for step in steps[-2:]] == [True, True]
    firsts = [asked(step) for step in steps[:3]]
    assert sum(firsts.count(one) == 2 for one in firsts) == 2  # two callers ask the same at once
    assert b"Booker: " in recording.stdout


def test_ten_replays_are_the_run(recording):
    recording.check_replays(10)


def test_a_changed_docstring_is_named(recording):
    recording.changed("docstring").names(
        first_step(recording, WEATHER),
        "request.body $.tools[0].description",
        "Convert an amount of euros into a currency.",
        "Convert an amount of euros into another currency.",
    )


def test_a_changed_prompt_is_named(recording):
    recording.changed("prompt").names(
        first_step(recording, BOOKER),
        "request.system",
        BOOKER,
        "You book quickly what was planned.",
    )


def test_a_changed_order_of_tools_is_named(recording):
    recording.changed("tool_order").names(
        first_step(recording, PLANNER),
        "request.body $.tools[0].name",
        "search_flights",
        "search_hotels",
    )


def test_under_nearest_a_changed_prompt_touches_the_steps_of_its_agent_alone(recording):
    own = steps_of(recording, BOOKER)
    assert len(own) > 1
    recording.changed("prompt", "nearest").touches("changed", own)


def test_under_nearest_callers_that_ask_the_same_are_touched_once_each(recording):
    own = steps_of(recording, GUIDE)
    recording.changed("shared_prompt", "nearest").touches("changed", own)


def test_under_nearest_a_turn_more_is_added_and_touches_nobody(recording):
    changed = recording.changed("inserted", "nearest")
    added = steps_of(recording, READER, "inserted-nearest.avcr")
    assert len(added) == 1
    changed.touches("added", added)


def test_under_nearest_a_turn_less_is_removed_and_touches_nobody(longer_recording):
    gone = steps_of(longer_recording, READER)
    command = longer_recording.command[:-2]
    longer_recording.otherwise("shorter.avcr", command, "nearest").touches("removed", gone)
