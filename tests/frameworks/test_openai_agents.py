"""openai-agents by its default API, responses: handoffs, parallel tools, a streamed run."""

FRAMEWORK = "openai_agents"
AGENTS = 6
WEATHER = "You know the weather. Convert every price of a forecast."
PLANNER = "You plan trips."
BOOKER = "You book what was planned."


def asked(step):
    return step["inputs"]["body"]["value"]


def first_step(recording, instructions):
    """Name the first recorded step of the agent that has these instructions."""
    return next(
        one["step"] for one in recording.steps() if asked(one)["instructions"] == instructions
    )


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
