"""Which parts of ours are switched off in this process, so that each can be told apart."""

from __future__ import annotations

import os


def is_off(part: str) -> bool:
    """Whether `AGENTVCR_OFF`, names between commas, holds a part's."""
    return part in os.environ.get("AGENTVCR_OFF", "").split(",")
