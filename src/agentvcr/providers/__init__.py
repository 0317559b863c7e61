"""Provider dialects: one API a file, and the list of them.

A dialect turns recorded bytes into a conversation. To add one: a file, a line in `DIALECTS`, a
mirrored test, a row in the documentation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentvcr.model.conversation import Conversation
from agentvcr.providers import (
    anthropic,
    bedrock,
    cohere,
    gemini,
    ollama,
    openai_chat,
    openai_responses,
)

if TYPE_CHECKING:
    from agentvcr.model.exchange import Exchange, Request
    from agentvcr.providers.base import Dialect

DIALECTS: tuple[Dialect, ...] = (
    openai_chat,
    openai_responses,
    anthropic,
    gemini,
    bedrock,
    ollama,
    cohere,
)


def dialect_of(request: Request) -> Dialect | None:
    """Find the dialect that a request speaks; None when it does not talk to a model we know."""
    return next((dialect for dialect in DIALECTS if dialect.recognises(request)), None)


def model_of(request: Request) -> str:
    """Give the model that a request names; nothing when no dialect knows it."""
    dialect = dialect_of(request)
    return dialect.model_of(request) if dialect else ""


def read(exchange: Exchange) -> Conversation | None:
    """Read an exchange as a conversation; None when no dialect recognises it."""
    dialect = dialect_of(exchange.request)
    if dialect is None:
        return None
    answer = dialect.read_answer(exchange.response) if exchange.response else None
    return Conversation(
        dialect=dialect.NAME, prompt=dialect.read_prompt(exchange.request), answer=answer
    )
