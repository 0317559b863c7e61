"""A lane: the name of one logical caller, and what its work belongs to.

Owns how names and counters are handed down. Does not know which lane runs now (`lanes`).
"""

from __future__ import annotations

from itertools import count

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any

ORPHAN = "?"
"""Lane of code whose origin nobody saw, such as a thread started from C: matched by content."""
_ROOTS = ("thread", "work")

era: list[object] = [object()]
"""The session that lanes are made for: what outlives it is named by nobody in the next."""
_LONGEST_LANE = 4000
"""Characters: where each task makes its own successor, names would grow without end."""


def _bounded(name: str) -> str:
    if len(name) <= _LONGEST_LANE:
        return name
    import hashlib  # noqa: PLC0415  (hardly ever)

    root = name.partition("/")[0]
    return "%s/~%s" % (root, hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:16])


class OpenStep:
    """A step that has begun: where it is, and who counts the steps below it."""

    __slots__ = ("counters", "lane", "left", "outer", "path")

    def __init__(self, path: str, lane: str, outer: OpenStep | None = None) -> None:
        """Open a step below `outer`."""
        self.path = path
        self.lane = lane
        self.outer = outer
        self.left = False
        self.counters: dict[Any, Any] = {}  # of steps, and of draws of what it covers


class Lane:
    """A caller's name, its counters (one for each kind of child), and where its work belongs.

    Immutable but for the counters, which the views of one lane share; its reads of the clock are
    among them.
    """

    __slots__ = ("counters", "cover", "era", "hidden", "name", "root", "shadow", "step")

    def __init__(
        self,
        name: str,
        *,
        shadow: bool = False,
        step: OpenStep | None = None,
        covered: OpenStep | bool | None = None,
    ) -> None:
        """Name a lane; a `shadow` lane's children are shadows without numbers.

        Args:
            name: The lineage.
            shadow: Whether it is a client's inner working.
            step: The step that its work belongs to.
            covered: Whether a recorded call of a function covers whatever is done here.
        """
        self.name = name
        self.shadow = shadow
        self.step = step
        # The call that covers; what it started, and others use later, is covered no more.
        self.cover = step if covered is True else covered or None
        self.hidden = False
        self.era = era[0]
        self.root = object()  # the same in all lanes of one thread or work item
        self.counters: dict[Any, Any] = {}  # of children and draws, and what else is the lane's own

    @property
    def covered(self) -> bool:
        """Whether the call of a recorded function covers whatever is done here."""
        return self.cover is not None and not self.cover.left

    def child(self, kind: str) -> Lane:
        """Make the lane of the next `kind` that this caller creates; it works for the same step."""
        if self.shadow:
            return self
        # setdefault and next are each atomic, so two threads that share a lane never share a child.
        number = next(self.counters.setdefault(kind, count()))
        name = "%s/%s%d" % (_bounded(self.name), kind, number)
        made = Lane(name, step=self.step, covered=self.cover)
        made.era = self.era
        if kind not in _ROOTS:
            made.root = self.root
        return made

    def within(self, step: OpenStep | None, *, covered: OpenStep | bool | None = None) -> Lane:
        """View the same lane at work for another step."""
        view = Lane(
            self.name,
            shadow=self.shadow,
            step=step,
            covered=self.cover if covered is None else covered,
        )
        view.counters = self.counters
        view.hidden = self.hidden
        view.root = self.root
        view.era = self.era
        return view

    def under_cover(self) -> Lane:
        """Make the shadow of this lane, for the inner workings of a client."""
        inner = Lane(self.name, shadow=True, step=self.step, covered=self.cover)
        inner.hidden = True
        inner.root = self.root
        inner.era = self.era
        return inner

    def place(self) -> str:
        """Say where in the tree of steps this lane is: empty outside of every step.

        The path of the step, and behind it the lanes that lie between the step and here.
        """
        step = self.step
        if step is None or (self.cover is not None and self.cover.left):
            return ""
        if self.name == step.lane:
            return step.path
        if self.name.startswith(step.lane + "/"):
            return step.path + self.name[len(step.lane) :]
        return "%s/%s" % (step.path, self.name)
