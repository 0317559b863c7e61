"""Word a miss: what was asked, what is closest in the recording, where they differ.

Owns that text. Does not decide whether something is a miss (`replaying`).
"""

from __future__ import annotations

from agentvcr.diff.compare import explain
from agentvcr.diff.excerpt import around_difference
from agentvcr.matching.canonical import shown_path
from agentvcr.matching.rules import RuleBook
from agentvcr.model.exchange import Exchange, Request
from agentvcr.model.results import Change, RunDiff
from agentvcr.providers import mcp

_WIDTH = 200
_AROUND = 60
_MOST = 3


def name_exchange(exchange: Exchange) -> str:
    """Name an exchange in a line."""
    request = exchange.request
    return f"exchange {exchange.number}: {_asked(request)} of lane {exchange.lane}"


def _asked(request: Request) -> str:
    """Name what was asked; a message of MCP by its method and target, which no path says."""
    path = f"{request.method} {shown_path(request.url)}"
    said = mcp.read_said(request)
    if said is None or said.streamed:
        return path
    return f"{path} ({f'{said.method} {said.target}'.rstrip()})"


def explain_miss(
    live: Request, lane: str, closest: Exchange | None, rules: RuleBook | None = None
) -> str:
    """Explain why nothing recorded answers `live`, asked in `lane`.

    Args:
        live: The request, as it was made now.
        lane: Its caller.
        closest: The recorded exchange that is most like it.
        rules: Those that the recording declares.
    """
    lines = [f"no recorded exchange answers {_asked(live)} of lane {lane}"]
    if closest is None:
        what = f"call of {live.url.partition(':')[2]}" if live.method == "CALL" else "exchange"
        lines.append(f"the recording has no {what} at all: record it again")
        return "\n".join(lines)
    changes = explain(closest.request, live, rules)
    lines.append(f"closest is {name_exchange(closest)}")
    if not changes:
        lines.append("  it is the same request, asked once more than in the recording")
    for change in changes[:_MOST]:
        before, after = _shortened(change)
        lines += [f"  {change.where}", f"    recorded: {before}", f"    now:      {after}"]
    if len(changes) > _MOST:
        lines.append(f"  and {len(changes) - _MOST} more differences")
    return "\n".join(lines)


def tell_difference(result: RunDiff, *, sides: tuple[str, str] = ("recorded", "now")) -> str:
    """Word the first difference between two runs, which are called so."""
    lines: list[str] = []
    if result.first is not None:
        entry = result.entries[result.first]
        step = entry.a or entry.b
        counts = result.counts
        differing = counts.changed + counts.added + counts.removed + counts.not_reached
        named = f"step {step.id} ({step.action})" if step else "a step"
        lines.append(f"{named} is {entry.status.replace('_', ' ')}, the first of {differing}")
        for change in entry.changes[:_MOST]:
            lines.append(f"  {change.where}")
            lines += map(_side, sides, _shortened(change), (max(map(len, sides)),) * 2)
    for output in result.output:
        lines.append(f"{output.stream} differs from line {output.line}")
    if result.ending:
        lines.append(f"the ending was {result.ending.before}, and is {result.ending.after}")
    return "\n".join(lines)


def _side(name: str, text: str, width: int) -> str:
    return f"    {name + ':':{width + 1}} {text}"


def _shortened(change: Change) -> tuple[str, str]:
    """Cut both sides around the first place where they differ."""
    sides = around_difference(change.before, change.after, most=_WIDTH, near=_AROUND)
    left, right = ("(absent)" if one is None else one.replace("\n", "\\n") for one in sides)
    return left, right
