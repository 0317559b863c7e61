"""A run as its steps: their paths, their outline and one of them in full. Pure."""

from agentvcr.steps.detail import detail, detail_of
from agentvcr.steps.outline import cassette_row, outline, row, summary
from agentvcr.steps.path import find_step, steps_by_lane, steps_of

__all__ = [
    "cassette_row",
    "detail",
    "detail_of",
    "find_step",
    "outline",
    "row",
    "steps_by_lane",
    "steps_of",
    "summary",
]
