"""A run as plain text in full, for `git diff` of cassettes and for grep.

Owns what is left out so that two recordings of one program differ in what they said alone: times,
process ids, run ids, headers and ports of this machine; and that a conversation which grows is told
once.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, TextIO

import msgspec

from agentvcr.model.address import address_of, is_loopback
from agentvcr.reporters.base import command_line, ending, printable, size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agentvcr.model.conversation import Answer, Message, Prompt
    from agentvcr.model.results import BodyView, RunSummary, StepDetail

_CONVERSATION = ("messages", "system", "input", "instructions", "contents", "systemInstruction")
"""Fields of a request that are told as messages."""


class _Before:
    """What the step before said, in one lane."""

    def __init__(self) -> None:
        self.messages: tuple[Message, ...] = ()
        self.system = ""
        self.settings = ""


def render(run: RunSummary, steps: Iterable[StepDetail], output: str, out: TextIO) -> None:
    """Write a run; steps of one lane stand together, and are read one by one."""
    out.writelines(printable(line) + "\n" for line in _run(run, steps, output))


def _run(run: RunSummary, steps: Iterable[StepDetail], output: str) -> Iterator[str]:
    if run.command:
        yield f"$ {command_line(run)}"
    yield ending(run)
    lanes: dict[str, _Before] = {}
    for step in steps:
        yield ""
        yield from _step(step, lanes.setdefault(step.step.lane, _Before()))
    if output:
        yield from ("", "## output", *_indented(output))


def _step(detail: StepDetail, before: _Before) -> Iterator[str]:
    step = detail.step
    yield f"## {step.id}"
    yield _title(detail)
    if detail.failure:
        yield detail.failure
    if not detail.method:
        yield from _body("input", detail.request_body)
        yield from _body("output", detail.response_body)
        return
    conversation = detail.conversation
    if conversation and conversation.prompt:
        yield from _prompt(conversation.prompt, detail.request_body, before)
    else:
        yield from _body("request", detail.request_body)
    if conversation and conversation.answer:
        yield from _answer(conversation.answer)
    else:
        yield from _body("answer", detail.response_body)


def _title(detail: StepDetail) -> str:
    step = detail.step
    how = step.ending or "in flight"
    if not detail.method:
        done = "" if how == "done" else f" -> {how}"
        return f"{step.kind} {step.action}{done}"
    status = "no answer" if step.status is None else str(step.status)
    return f"{detail.method} {_place(detail.url)} -> {status}{'' if how == 'eof' else f', {how}'}"


def _place(url: str) -> str:
    """Leave out a port of this machine: the next recording has another."""
    address = address_of(url)
    if address is None or not is_loopback(address.host):
        return url
    return url.replace(f":{address.port}/", "/", 1)


def _prompt(prompt: Prompt, body: BodyView, before: _Before) -> Iterator[str]:
    settings = _settings(body)
    if settings != before.settings:
        yield from ("settings:", *_indented(settings))
    if prompt.system and prompt.system != before.system:
        yield from ("system:", *_indented(prompt.system))
    known = set(before.messages)
    told = groupby(enumerate(prompt.messages), key=lambda one: one[1] in known)
    for is_known, some in told:
        if is_known:
            yield f"{_span([index for index, _ in some])} as in the step before"
        else:
            for index, message in some:
                yield from _message(f"[{index}] ", message)
    before.messages, before.system, before.settings = prompt.messages, prompt.system, settings


def _span(indexes: list[int]) -> str:
    return f"[{indexes[0]}]" if len(indexes) == 1 else f"[{indexes[0]}..{indexes[-1]}]"


def _settings(body: BodyView) -> str:
    """Give a request without its conversation, as indented JSON."""
    try:
        asked = msgspec.json.decode(body.text)
    except msgspec.DecodeError:
        return body.text
    if isinstance(asked, dict):
        asked = {name: value for name, value in asked.items() if name not in _CONVERSATION}
    return msgspec.json.format(msgspec.json.encode(asked), indent=2).decode()


def _answer(answer: Answer) -> Iterator[str]:
    if answer.error:
        yield f"error: {answer.error}"
    for message in (answer.message, *answer.others):
        yield from _message("-> ", message)
    if answer.finish not in ("", "stop", "end_turn", "completed"):
        yield f"-> stopped: {answer.finish}"


def _message(label: str, message: Message) -> Iterator[str]:
    said = [("thinking", message.thinking), ("", message.text)]
    said += [(f"calls {call.name}", call.arguments) for call in message.tool_calls]
    said += [("result", result.text) for result in message.tool_results]
    said += [("attaches", attachment) for attachment in message.attachments]
    for what, text in said:
        if text:
            yield " ".join(word for word in (f"{label}{message.role}", what) if word) + ":"
            yield from _indented(text)


def _body(name: str, body: BodyView) -> Iterator[str]:
    if body.kind == "binary":
        yield f"{name}: {size(body.bytes)} that are not text"
    elif body.kind != "empty":
        yield from (f"{name}:", *_indented(body.text))


def _indented(text: str) -> Iterator[str]:
    return (f"    {line}".rstrip() for line in text.splitlines())
