"""LangGraph: a supervisor fans out to agents in threads and in tasks; a thread remembers."""

FRAMEWORK = "langgraph"
SUPERVISOR = "You plan what to look into."
RESEARCHER = "You find out how things are."
SCEPTIC = "You doubt what others find out."
EDITOR = "You write the article."
READER = "You read, and say what is missing."


def said(step):
    return step["inputs"]["body"]["value"]["messages"]


def asked_by(recording, prompt, *run):
    """List the recorded steps of the agent that has this system prompt, in their order."""
    return [one for one in recording.steps(*run) if said(one)[0]["content"] == prompt]


def test_the_run_has_what_it_is_here_for(recording):
    steps = recording.steps()
    assert {said(one)[0]["content"] for one in steps} == {SUPERVISOR, RESEARCHER, SCEPTIC, EDITOR}
    plans = asked_by(recording, SUPERVISOR)
    assert [len(said(one)) for one in plans] == [2, 4, 6]  # the thread remembers what was said
    streamed = [one["inputs"]["body"]["value"].get("stream", False) for one in steps]
    assert streamed == sorted(streamed)
    assert True in streamed
    firsts = [said(one) for one in asked_by(recording, RESEARCHER) if len(said(one)) == 2]
    twice = {str(one) for one in firsts if firsts.count(one) == 2}
    assert len(twice) == 3  # in each of three turns, two callers ask the same at once


def test_ten_replays_are_the_run(recording):
    recording.check_replays(10)


def test_a_changed_docstring_is_named(recording):
    recording.changed("docstring").names(
        asked_by(recording, SCEPTIC)[0]["step"],
        "request.body $.tools[0].function.description",
        "Check a claim.",
        "Check a claim with care.",
    )


def test_a_changed_prompt_is_named(recording):
    recording.changed("prompt").names(
        asked_by(recording, EDITOR)[0]["step"],
        "request.messages[0].content",
        EDITOR,
        "You write the shortest article.",
    )


def test_a_changed_order_of_tools_is_named(recording):
    recording.changed("tool_order").names(
        asked_by(recording, EDITOR)[0]["step"],
        "request.body $.tools[0].function.name",
        "count",
        "style",
    )


def test_under_nearest_a_changed_prompt_touches_the_steps_of_its_agent_alone(recording):
    own = [one["step"] for one in asked_by(recording, EDITOR)]
    assert len(own) > 1
    recording.changed("prompt", "nearest").touches("changed", own)


def test_under_nearest_callers_that_ask_the_same_are_touched_once_each(recording):
    own = [one["step"] for one in asked_by(recording, RESEARCHER)]
    recording.changed("shared_prompt", "nearest").touches("changed", own)


def test_under_nearest_a_turn_more_is_added_and_touches_nobody(recording):
    changed = recording.changed("inserted", "nearest")
    added = [one["step"] for one in asked_by(recording, READER, "inserted-nearest.avcr")]
    assert len(added) == 3  # one in each of three turns
    changed.touches("added", added)


def test_under_nearest_a_turn_less_is_removed_and_touches_nobody(longer_recording):
    gone = [one["step"] for one in asked_by(longer_recording, READER)]
    command = longer_recording.command[:-2]
    longer_recording.otherwise("shorter.avcr", command, "nearest").touches("removed", gone)
