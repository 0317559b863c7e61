"""Let requests of MCP over HTTP be their caller's, where the SDK posts them from a task of its own.

Owns that for versions before 2, which carry no context from the caller to the transport. What is
sent goes through the HTTP client, which has its own interceptor.
"""

from __future__ import annotations

from agentvcr.inside import lanes, state
from agentvcr.inside.patching import dressed_as

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any


def install(module: Any) -> list[tuple[Any, str, Any]]:  # noqa: ANN401  (the library)
    """Post each message of `module` in the lane in which it was made."""
    if hasattr(module, "create_context_streams"):  # it carries contexts itself
        return []
    message_class, transport = module.SessionMessage, module.StreamableHTTPTransport
    made, posted = message_class.__init__, transport._handle_post_request

    @dressed_as(made)
    def init(self: Any, *args: Any, **options: Any) -> None:  # noqa: ANN401  (the library's)
        made(self, *args, **options)
        if state.handler is not None:
            self._agentvcr_lane = lanes.current()

    @dressed_as(posted)
    async def handle_post_request(self: Any, ctx: Any) -> Any:  # noqa: ANN401  (as above)
        lane = getattr(ctx.session_message, "_agentvcr_lane", None)
        if lane is None:
            return await posted(self, ctx)
        token = lanes.enter(lane)
        try:
            return await posted(self, ctx)
        finally:
            lanes.leave(token)

    message_class.__init__ = init
    transport._handle_post_request = handle_post_request
    return [(message_class, "__init__", made), (transport, "_handle_post_request", posted)]
