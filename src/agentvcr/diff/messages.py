"""What differs between two prompts, or two answers, message by message.

Owns the names of a conversation's parts: `request.messages[2].content`. Ids of tool calls are made
up by the provider and do not count.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

import msgspec

from agentvcr.diff.json_paths import common_ends, kind_of_text, text_changes
from agentvcr.model.results import Change

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentvcr.model.conversation import Answer, Message, Prompt, ToolCall
    from agentvcr.model.verdict import DifferenceKind


def prompt_changes(a: Prompt, b: Prompt) -> list[Change]:
    """Say where two prompts differ: the system prompt, then the messages in order.

    Messages at the beginning and the end that are equal are no part of it: one message put in
    between is one change.
    """
    changes = _text("request.system", a.system, b.system)
    left, right = [_without_ids(m) for m in a.messages], [_without_ids(m) for m in b.messages]
    head, tail = common_ends(left, right)
    old, new = left[head : len(left) - tail], right[head : len(right) - tail]
    for index, (before, after) in enumerate(zip_longest(old, new), head):
        changes += _message_changes(f"request.messages[{index}]", before, after)
    return changes


def answer_changes(a: Answer, b: Answer) -> list[Change]:
    """Say where two answers differ: the text, the tool calls, why the model stopped, the error."""
    changes = _text("response.error", a.error, b.error, "status")
    changes += _said("response.message", a.message, b.message)
    changes += _calls("response", a.message, b.message)
    changes += _results("response", a.message, b.message)
    for index, (before, after) in enumerate(zip_longest(a.others, b.others), 1):
        changes += _message_changes(f"response.choices[{index}]", before, after)
    return changes + _text("response.finish", a.finish, b.finish, "ending")


def _message_changes(where: str, a: Message | None, b: Message | None) -> list[Change]:
    if a is None or b is None:
        told = [None if message is None else "\n".join(_told(message)) for message in (a, b)]
        return [Change(where=where, before=told[0], after=told[1], kind="structure")]
    changes = _text(f"{where}.role", a.role, b.role, "structure")
    changes += _said(where, a, b)
    changes += _calls(where, a, b)
    return changes + _results(where, a, b)


def _said(where: str, a: Message, b: Message) -> list[Change]:
    changes = _text(f"{where}.content", a.text, b.text)
    changes += _text(f"{where}.thinking", a.thinking, b.thinking)
    for index, (before, after) in enumerate(zip_longest(a.attachments, b.attachments)):
        changes += _text_or_none(f"{where}.attachments[{index}]", before, after, "structure")
    return changes


def _calls(where: str, a: Message, b: Message) -> list[Change]:
    changes: list[Change] = []
    for index, (before, after) in enumerate(zip_longest(a.tool_calls, b.tool_calls)):
        name = f"{where}.tool_calls[{index}]"
        if before is None or after is None:
            told = [None if call is None else _call(call) for call in (before, after)]
            changes.append(Change(where=name, before=told[0], after=told[1], kind="tool_call"))
        else:
            changes += _text(f"{name}.name", before.name, after.name, "tool_call")
            given = before.arguments, after.arguments
            changes += text_changes(f"{name}.arguments", *given, "tool_call")
    return changes


def _results(where: str, a: Message, b: Message) -> list[Change]:
    changes: list[Change] = []
    for index, pair in enumerate(zip_longest(a.tool_results, b.tool_results)):
        before, after = (result.text if result else None for result in pair)
        changes += _text_or_none(f"{where}.tool_results[{index}]", before, after)
    return changes


def _told(message: Message) -> Iterator[str]:
    yield f"{message.role}: {message.text}".rstrip()
    yield from (_call(call) for call in message.tool_calls)
    yield from (result.text for result in message.tool_results)
    yield from message.attachments


def _call(call: ToolCall) -> str:
    return f"{call.name}({call.arguments})"


def _without_ids(message: Message) -> Message:
    if not message.tool_calls and not message.tool_results:
        return message
    replace = msgspec.structs.replace
    return replace(
        message,
        tool_calls=tuple(replace(call, id="") for call in message.tool_calls),
        tool_results=tuple(replace(result, call_id="") for result in message.tool_results),
    )


def _text(where: str, before: str, after: str, kind: DifferenceKind | None = None) -> list[Change]:
    if before == after:
        return []
    kind = kind or kind_of_text(before, after)
    return [Change(where=where, before=before, after=after, kind=kind)]


def _text_or_none(
    where: str, before: str | None, after: str | None, kind: DifferenceKind | None = None
) -> list[Change]:
    if before is None or after is None:
        return [Change(where=where, before=before, after=after, kind="structure")]
    return text_changes(where, before, after, kind)
