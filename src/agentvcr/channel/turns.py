"""Take down in which order things happened in a process, by the numbers that the cassette gives.

Owns the translation of a process's own numbers of exchanges. Does not judge order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from agentvcr.inside.order.log import OF_EXCHANGE, Entry, pack, unpack


class Turns:
    """The order of one process, as it comes in."""

    def __init__(
        self, write: Callable[[str, bytes], None], clean: Callable[[str], str] = str
    ) -> None:
        """Start before the first entry; `write` takes down a unit's, `clean` a name."""
        self.numbers: dict[int, int] = {}
        """The cassette's number of each of its exchanges; 0 where it has none."""
        self._write = write
        self._clean = clean
        self._held: list[tuple[str, bytes]] = []

    def add(self, unit: str, data: bytes) -> None:
        """Take entries of the process, or of an item of a pool, which is a unit of its own.

        They wait for an exchange whose beginning is still under way.
        """
        self._held.append((unit, data))
        self._settle(is_last=False)

    def close(self) -> None:
        """Take down what waits."""
        self._settle(is_last=True)

    def _settle(self, *, is_last: bool) -> None:
        while self._held:
            unit, data = self._held[0]
            entries = unpack(data)
            known = all(one.kind not in OF_EXCHANGE or one.who in self.numbers for one in entries)
            if not (known or is_last):
                return
            del self._held[0]
            translated = list(self._translated(entries))
            if translated:
                self._write(unit, pack(translated))

    def _translated(self, entries: list[Entry]) -> Iterator[Entry]:
        for one in entries:
            if one.kind not in OF_EXCHANGE:
                name = self._clean(str(one.who))
                yield Entry(one.kind, name, one.index, one.at_ns, one.overlap)
                continue
            number = self.numbers.get(int(one.who), 0)
            if number:
                yield Entry(one.kind, number, one.index, one.at_ns, one.overlap)
