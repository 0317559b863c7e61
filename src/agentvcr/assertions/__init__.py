"""Assertions on a run, for whoever writes tests: what was called, in which order, at what cost.

Pure: a run goes in, and an assertion passes or raises `ExpectationFailed`. Reads no cassette; the
session does (`agentvcr.load`, and `run` of a session).
"""

from agentvcr.assertions.calls import FoundCall
from agentvcr.assertions.checked import CheckedRun, CheckedStep, checked
from agentvcr.assertions.failing import ExpectationFailed

__all__ = ["CheckedRun", "CheckedStep", "ExpectationFailed", "FoundCall", "checked"]
