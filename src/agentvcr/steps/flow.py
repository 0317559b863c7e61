"""What one step gave and another was given, word for word: the edges of a run's data flow.

Owns which texts count as given and as received, and how far one looks. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from agentvcr.model.exchange import is_call
from agentvcr.model.results import Use
from agentvcr.providers import mcp, read
from agentvcr.providers.body import Json, request_content, response_content, value_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agentvcr.model.conversation import Message, Prompt
    from agentvcr.model.exchange import Exchange
    from agentvcr.model.step import Step

SHORTEST = 12
"""Characters that a text must have: shorter ones are the same by chance."""
MOST_STEPS = 500
"""Steps looked at on either side: a longer run is not read as a whole for this."""
_MOST_TEXTS = 200
_SHOWN = 60
_IN_PROMPTS = ("request.system", "request.messages")

Text = tuple[str, str]
"""Where it stands, and what it is."""


def goes_into(step: Step, later: Iterable[Step]) -> tuple[Use, ...]:
    """Find where what `step` gave is used by the steps that began after it.

    What stays in a conversation from then on is told once, where it came in.
    """
    given, end = _given(step), ended_ns(step)
    if not given or end is None:
        return ()
    found: list[Use] = []
    known: set[tuple[str, str]] = set()
    for target in islice(later, MOST_STEPS):
        if began_ns(target) < end:
            continue
        for where, text in _received(target):
            if where.startswith(
                _IN_PROMPTS
            ):  # what a function or a step is given, it is given anew
                if (target.lane, text) in known:
                    continue
                known.add((target.lane, text))
            longest = next((one for one in given if one in text), None)
            if longest is not None:
                found.append(_use(step, target, where, longest))
    return tuple(_once(found))


def comes_from(step: Step, earlier: Iterable[Step]) -> tuple[Use, ...]:
    """Find which of the steps that began before it, the latest first, gave what it was given."""
    received, began = list(_received(step)), began_ns(step)
    found = [
        _use(source, step, where, one)
        for source in islice(earlier, MOST_STEPS)
        if (end := ended_ns(source)) is not None and end <= began
        for one in _given(source)
        for where, text in received
        if one in text
    ]
    return tuple(_once(found))


def began_ns(step: Step) -> int:
    """Say when a step began, since the run did."""
    if step.named is not None:
        return step.named.began_ns
    return step.exchange.began_ns if step.exchange is not None else 0


def ended_ns(step: Step) -> int | None:
    """Say when a step was over; None while it was not."""
    if step.named is not None:
        return step.named.ended_ns
    ending = step.exchange.ending if step.exchange is not None else None
    return ending.at_ns if ending is not None else None


def _use(source: Step, target: Step, where: str, text: str) -> Use:
    shown = " ".join(text[:_SHOWN].split())
    return Use(source=source.id, target=target.id, where=where, text=shown)


def _once(uses: list[Use]) -> Iterator[Use]:
    """Tell each pair of steps once, by the longest text that they share."""
    best: dict[tuple[str, str], Use] = {}
    for use in uses:
        key = use.source, use.target
        if key not in best or len(use.text) > len(best[key].text):
            best[key] = use
    yield from best.values()


def _given(step: Step) -> list[str]:
    """Give the texts that a step gave, the longest first."""
    if step.named is not None:
        texts = list(_strings("", value_of(step.named.output)))
    elif step.exchange is not None:
        texts = list(_answered(step.exchange))
    else:
        texts = []
    long = {text for _, text in texts if len(text) >= SHORTEST}
    return sorted(long, key=lambda text: (-len(text), text))[:_MOST_TEXTS]


def _answered(exchange: Exchange) -> Iterator[Text]:
    if exchange.response is None:
        return
    conversation = None if is_call(exchange) else read(exchange)
    if conversation is not None:
        if conversation.answer is not None:
            for message in (conversation.answer.message, *conversation.answer.others):
                yield "", message.text.strip()
                yield from _strings("", value_of(message.text.encode("utf-8", "replace")))
                for call in message.tool_calls:
                    yield from _strings("", value_of(call.arguments.encode("utf-8", "replace")))
        return
    if mcp.read_said(exchange.request) is not None:
        for said in mcp.read_messages(exchange.response):
            yield from _strings("", said)
        return
    yield from _texts_in("", response_content(exchange.response))


def _received(step: Step) -> Iterator[Text]:
    """Give the texts that a step was given, each with its place."""
    if step.named is not None:
        yield from _strings("step.input $", value_of(step.named.input))
        return
    if step.exchange is None:
        return
    conversation = None if is_call(step.exchange) else read(step.exchange)
    if conversation is not None and conversation.prompt is not None:
        yield from _prompted(conversation.prompt)
    else:
        where = "arguments $" if is_call(step.exchange) else "request.body $"
        yield from _texts_in(where, request_content(step.exchange.request))


def _prompted(prompt: Prompt) -> Iterator[Text]:
    yield "request.system", prompt.system
    for index, message in enumerate(prompt.messages):
        yield from _said(f"request.messages[{index}]", message)


def _said(where: str, message: Message) -> Iterator[Text]:
    yield f"{where}.content", message.text
    for index, result in enumerate(message.tool_results):
        yield f"{where}.tool_results[{index}]", result.text
    for index, call in enumerate(message.tool_calls):
        yield f"{where}.tool_calls[{index}].arguments", call.arguments


def _texts_in(where: str, content: bytes) -> Iterator[Text]:
    parsed = value_of(content)
    if parsed is not None:
        yield from _strings(where, parsed)
        return
    try:
        yield where.removesuffix(" $"), content.decode().strip()
    except UnicodeDecodeError:
        return


def _strings(where: str, value: Json) -> Iterator[Text]:
    """Give the strings in a JSON value, with their paths."""
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _strings(f"{where}[{index}]", one)
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from _strings(f"{where}.{name}", one)
