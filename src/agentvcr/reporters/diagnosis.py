"""What `doctor` found, in lines: what the requests depend on, where it comes in, what to do.

Owns their wording, and which part of a long text is shown.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final, TextIO

from agentvcr.reporters.base import counted, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentvcr.model.diagnosis import Diagnosis, Finding, Line, Place

CONTROLS: Final[dict[str, str]] = {
    "nothing": "nothing changed",
    "clock": "another clock",
    "chance": "other random numbers",
    "hash-order": "another hash seed",
    "race": "another order of answers",
}
"""What each replay had that the recording had not."""

_WIDTH = 80
_AROUND = 24
_MOST_PLACES = 3

_TITLES = {
    "clock": "a request holds the time",
    "chance": "a request depends on random numbers",
    "hash-order": "a request depends on the order of a set, or on a text's hash()",
    "race": "a request depends on which answer comes first",
    "environment": "a request holds a variable of the environment",
    "address": "a request holds an object's address in memory",
    "process-id": "a request holds the number of the process",
    "unknown": "a request is another although nothing was changed",
}
_CURES = {
    "clock": "pass the time in as an argument, or leave it out of the request",
    "chance": "seed the generator, or pass the id in as an argument",
    "hash-order": "sort the set before it is used: sorted(...); in place of hash(), use hashlib",
    "race": "put results in the order of the asking, not of the answers",
    "environment": "give the variable the same value wherever the program runs",
    "address": "give the class a __repr__, or use a name in place of id()",
    "process-id": "use a name of your own in place of the process's number",
    "unknown": "look for a file, a counter or a service that changes between two runs",
}
_OWN = {"environment": "a replay has that of where it runs"}
_OWN_EACH = "a replay has another, too"
"""Said of what a replay does not bring back."""


def render(result: Diagnosis, out: TextIO) -> None:
    """Write the lines."""
    out.writelines(f"{printable(line)}\n" for line in _lines(result))


def _lines(result: Diagnosis) -> Iterator[str]:
    for number, finding in enumerate(result.findings, 1):
        yield from _finding(number, finding)
        yield ""
    yield from _wrapped(_sum(result), "")
    if result.signal is not None:
        yield f"CMD itself was killed by signal {result.signal}"
    elif result.exit_status:
        yield f"CMD itself ended with exit status {result.exit_status}"
    for trial in result.trials:
        if trial.stopped is not None:
            said = trial.stopped.splitlines()[0]
            yield from _wrapped(f"stopped early with {CONTROLS[trial.control]}: {said}", "")
        elif trial.ended is not None:
            yield from _wrapped(
                f"with {CONTROLS[trial.control]} CMD ended otherwise: {trial.ended}", ""
            )
    if result.kept_as is not None:
        yield f"the recording is kept as {result.kept_as}"
    if any(one.comes_back for one in result.findings):
        of_it = "all of this" if all(one.comes_back for one in result.findings) else "the rest"
        yield from _wrapped(
            f"A replay brings {of_it} back as recorded: it is what the next recording will differ "
            "in.",
            "",
        )


def _sum(result: Diagnosis) -> str:
    replays = counted(len(result.trials), "kind") + " of replay"
    if result.has_failed:
        return "nothing was looked at: CMD failed before it made a request that was recorded"
    if not result.exchanges:
        return "nothing to look at: CMD made no request that was recorded"
    exchanges = counted(result.exchanges, "exchange")
    if not result.findings:
        return f"no findings: {exchanges}, the same in {replays}"
    return f"{counted(len(result.findings), 'finding')}: {exchanges}, {replays}"


def _finding(number: int, finding: Finding) -> Iterator[str]:
    title = _TITLES[finding.cause]
    name = f": {finding.variable}" if finding.variable else ""
    own = "" if finding.comes_back else f" ({_OWN.get(finding.cause, _OWN_EACH)})"
    yield from _wrapped(f"{number}. {title}{name}{own}", "")
    how = "" if finding.is_certain else "likely "
    for line in finding.lines:
        yield from _line(f"{how}at", line)
    for place in finding.places[:_MOST_PLACES]:
        yield from _place(place)
    if len(finding.places) > _MOST_PLACES:
        yield f"   and {counted(len(finding.places) - _MOST_PLACES, 'place')} more"
    for racer in finding.racers:
        yield f"   races: step {racer.number} {racer.step}, lane {racer.lane}"
        if racer.request is not None:
            yield from _line("  asked at", racer.request)
    yield from _wrapped(f"try: {_CURES[finding.cause]}", "   ")


def _line(how: str, line: Line) -> Iterator[str]:
    yield f"   {how} {line.file}:{line.line}" + (f", in {line.function}" if line.function else "")
    if line.code:
        yield textwrap.shorten(line.code, _WIDTH - 8, placeholder=" …").join(("       ", ""))


def _place(place: Place) -> Iterator[str]:
    yield f"   in step {place.number} {place.step} ({place.action}), {place.where}"
    if place.recorded is not None or place.now is not None:
        recorded, now = _cut(place.recorded, place.now)
        yield f"     recorded: {recorded}"
        yield f"     now:      {now}"
    if place.request is not None:
        yield f"     asked at {place.request.file}:{place.request.line}"


def _cut(before: str | None, after: str | None) -> tuple[str, str]:
    """Cut two texts around the first place where they differ."""
    if before is None or after is None:
        return _shown(before, 0), _shown(after, 0)
    same = 0
    for one, other in zip(before, after, strict=False):
        if one != other:
            break
        same += 1
    return _shown(before, same), _shown(after, same)


def _shown(text: str | None, at: int) -> str:
    if text is None:
        return "(absent)"
    start = max(0, at - _AROUND)
    room = _WIDTH - 17
    piece = text[start : start + room].replace("\n", "\\n")
    cut = piece[:room]
    return ("…" if start else "") + cut + ("…" if start + room < len(text) else "")


def _wrapped(text: str, indent: str) -> Iterator[str]:
    yield from textwrap.wrap(
        text, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False
    )
