"""One step in full, for `show FILE STEP`.

Owns the order in which its parts are told: the facts, what was asked, what was answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from agentvcr.reporters.base import counted, duration, printable, size, tokens
from agentvcr.reporters.terminal.changes import draw_uses
from agentvcr.reporters.terminal.outline import flag

if TYPE_CHECKING:
    from rich.console import Console

    from agentvcr.model.conversation import Answer, Message, Prompt
    from agentvcr.model.results import BodyView, StepDetail


def draw_step(result: StepDetail, console: Console) -> None:
    """Draw a step; a conversation as messages, anything else as headers and bodies."""
    step = result.step
    console.print(Text(f"{step.number} {printable(step.id)}{flag(step)}", "bold"))
    what = f"{result.method} {result.url}" if result.method else f"{step.kind} {step.action}"
    console.print(Text(printable(what)), soft_wrap=True)
    console.print(Text(" · ".join(_facts(result)), "dim"))
    if result.failure:
        console.print(Text(printable(result.failure), "red"))
    conversation = result.conversation
    if not result.method:
        _draw_body("input", (), result.request_body, console)
        _draw_body("output", (), result.response_body, console)
    elif conversation and conversation.prompt:
        _draw_prompt(conversation.prompt, console)
    else:
        _draw_body("request", result.request_headers, result.request_body, console)
    if conversation and conversation.answer:
        _draw_answer(conversation.answer, console)
    elif step.status is not None:
        _draw_body("response", result.response_headers, result.response_body, console)
    draw_uses("what it was given came from", result.comes_from, console, is_source=True)
    draw_uses("what it gave goes into", result.goes_into, console)


def _facts(result: StepDetail) -> list[str]:
    step = result.step
    facts = [
        f"lane {step.lane}",
        result.client,
        f"agent {step.agent}" if step.agent else "",
        _status(result),
        step.ending or "in flight",
        duration(step.latency_ms),
        f"first byte {duration(result.first_byte_ms)}" if result.first_byte_ms else "",
        counted(result.chunks, "chunk") if result.chunks > 1 else "",
        f"{count} tokens" if (count := tokens(step.input_tokens, step.output_tokens)) else "",
        f"answered from {step.served_from}" if step.served_from else "",
    ]
    return [printable(fact) for fact in facts if fact]


def _status(result: StepDetail) -> str:
    if not result.method:
        return ""
    status = result.step.status
    return "no answer" if status is None else f"{status} {result.reason}".strip()


def _draw_prompt(prompt: Prompt, console: Console) -> None:
    _heading(f"request to {prompt.model}" if prompt.model else "request", console)
    if prompt.tools:
        console.print(Text(printable(f"tools: {', '.join(prompt.tools)}"), "dim"))
    if prompt.system:
        _draw_turn("system", prompt.system, console)
    for index, message in enumerate(prompt.messages):
        _draw_message(f"[{index}] {message.role}", message, console)


def _draw_answer(answer: Answer, console: Console) -> None:
    _heading(f"answer of {answer.model}" if answer.model else "answer", console)
    if answer.error:
        console.print(Text(printable(answer.error), "red"))
    for message in (answer.message, *answer.others):
        _draw_message(message.role, message, console)
    if answer.finish:
        how = ", streamed" if answer.streamed else ""
        console.print(Text(printable(f"stopped: {answer.finish}{how}"), "dim"))


def _draw_message(label: str, message: Message, console: Console) -> None:
    if message.thinking:
        _draw_turn(f"{label}, thinking", message.thinking, console)
    if message.text:
        _draw_turn(label, message.text, console)
    for call in message.tool_calls:
        _draw_turn(f"{label} calls {call.name}", call.arguments, console)
    for result in message.tool_results:
        _draw_turn(f"{label} result", result.text, console)
    for attachment in message.attachments:
        _draw_turn(f"{label} attaches", attachment, console)


def _draw_turn(label: str, said: str, console: Console) -> None:
    console.print(Text(printable(label), "cyan"))
    for line in printable(said).split("\n"):
        console.print(Text(f"  {line}"), soft_wrap=True)


def _draw_body(
    name: str, headers: tuple[tuple[str, str], ...], body: BodyView, console: Console
) -> None:
    _heading(name, console)
    for key, value in headers:
        console.print(Text(printable(f"{key}: {value}"), "dim"), soft_wrap=True)
    if body.kind == "empty":
        console.print(Text("(no body)", "dim"))
    elif body.kind == "binary":
        console.print(Text(f"({size(body.bytes)} that are not text)", "dim"))
    else:
        console.print(Text(printable(body.text)), soft_wrap=True)


def _heading(words: str, console: Console) -> None:
    console.print()
    console.print(Text(printable(words), "bold"))
