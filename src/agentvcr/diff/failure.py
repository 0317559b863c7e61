"""Make of a comparison the one thing to be told of it, and what to do about that.

Owns which difference it is, and its title. Does not draw it (`reporters.failure`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentvcr.diff.excerpt import around_difference
from agentvcr.diff.verdict import Difference, differences
from agentvcr.model.report import FailureReport
from agentvcr.model.text import PYTHON

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentvcr.model.results import RunDiff, RunSummary
    from agentvcr.model.verdict import DifferenceKind, Reason, Verdict

_MOST: Final = 2_000
"""Characters of a side that a report keeps."""
_NEAR: Final = 300
"""How many of them stand before what differs, and behind it."""
_MOST_OTHERS: Final = 50

_TITLES: Final[dict[DifferenceKind, str]] = {
    "wording": "says it in other words",
    "output": "prints something else",
    "tool_call": "calls a tool otherwise",
    "structure": "has another structure",
    "setting": "is asked with other settings",
    "status": "is answered with another status",
    "order": "comes in another order",
    "missing": "is missing",
    "added": "is new: nothing like it was recorded",
    "ending": "ends otherwise",
    "stopped": "is not what was recorded: the replay was stopped",
}
_ASKED: Final[dict[DifferenceKind, str]] = {
    "wording": "is asked in other words",
    "structure": "is asked something of another structure",
}


def failure_of(
    result: RunDiff,
    verdict: Verdict,
    *,
    again: Sequence[str] | None = None,
    file: str | None = None,
    line: int | None = None,
) -> FailureReport | None:
    """Tell of a replay the first difference among those that weigh most; None where none counts.

    Where the replay was stopped, it is what stopped it.

    Args:
        result: The recording, compared with the replay.
        verdict: What that amounts to.
        again: The command that records it anew; by default `agentvcr record` with the recorded one.
        file: What an annotation is put at; by default the cassette.
        line: The line there.
    """
    if not verdict.reasons:
        return None
    told = _told(result, verdict)
    kind: DifferenceKind = "stopped" if result.halted is not None else told.kind
    change = told.change
    sides = (change.before, change.after) if change else (None, None)
    before, after = around_difference(*sides, most=_MOST, near=_NEAR, behind=_NEAR)
    return FailureReport(
        title=_title(kind, told),
        kind=kind,
        step=_named(told),
        where=change.where if change else None,
        before=before,
        after=after,
        others=_others(told, verdict),
        changed=result.changed,
        compare=("agentvcr", "diff", result.a.path, result.b.path),
        again=tuple(recording_of(result.a) if again is None else again),
        file=result.a.path if file is None else file,
        line=line,
        text=_why_stopped(result.halted or "", is_shown=change is not None),
    )


def _told(result: RunDiff, verdict: Verdict) -> Difference:
    found = list(differences(result))
    if result.halted is not None:
        return found[0]
    weights = {reason.kind: reason.weight for reason in verdict.reasons}
    counting = [one for one in found if one.kind in weights]
    worse = [one for one in counting if weights[one.kind] == "regression"]
    return (worse or counting)[0]


def _why_stopped(halted: str, *, is_shown: bool) -> str:
    """Give what a stopped replay said, without what the failure shows itself."""
    lines = halted.split("\n")
    return "\n".join(line for line in lines if not (is_shown and line.startswith(" ")))


def _title(kind: DifferenceKind, told: Difference) -> str:
    if kind == "stopped" and told.step is None:
        return "the replay was stopped"
    is_asked = told.change is not None and told.change.where.startswith("request.")
    words = _ASKED.get(kind, _TITLES[kind]) if is_asked else _TITLES[kind]
    return f"{told.step or 'the program'} {words}"


def _others(told: Difference, verdict: Verdict) -> tuple[Reason, ...]:
    """Give what differs besides; that the replay was stopped is told by the title."""
    shown = (told.kind, told.step, told.text)
    others = [one for one in verdict.reasons if (one.kind, one.step, one.text) != shown]
    return tuple(one for one in others if one.kind != "stopped")[:_MOST_OTHERS]


def _named(told: Difference) -> str | None:
    row = told.entry and (told.entry.a or told.entry.b)
    return f"{row.number} {row.id}  {row.action}" if row else None


def recording_of(recorded: RunSummary) -> tuple[str, ...]:
    """Give the command that records a cassette anew, in words."""
    command = ("python" if word == PYTHON else word for word in recorded.command)
    return ("agentvcr", "record", "--force", "-o", recorded.path, "--", *command)
