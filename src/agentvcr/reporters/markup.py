"""The pieces of a Markdown page.

Owns how recorded text is kept from being read as markup.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agentvcr.reporters.base import counted, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def more(rest: int, noun: str) -> Iterator[str]:
    """Say how many are left out; nothing where none is."""
    if rest > 0:
        yield from ("", f"… and {counted(rest, f'more {noun}')}")


def fenced(lines: Sequence[str], language: str) -> Iterator[str]:
    """Quote lines as a block, which a fence inside of them does not end."""
    longest = max((len(run) for line in lines for run in re.findall(r"`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    yield from ("", fence + language, *lines, fence)


def code(recorded: str) -> str:
    """Quote recorded text on one line, whatever it holds, also within a table."""
    line = " ".join(printable(recorded).split()).replace("|", "\\|")
    if not line:
        return ""
    longest = max((len(run) for run in re.findall(r"`+", line)), default=0)
    ticks = "`" * (longest + 1)
    pad = " " if longest else ""
    return f"{ticks}{pad}{line}{pad}{ticks}"


def table(*columns: str) -> Iterator[str]:
    """Begin a table."""
    yield row(*columns)
    yield row(*("---" for _ in columns))


def row(*cells: str) -> str:
    """Give a row of a table; what is recorded stands in it as `code`."""
    return f"| {' | '.join(cells)} |"
