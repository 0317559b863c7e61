"""The records of a step that the program named.

Owns what of it is redacted. When it began and ended, whoever was told of it knows.
"""

from __future__ import annotations

from agentvcr.cassette import format as fmt
from agentvcr.inside.exchange import StepBegan, StepEnded
from agentvcr.recording.cleaning import Cleaner


def step_begin(step: StepBegan, cleaner: Cleaner, *, at_us: int, after: int) -> fmt.StepBegin:
    """Make the record of a beginning.

    Args:
        step: What is known of it.
        cleaner: Takes credentials out.
        at_us: When, in microseconds since the run began.
        after: How many exchanges had begun.
    """
    return fmt.StepBegin(
        path=cleaner.path(step.path),
        name=cleaner.text(step.name),
        kind=step.kind,
        agent=cleaner.text(step.agent) if step.agent else None,
        process=step.process,
        lane=cleaner.lane(step.lane),
        at_us=at_us,
        after=after,
        content=cleaner.content(step.content),
    )


def step_end(step: StepEnded, cleaner: Cleaner, *, at_us: int) -> fmt.StepEnd:
    """Make the record of an end, at so many microseconds since the run began."""
    failure_type, message = step.failure or (None, None)
    return fmt.StepEnd(
        path=cleaner.path(step.path),
        at_us=at_us,
        content=cleaner.content(step.content),
        failure_type=failure_type,
        failure_message=None if message is None else cleaner.text(message),
    )
