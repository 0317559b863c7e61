"""What is active in this process: the one handler that every interceptor asks.

Owns that one reference. Process-wide on purpose: a context variable would lose threads.
"""

from __future__ import annotations

TYPE_CHECKING = False  # nothing of this is needed before the first exchange
if TYPE_CHECKING:
    from agentvcr.inside.exchange import ProcessHandler

handler: ProcessHandler | None = None
"""The handler of the running session, or None when nothing records or replays."""


def activate(new: ProcessHandler | None) -> None:
    """Make `new` the handler of this process, or none."""
    global handler  # noqa: PLW0603  (the one process-wide reference that this module exists for)
    handler = new
