"""What a run, or a step of it, was given and gave, and that it is what a test expects.

Owns which text stands for the output of which. Does not find steps.
"""

from __future__ import annotations

import re
from typing import Final

from agentvcr.assertions.calls import calls_of
from agentvcr.assertions.failing import MOST_DIFFERENT, difference, failed, in_words
from agentvcr.assertions.tree import Part
from agentvcr.model.exchange import Exchange
from agentvcr.model.step import Step
from agentvcr.providers import dialect_of
from agentvcr.providers.body import Json, json_text, request_content, response_content, value_of

_ODD: Final = "backslashreplace"


def given_to(step: Step) -> Json:
    """Give what a step was given: its input, a call's arguments, a request's body."""
    if step.named is not None:
        return value_of(step.named.input)
    for call in calls_of(step):
        if call.how == "done":
            return call.arguments
    return _value(request_content(step.exchange.request)) if step.exchange is not None else None


def given_by(step: Step) -> Json:
    """Give what a step gave: its output, a call's result, a model's text, an answer's body."""
    if step.named is not None:
        return value_of(step.named.output)
    for call in calls_of(step):
        if call.how == "done":
            return call.result
    return _answered(step.exchange) if step.exchange is not None else None


def _answered(exchange: Exchange) -> Json:
    dialect = dialect_of(exchange.request)
    if exchange.response is None:
        return None
    answer = dialect.read_answer(exchange.response) if dialect is not None else None
    if answer is not None:
        return answer.message.text
    return _value(response_content(exchange.response))


def _value(content: bytes) -> Json:
    parsed = value_of(content)
    return content.decode("utf-8", _ODD) if parsed is None and content else parsed


def output_of(part: Part) -> Json:
    """Give what it comes to: of a step its output, or its last answer; of a run what it printed.

    A block in a process prints nothing that is kept: its output is the last answer of a model.
    """
    if part.root is None:
        run = part.tree.run
        return run.output("stdout").decode("utf-8", _ODD) if run.info.argv else part.last_answer()
    index = next(at for at in part.indexes if part.tree.places[at].id == part.root)
    found = given_by(part.tree.read(index))
    return part.last_answer() if found is None else found


def expect_output(part: Part, expected: object) -> None:
    """Pass where the output is this; a line's end behind the last line makes no difference.

    Raises:
        ExpectationFailed: It is not.
    """
    __tracebackhide__ = True
    found = output_of(part)
    if isinstance(expected, str) and isinstance(found, str):
        is_equal = _without_end(found) == _without_end(expected)
    else:
        is_equal = bool(found == expected)
    if not is_equal:
        raise failed(
            "expected another output",
            where=part.name,
            title="- expected, + found",
            lines=difference(_without_end(in_words(expected)), _without_end(json_text(found))),
            most=MOST_DIFFERENT,
        )


def expect_match(part: Part, pattern: str | re.Pattern[str]) -> None:
    """Pass where a regular expression is found in the output.

    Raises:
        ExpectationFailed: It is not.
    """
    __tracebackhide__ = True
    found = json_text(output_of(part))
    if re.search(pattern, found) is None:
        text = pattern if isinstance(pattern, str) else pattern.pattern
        raise failed(
            f"expected an output that matches {text}",
            where=part.name,
            title="found",
            lines=found.splitlines() or ["(nothing)"],
        )


def _without_end(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r")
