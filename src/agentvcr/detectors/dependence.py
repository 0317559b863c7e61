"""On what a program's requests depend besides its code, judged by replays of another kind each.

Owns the judgement: which differences count, what they are blamed on, and which lines let it in.
Makes no replay (`session`), and compares no runs (`diff`).

A difference that is there when nothing was another is of a kind of its own, and never blamed on
the clock, chance or the order of sets. What only another order of answers shows is a race.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agentvcr.detectors import suspects
from agentvcr.detectors.asked import Asked, asked_of, line_at
from agentvcr.detectors.changed import Difference, differences, number_of, without
from agentvcr.detectors.racing import racers_of
from agentvcr.detectors.spans import Span, is_reordered, occurrences, overlaps, values, whole
from agentvcr.model.diagnosis import Cause, Control, Finding, Line, Place
from agentvcr.steps import row, steps_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentvcr.detectors.asked import Spot
    from agentvcr.model.results import RunDiff, StepRow
    from agentvcr.model.run import Run

_OTHER_SOURCE = {"clock": "chance", "chance": "clock"}
"""An id may hold the time, and is noted as chance."""
_SHOWN = 2_000
_HEX = re.compile(r"0x[0-9a-fA-F]{6,16}\b")
_NUMBER = re.compile(r"\b\d{1,15}\b")
_ADDRESSES = range(1 << 28, 1 << 47)
"""Where objects of a 64-bit process lie."""
_MOST_CALLERS = 3


class Judge:
    """Judges the replays of one recording."""

    def __init__(self, recorded: Run, texts: dict[str, str]) -> None:
        """Get ready; `texts` are the program's sources, by the paths that its witness told."""
        self._run = recorded
        self._texts = texts
        self._asked = asked_of(recorded)
        self._steps = {one.id: one for one in steps_of(recorded)}
        self._blamed: dict[tuple[str, str], list[Span]] = {}
        self._unexplained: dict[tuple[str, str], list[Span]] = {}
        self._pids = {str(one.pid) for one in recorded.processes}
        self._found: dict[tuple[object, ...], Finding] = {}

    def look(self, control: Control, diff: RunDiff) -> bool:
        """Judge a replay in which `control` was another; gives whether that is to blame."""
        excused = self._blamed if control == "race" else self._unexplained
        all_of_it = [
            one for entry in diff.entries for one in differences(control, entry, self._steps)
        ]
        left = [without(one, excused.get((one.step.id, one.where), ())) for one in all_of_it]
        seen = [one for one in left if one is not None]
        for one in seen:
            self._blame(one)
        for one in seen:
            kept = [self._blamed, *([self._unexplained] if control == "nothing" else [])]
            values_of = whole(one.spans, one.before or "")
            for table in kept:
                table.setdefault((one.step.id, one.where), []).extend(values_of)
        return bool(seen)

    def findings(self) -> tuple[Finding, ...]:
        """Give what was found, with what the environment has a say in."""
        for number, asked in self._asked.items():
            for name, where, spot in asked.variables:
                step = next((one for one in self._steps.values() if number_of(one) == number), None)
                if step is not None:
                    place = self._place(row(step), number, f"request.body {where}", None, None)
                    lines = (line_at(spot, self._texts),)
                    self._add(
                        *("environment", lines, place),
                        is_certain=True,
                        comes_back=False,
                        variable=name,
                    )
        return tuple(self._found.values())

    # --- what is to blame -----------------------------------------------------------------------

    def _blame(self, one: Difference) -> None:
        asked = self._asked.get(one.number) or self._asked_before(one.step)
        cause = self._cause(one)
        place = self._place(one.step, one.number, one.where, one.before, one.after)
        lines, is_certain = self._lines(cause, one, asked)
        racers: tuple[Place, ...] = ()
        if cause == "race":
            racers = tuple(
                self._place(row(step), number_of(step), "", None, None)
                for step in racers_of(self._steps, one.step)
            )
            # Where nothing takes what comes first, each racer leaves what it got to the others.
            own = dict.fromkeys(racer.request for racer in racers if racer.request)
            lines = lines or tuple(own)[:_MOST_CALLERS]
        lines = lines or self._callers(asked)
        comes_back = one.control != "nothing"
        self._add(
            *(cause, lines, place), is_certain=is_certain, comes_back=comes_back, racers=racers
        )

    def _lines(
        self, cause: Cause, one: Difference, asked: Asked | None
    ) -> tuple[tuple[Line, ...], bool]:
        """Give the lines that let a difference in, and whether that is certain."""
        if cause in ("clock", "chance"):
            return self._readers(one, asked)
        lines: tuple[Line, ...] = ()
        if cause == "hash-order":
            if not one.is_moved and not is_reordered(one.before or "", one.after or ""):
                lines = self._suspects(asked, suspects.takes_hashes)
            lines = lines or self._suspects(asked, suspects.loops_over_sets)
        elif cause == "race":
            lines = self._suspects(asked, suspects.takes_first_come)
        elif cause == "process-id":
            lines = self._suspects(asked, suspects.takes_process_ids)
        elif cause == "address" and not any(
            overlaps(at, own) for at in _hex_in(one) for own in one.spans
        ):
            lines = self._suspects(asked, suspects.takes_addresses)
        return lines, False

    def _callers(self, asked: Asked | None) -> tuple[Line, ...]:
        """Give the lines that led to a request, where nothing says which of them is to blame."""
        lines = asked.callers[:_MOST_CALLERS] if asked is not None else ()
        return tuple(line_at(spot, self._texts) for spot in lines)

    def _cause(self, one: Difference) -> Cause:
        if one.control != "nothing":
            return one.control
        before = one.before or ""
        numbers = [
            (before[slice(*at)], any(overlaps(at, own) for own in one.spans))
            for at in _matches(_NUMBER, before)
        ]
        if any(overlaps(at, own) for at in _hex_in(one) for own in one.spans):
            return "address"
        if any(is_other and _is_address(text) for text, is_other in numbers):
            return "address"
        if any(is_other and text in self._pids for text, is_other in numbers):
            return "process-id"
        return "hash-order" if is_reordered(before, one.after or "") else "unknown"

    def _readers(self, one: Difference, asked: Asked | None) -> tuple[tuple[Line, ...], bool]:
        """Give the lines whose values stand where the request differs; else what was read last."""
        if asked is None:
            return (), False
        before = "" if one.is_moved else one.before or ""
        for source in (one.control, _OTHER_SOURCE[one.control]):
            spots: dict[Spot, None] = {}
            told = [(spot, text) for found, spot, text in asked.found if found == source]
            for piece in values(one.spans):
                standing = [
                    (len(text), -place, spot)
                    for place, (spot, text) in enumerate(told)
                    if any(overlaps(at, piece) for at in occurrences(text, before))
                ]
                if standing:
                    spots[max(standing)[2]] = None
            if spots:
                return tuple(line_at(spot, self._texts) for spot in spots), True
        near = [spot for source, spot in asked.near if source == one.control]
        return tuple(line_at(spot, self._texts) for spot in near), False

    def _suspects(
        self, asked: Asked | None, look: Callable[[str], list[suspects.Suspect]]
    ) -> tuple[Line, ...]:
        """Give suspicious lines of the functions that made a request, else of their files."""
        if asked is None:
            return ()
        near: dict[Spot, None] = {}
        far: dict[Spot, None] = {}
        for path in dict.fromkeys(path for path, _, _ in asked.lines):
            functions = {function for other, _, function in asked.lines if other == path}
            for number, function in look(self._texts.get(path, "")):
                kept = near if function in functions else far
                kept[path, number, function] = None
        return tuple(line_at(spot, self._texts) for spot in (near or far))

    def _asked_before(self, step: StepRow) -> Asked | None:
        """Give what is known of the request before a step that the recording does not have."""
        earlier = [
            number
            for one in self._steps.values()
            if one.lane == step.lane and (number := number_of(one)) in self._asked
        ]
        return self._asked[max(earlier)] if earlier else None

    # --- findings -------------------------------------------------------------------------------

    def _place(
        self, step: StepRow, number: int, where: str, before: str | None, after: str | None
    ) -> Place:
        asked = self._asked.get(number)
        line = line_at(asked.callers[0], self._texts) if asked and asked.callers else None
        return Place(
            step=step.id,
            number=step.number,
            action=step.action,
            lane=step.lane,
            where=where,
            recorded=before[:_SHOWN] if before is not None else None,
            now=after[:_SHOWN] if after is not None else None,
            request=line,
        )

    def _add(  # noqa: PLR0913  (what a finding is made of)
        self,
        cause: Cause,
        lines: tuple[Line, ...],
        place: Place,
        *,
        is_certain: bool = False,
        comes_back: bool = True,
        variable: str = "",
        racers: tuple[Place, ...] = (),
    ) -> None:
        key = (cause, comes_back, lines or place.request, variable)
        known = self._found.get(key)
        places = (*(known.places if known else ()), place)
        self._found[key] = Finding(
            cause=cause,
            lines=lines,
            is_certain=is_certain,
            places=places,
            comes_back=comes_back,
            variable=variable,
            racers=known.racers if known else racers,
        )


def _hex_in(one: Difference) -> list[Span]:
    return _matches(_HEX, one.before or "")


def _is_address(digits: str) -> bool:
    return int(digits) in _ADDRESSES


def _matches(pattern: re.Pattern[str], text: str) -> list[Span]:
    return [(one.start(), one.end()) for one in pattern.finditer(text)]
