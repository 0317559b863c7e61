"""The threads of the program as the order of things sees them, and what each of them waits for.

Owns who a thread is, and how one sleeps. Who is at work, and whose turn it is, is in `world`; the
turns of event loops are in `loop_turns`.
"""

from __future__ import annotations

from _thread import _local, allocate_lock, get_ident

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from agentvcr.inside.order.log import Key


class Strand:
    """A thread of the program's."""

    __slots__ = ("has_waited", "ident", "waits")

    def __init__(self) -> None:
        """Stand for the running thread."""
        self.ident = get_ident()
        self.waits = False
        """Whether it waits, as far as it told us."""
        self.has_waited = False
        """Whether it did since somebody set this to False."""


class _Mine(_local):
    strand: Strand | None = None


_mine = _Mine()


def strand_here() -> Strand:
    """Give the strand of the running thread."""
    strand = _mine.strand
    if strand is None or strand.ident != get_ident():
        strand = _mine.strand = Strand()
    return strand


def become(strand: Strand) -> Strand:
    """Be the strand that was made for this thread."""
    strand.ident = get_ident()
    _mine.strand = strand
    return strand


class Turn:
    """Something that a thread waits for: it sleeps on a lock of its own."""

    __slots__ = ("alone", "due_ns", "expired", "key", "over", "place", "raw", "strand", "told")

    def __init__(self, key: Key | None, strand: Strand, told: Key | None = None) -> None:
        """Begin to wait as `strand`, for what the log calls `key`, and this run's own `told`."""
        self.key = key
        self.told = told or key
        self.strand = strand
        self.over = False
        self.expired = False
        self.due_ns: int | None = None
        self.alone = False
        """Whether nobody can end it before its time is up, as in a sleep."""
        self.place: int | None = None
        self.raw = allocate_lock()
        self.raw.acquire()

    def is_over(self) -> bool:
        """Whether nobody waits for it any more."""
        return self.over

    def is_held(self) -> bool:
        """Whether it cannot go on even if it is let in: never."""
        return False

    def wake(self, now_ns: int) -> None:
        """Let the thread go on."""
        del now_ns
        self.over = True
        self.raw.release()
