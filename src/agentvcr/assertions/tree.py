"""A run's steps as assertions need them: places, lines and calls, each read once.

Owns which steps belong to a step. Does not judge.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import PurePath

import msgspec

from agentvcr.assertions.calls import FoundCall, calls_of
from agentvcr.model.results import StepRow
from agentvcr.model.run import Run
from agentvcr.model.step import Step
from agentvcr.providers import dialect_of, read
from agentvcr.steps.outline import row
from agentvcr.steps.path import CALL, Place, places_of, step_at


class Tree:
    """The steps of a run, by their index in the order in which they began."""

    def __init__(self, run: Run) -> None:
        """Look at the places; bodies are read when they are asked for."""
        self.run = run
        self.places: Sequence[Place] = tuple(places_of(run))
        calls = {key.number for key in run.exchanges.list_keys() if key.kind == CALL}
        self._calls = {one.id for one in self.places if one.exchange in calls}
        self._parents = {one.id: one.parent for one in self.places}

    def read(self, index: int) -> Step:
        """Give a step with its exchange."""
        return step_at(self.places[index], self.run)

    @cached_property
    def rows(self) -> Sequence[StepRow]:
        """Each step in one line."""
        return tuple(row(self.read(index)) for index in range(len(self.places)))

    @cached_property
    def calls(self) -> Sequence[Sequence[FoundCall]]:
        """What each step called, or asked for."""
        return tuple(calls_of(self.read(index)) for index in range(len(self.places)))

    @cached_property
    def _told(self) -> dict[str, str]:
        """What models were told of the calls that they asked for, by the call's id."""
        found: dict[str, str] = {}
        for index, place in enumerate(self.places):
            exchange = self.read(index).exchange if place.kind == "llm" else None
            conversation = read(exchange) if exchange is not None else None
            prompt = conversation.prompt if conversation is not None else None
            for message in prompt.messages if prompt is not None else ():
                for result in message.tool_results:
                    found.setdefault(result.call_id, result.text)
        return found

    def with_results(self, calls: Iterable[FoundCall]) -> tuple[FoundCall, ...]:
        """Give calls that were asked for the results that the model was told later."""
        return tuple(
            msgspec.structs.replace(call, result=self._told.get(call.call_id))
            if call.how == "asked" and call.call_id
            else call
            for call in calls
        )

    def part(self, root: str | None = None) -> Part:
        """Give a step and the steps inside it, or all of a run.

        What is done inside a recorded function belongs to its call: a replay does not run it, and
        an assertion holds for a recording as for its replay.
        """
        indexes = (at for at, place in enumerate(self.places) if self._belongs(place.id, root))
        return Part(self, root, tuple(indexes))

    def _belongs(self, path: str, root: str | None) -> bool:
        one: str | None = path
        while one is not None and one != root:
            one = self._parents.get(one)
            if one in self._calls:
                return False
        return one == root


class Part:
    """A part of a run: all of it, or a step with what is inside it."""

    def __init__(self, tree: Tree, root: str | None, indexes: Sequence[int]) -> None:
        """Take the steps of these indexes."""
        self.tree = tree
        self.root = root
        self.indexes = indexes

    @property
    def places(self) -> list[Place]:
        """The places of its steps."""
        return [self.tree.places[index] for index in self.indexes]

    @property
    def rows(self) -> list[StepRow]:
        """Its steps in a line each."""
        return [self.tree.rows[index] for index in self.indexes]

    @property
    def name(self) -> str:
        """What was looked at, in words."""
        path = PurePath(self.tree.run.path).name
        if self.root is None:
            return f"the run {path}"
        number = next(one.number for one in self.tree.places if one.id == self.root)
        return f"step {number} {self.root} of {path}"

    def calls(self, tool: str | None = None) -> list[FoundCall]:
        """Give the calls of a tool, or of all, in the order in which they began.

        What a model asked for is left out where calls of that name were done: they are the same.
        """
        found = [call for index in self.indexes for call in self.tree.calls[index]]
        done = {call.name for call in found if call.how == "done"}
        return [
            call
            for call in found
            if tool in (None, call.name) and (call.how == "done" or call.name not in done)
        ]

    def last_answer(self) -> str:
        """Give the last text that a model answered; nothing where none did."""
        for index in reversed(self.indexes):
            exchange = self.tree.read(index).exchange
            if exchange is None or self.tree.places[index].kind != "llm":
                continue
            dialect = dialect_of(exchange.request)
            answer = (
                dialect.read_answer(exchange.response) if dialect and exchange.response else None
            )
            if answer is not None and answer.message.text:
                return answer.message.text
        return ""
