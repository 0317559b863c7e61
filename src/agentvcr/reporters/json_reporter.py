"""Results as JSON, for other programs.

Owns nothing but the layout: the fields are those of `agentvcr.model.results`, the first of them
`schema`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

import msgspec

if TYPE_CHECKING:
    from agentvcr.model.diagnosis import Diagnosis
    from agentvcr.model.report import SuiteReport
    from agentvcr.model.results import Result
    from agentvcr.model.summary import RecordSummary, ReplaySummary, ServeSummary


def render(
    result: Result | RecordSummary | ReplaySummary | ServeSummary | Diagnosis | SuiteReport,
    out: TextIO,
) -> None:
    """Write a result as one indented JSON object."""
    encoded = msgspec.json.encode(result)
    out.write(msgspec.json.format(encoded, indent=2).decode())
    out.write("\n")
