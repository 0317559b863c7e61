"""CrewAI: a crew of three, two of whose tasks run in threads; its telemetry is left on."""

FRAMEWORK = "crewai"
SCOUT = "You are Scout."
CASHIER = "You are Cashier."
WRITER = "You are Writer."


def asked(step):
    return step["inputs"]["body"]["value"]


def is_of(step, agent):
    return asked(step)["messages"][0]["content"].startswith(agent)


def first_step(recording, agent):
    """Name the first recorded step of the agent whose system prompt begins so."""
    return next(step["step"] for step in recording.steps() if is_of(step, agent))


def test_the_run_has_what_it_is_here_for(recording):
    steps = recording.steps()
    by_agent = [sum(is_of(step, agent) for step in steps) for agent in (SCOUT, CASHIER, WRITER)]
    assert by_agent == [2, 2, 2]
    threads = {step["lane"].split("/")[1] for step in steps if not is_of(step, WRITER)}
    assert len(threads) == 2  # the scout and the cashier have one each
    assert b"writing: " in recording.stdout


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
    changed = recording.changed("prompt")
    step = first_step(recording, WRITER)
    assert changed.status == 4, changed.stderr
    assert f"(first: {step})" in changed.stderr
    # The system prompt has two lines, which the words show as one.
    assert r"now:      You are Writer. Likes short letters.\nYour personal" in changed.stderr
    first = changed.diff["entries"][changed.diff["first"]]
    assert (first["status"], first["a"]["id"], first["b"]["id"]) == ("changed", step, step)
    (only,) = first["changes"]
    assert only["where"] == "request.messages[0].content"
    assert only["before"].endswith("\nYour personal goal is: Tell the guest")
    assert only["after"].endswith("\nYour personal goal is: Win the guest over")


def test_a_changed_order_of_tools_is_named(recording):
    recording.changed("tool_order").names(
        first_step(recording, SCOUT),
        "request.body $.tools[0].function.name",
        "weather",
        "sights",
    )
