"""Medians, ratios and reaches, and how they are printed.

Owns arithmetic and layout. Measures nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import NamedTuple

from worker import Sample

Rounds = dict[str, list[Sample]]
"""Samples by way, the rounds in order: what stands at the same place was measured together."""

Pick = Callable[[Sample], float]


class Reach(NamedTuple):
    """One figure that is aimed at."""

    title: str
    measured: float
    at_most: float
    unit: str = "x"


def cpu(sample: Sample) -> float:
    """CPU of the program's process, per exchange."""
    return sample["cpu_us"]


def wall(sample: Sample) -> float:
    """Time of the median exchange."""
    return sample["wall_us"]


def waits(sample: Sample) -> float:
    """Answers of the recorder that the program waited for, per exchange."""
    return sample["waits"]


def typical(rounds: Rounds, way: str, pick: Pick) -> float:
    """Median over the rounds."""
    return median(pick(sample) for sample in rounds[way])


def ratio(rounds: Rounds, way: str, pick: Pick, *, to: str) -> float:
    """Median over the rounds of a way's figure beside another way's in the same round."""
    pairs = zip(rounds[way], rounds[to], strict=True)
    return median(pick(one) / pick(other) for one, other in pairs)


def added(rounds: Rounds, way: str, pick: Pick, *, to: str) -> float:
    """Median over the rounds of what a way costs more than another in the same round."""
    pairs = zip(rounds[way], rounds[to], strict=True)
    return median(pick(one) - pick(other) for one, other in pairs)


def compared(rounds: Rounds, way: str, pick: Pick, *, to: str, digits: int = 0) -> str:
    """Show a way beside another: the ratio and what it adds."""
    if way not in rounds:
        return ""
    more = added(rounds, way, pick, to=to)
    return f"{ratio(rounds, way, pick, to=to):.2f}x {more:+.{digits}f}"


def table(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out a table: the first column to the left, the others to the right."""
    lines = [list(heads), *(list(row) for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(heads))]
    out = [f"\n{title}"]
    for line in lines:
        first, *others = (cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        out.append("  ".join([first.strip().ljust(widths[0]), *others]))
    out.insert(2, "-" * len(out[1]))
    return "\n".join(out)


def judged(reaches: Iterable[Reach]) -> str:
    """Lay out the reaches, each met or missed by so much."""
    rows = []
    for title, measured, at_most, unit in reaches:
        verdict = "met"
        if math.isnan(measured):
            verdict = "not measured"
        elif measured > at_most:
            verdict = f"missed by {(measured / at_most - 1) * 100:.0f} %"
        rows.append((title, f"{measured:.2f}{unit}", f"{at_most:g}{unit}", verdict))
    return table("Reaches", ("", "measured", "at most", ""), rows)
