"""Say which parts of ours are switched off here, so that what each does can be told apart."""

from __future__ import annotations

import os


def is_off(part: str) -> bool:
    """Whether `AGENTVCR_OFF`, names between commas, holds a part's."""
    return part in os.environ.get("AGENTVCR_OFF", "").split(",")
