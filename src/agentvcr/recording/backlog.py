"""What is still to be written of a replay, which no request waits for.

Owns that queue. Does not know what is written.
"""

from __future__ import annotations

from collections.abc import Callable

_LONG = 64
"""Writes that wait for each other."""


class Backlog:
    """Writes that come later, many at once."""

    def __init__(self) -> None:
        """Start empty."""
        self._waiting: list[Callable[[], None]] = []
        self.is_urgent = False
        """Whether something was written that cannot be had again."""

    @property
    def is_long(self) -> bool:
        """Whether it is time to catch up."""
        return len(self._waiting) >= _LONG

    def add(self, write: Callable[[], None]) -> None:
        """Put off a write."""
        self._waiting.append(write)

    def hurry(self) -> None:
        """Write now what was put off, and what comes next at once."""
        self.catch_up()
        self.is_urgent = True

    def catch_up(self) -> None:
        """Write what was put off."""
        self.is_urgent = False
        waiting, self._waiting = self._waiting, []
        for write in waiting:
            write()
