"""How a command hands its result over: to a reporter, on standard output.

Owns the choice between a person's view and JSON. Does not draw (`reporters`).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agentvcr.model.results import Result


def show_result(result: Result, *, as_json: bool) -> None:
    """Write a result on standard output."""
    if hasattr(sys.stdout, "reconfigure"):
        # A terminal that knows no "→" gets an escape, and not a traceback.
        sys.stdout.reconfigure(errors="backslashreplace")
    if as_json:
        from agentvcr.reporters import json_reporter

        json_reporter.render(result, sys.stdout)
    else:
        from agentvcr.reporters import terminal

        terminal.render(result, sys.stdout)
