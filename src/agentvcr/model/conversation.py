"""What a model was asked and what it answered, whichever provider's API carried it.

Owns the shape of a conversation. Does not read one out of recorded bytes (`providers`).
"""

from __future__ import annotations

import msgspec


class ToolCall(msgspec.Struct, frozen=True, kw_only=True):
    """A tool that the model asked for. `arguments` is JSON text, whole or cut short."""

    id: str
    name: str
    arguments: str


class ToolResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a tool gave back to the model."""

    call_id: str
    text: str


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One turn of a conversation."""

    role: str
    text: str = ""
    thinking: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_results: tuple[ToolResult, ...] = ()
    attachments: tuple[str, ...] = ()
    """Content that is not text, described: its type, its length and a checksum."""


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """What a model was asked."""

    model: str
    messages: tuple[Message, ...]
    """In the order of the request's own `messages`, so that an index means the same in both."""
    system: str = ""
    """Instructions that the API carries beside its messages."""
    tools: tuple[str, ...] = ()
    """The names of the tools on offer."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a model answered. A cut answer holds what arrived of it."""

    message: Message
    others: tuple[Message, ...] = ()
    """Further choices, where more than one was asked for."""
    model: str = ""
    finish: str = ""
    """Why the model stopped, in the provider's word."""
    input_tokens: int | None = None
    """All input, from a cache or not."""
    output_tokens: int | None = None
    streamed: bool = False
    error: str = ""
    """What the provider refused with, in place of an answer or in the middle of one."""


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """An exchange with a model, read. A half that could not be read is None."""

    dialect: str
    prompt: Prompt | None
    answer: Answer | None
