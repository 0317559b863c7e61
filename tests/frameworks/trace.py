"""A run as a trace that can be compared: `agentvcr export --to jsonl` without what may differ.

Owns the list of what may differ and why. All else must be the same in the recorded run and in every
replay of it: who asked what, in which words, with which headers, and what came back, to the byte.
"""

import json
from typing import Any

Event = dict[str, Any]

MAY_DIFFER = {
    "run_id": "names one run",
    "started": "when the run began",
    "cassette": "the file in which this run was kept",
    "began_ms": "a time",
    "first_byte_ms": "a time",
    "latency_ms": "a time; the replay answers at once",
    "duration_ms": "a time",
    "number": "counts beginnings, and callers side by side begin in any order",
    "served_from": "null in the recording; compared between replays by `answers`",
    "notes": "telemetry: sent while recording, refused on replay; its tries depend on time",
}
"""Fields of the events that one run may have otherwise than another, each with the reason."""


MADE_UP = {
    "amz-sdk-invocation-id": "made up for each call by AWS's clients",
    "x-amz-date": "a time, which AWS's clients sign",
    "x-amzn-trace-id": "made up for each call by Hugging Face's client",
}
"""Headers of a request that may be others in the next run, each with the reason."""


def trace(exported: bytes) -> list[Event]:
    """Read exported events: steps in the order of their paths, without what may differ."""
    head, *steps, end = events(exported)
    steps.sort(key=lambda step: step["step"])
    return [
        {
            field: value
            for field, value in _without_made_up(event).items()
            if field not in MAY_DIFFER
        }
        for event in (head, *steps, end)
    ]


def _without_made_up(event: Event) -> Event:
    headers = {name.lower(): value for name, value in event.get("inputs", {}).get("headers") or ()}
    made_up = headers.keys() & MADE_UP.keys()
    if "x-amz-date" in made_up:
        # The one signs the time, the other names features in the order of a set.
        made_up |= {"authorization", "user-agent"}
    if not made_up:
        return event
    kept = [pair for pair in event["inputs"]["headers"] if pair[0].lower() not in made_up]
    return {**event, "inputs": {**event["inputs"], "headers": kept}}


def answers(exported: bytes) -> dict[str, int]:
    """Say for each step of a replay which recorded exchange answered it."""
    return {one["step"]: one["served_from"] for one in events(exported) if one["event"] == "step"}


def events(exported: bytes) -> list[Event]:
    """Read exported events as they are."""
    found = [json.loads(line) for line in exported.splitlines()]
    assert found[0]["event"] == "run"
    assert found[-1]["event"] == "run_end"
    return found
