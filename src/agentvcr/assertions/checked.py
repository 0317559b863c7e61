"""A run, and a step of it, that a test can make assertions on.

Owns the two classes. What can be asserted of both is `scope`.
"""

from __future__ import annotations

from functools import cached_property

from agentvcr.assertions.finding import find_all, find_one
from agentvcr.assertions.output import given_by, given_to
from agentvcr.assertions.scope import Scope
from agentvcr.assertions.snapshot import snapshot_of
from agentvcr.assertions.tree import Part, Tree
from agentvcr.model.run import Run
from agentvcr.model.step import StepKind
from agentvcr.providers.body import Json


class _Steps(Scope):
    """What has steps."""

    __slots__ = ()

    def step(self, wanted: str | int) -> CheckedStep:
        """Give a step.

        Args:
            wanted: Its path as `agentvcr show` names it (`writer/llm[2]`) or the end of one, its
                number, or the name or the agent that the program gave it.

        Raises:
            ExpectationFailed: There is none, or there are several of that name.
        """
        __tracebackhide__ = True
        part = self._looked_at()
        return CheckedStep(part.tree, find_one(part, wanted))

    def find_steps(
        self, name: str | None = None, *, kind: StepKind | None = None
    ) -> tuple[CheckedStep, ...]:
        """Give the steps of a name and a kind in the order in which they began; maybe none.

        Args:
            name: As of `step`; each step where none is given.
            kind: agent, llm, tool, handoff, state, check or run.
        """
        part = self._looked_at()
        found = part.indexes if name is None else find_all(part, name)
        tree = part.tree
        return tuple(
            CheckedStep(tree, index)
            for index in found
            if tree.places[index].id != part.root and kind in (None, tree.places[index].kind)
        )

    def snapshot(self, *, wording: bool = False) -> str:
        """Write the tree of steps as lines to review, without what differs by chance.

        Args:
            wording: With the first words of what models and tools gave.
        """
        return snapshot_of(self._looked_at(), wording=wording)


class CheckedStep(_Steps):
    """A step of a run, with all that is inside it."""

    def __init__(self, tree: Tree, index: int) -> None:
        """Look at the step of this index."""
        self._place = tree.places[index]
        self._tree = tree
        self._index = index

    @cached_property
    def _part(self) -> Part:
        return self._tree.part(self._place.id)

    def _looked_at(self) -> Part:
        return self._part

    @property
    def id(self) -> str:
        """Its path."""
        return self._place.id

    @property
    def number(self) -> int:
        """1, 2, 3 … in the order in which steps began."""
        return self._place.number

    @property
    def kind(self) -> StepKind:
        """What kind of step it is."""
        return self._place.kind

    @property
    def name(self) -> str:
        """What the program named it; of an exchange the model, or what was asked."""
        return self._tree.rows[self._index].action

    @property
    def agent(self) -> str | None:
        """Who did the work, where an agent is named."""
        return self._place.agent

    @property
    def lane(self) -> str:
        """The caller."""
        return self._place.lane

    @property
    def error(self) -> str | None:
        """The exception that ended it, by name."""
        return self._tree.rows[self._index].error

    @property
    def status(self) -> int | None:
        """The HTTP status of the answer."""
        return self._tree.rows[self._index].status

    @property
    def input(self) -> Json:
        """What it was given: a named step's input, a call's arguments, a request's body."""
        return given_to(self._tree.read(self._index))

    @property
    def output(self) -> Json:
        """What it gave: a named step's output, a call's result, a model's text."""
        return given_by(self._tree.read(self._index))

    def __repr__(self) -> str:
        return f"<step {self.number} {self.id}>"


class CheckedRun(Run, _Steps, frozen=True, kw_only=True, dict=True):
    """A run that a test can make assertions on."""

    def __repr__(self) -> str:
        return f"<run {self.path}>"  # a test's report shows it beside each failure

    @cached_property
    def _part(self) -> Part:
        return Tree(self).part()

    def _looked_at(self) -> Part:
        return self._part


def checked(run: Run) -> CheckedRun:
    """Give a run with assertions."""
    if isinstance(run, CheckedRun):
        return run
    return CheckedRun(**{name: getattr(run, name) for name in Run.__struct_fields__})
