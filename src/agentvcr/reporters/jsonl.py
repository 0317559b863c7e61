"""Events as JSON, one a line, for other programs.

Owns nothing but the layout: the fields are those of `agentvcr.model.events`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agentvcr.model.events import Event


def render(events: Iterable[Event], out: TextIO) -> None:
    """Write each event as it comes, in one line."""
    encoder = msgspec.json.Encoder()
    for event in events:
        out.write(encoder.encode(event).decode())
        out.write("\n")
