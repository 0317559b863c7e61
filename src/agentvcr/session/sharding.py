"""Part a suite among several machines, which do not speak with each other.

Owns who gets what. The same files give the same parts everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeVar

from agentvcr.errors import BadOptionError

Item = TypeVar("Item")

_START_S: Final = 1.0
"""What a replay takes besides: its waits take no time, its program has to start all the same."""


class Shard(NamedTuple):
    """One part of so many, from 1."""

    number: int
    total: int

    def __str__(self) -> str:
        """Write it as on the command line: `2/8`."""
        return f"{self.number}/{self.total}"


def read_shard(text: str) -> Shard:
    """Read `2/8`.

    Raises:
        BadOptionError: It is no part of a whole.
    """
    number, _, count = text.partition("/")
    if number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count):
        return Shard(int(number), int(count))
    raise BadOptionError(
        f"{text} is no part of a whole",
        where=f"--shard {text}",
        cure="write the number of the part and how many there are: --shard 2/8",
    )


def part_of(
    items: Sequence[Item], shard: Shard, *, names: Sequence[str], durations_s: Sequence[float]
) -> list[Item]:
    """Give what falls to one part, in the given order: the longest first, to who has least.

    Args:
        items: All of them.
        shard: Which part.
        names: Of the items, each another: they decide between equally long ones.
        durations_s: How long each took when it was recorded.
    """
    loads = [0.0] * shard.total
    mine: list[int] = []
    order = sorted(range(len(items)), key=lambda at: (-durations_s[at], names[at]))
    for at in order:
        least = min(range(shard.total), key=lambda number: (loads[number], number))
        loads[least] += _START_S + durations_s[at]
        if least == shard.number - 1:
            mine.append(at)
    return [items[at] for at in sorted(mine)]
