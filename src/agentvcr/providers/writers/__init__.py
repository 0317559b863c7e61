"""Writers: one a dialect, and the list of them.

A writer changes what a recorded answer says, for a replay that asks what would have been. To add
one: a file, a line in `WRITERS`, a mirrored test, a row in the documentation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentvcr.providers import dialect_of
from agentvcr.providers.writers import (
    anthropic,
    bedrock,
    cohere,
    gemini,
    ollama,
    openai_chat,
    openai_responses,
)

if TYPE_CHECKING:
    from agentvcr.model.exchange import Request
    from agentvcr.providers.writers.base import Writer

WRITERS: dict[str, Writer] = {
    "anthropic": anthropic,
    "bedrock": bedrock,
    "cohere": cohere,
    "gemini": gemini,
    "ollama": ollama,
    "openai_chat": openai_chat,
    "openai_responses": openai_responses,
}
"""By the name of the dialect."""


def writer_of(request: Request) -> Writer | None:
    """Find the writer of the dialect that a request speaks; None where it speaks none."""
    dialect = dialect_of(request)
    return WRITERS[dialect.NAME] if dialect is not None else None
