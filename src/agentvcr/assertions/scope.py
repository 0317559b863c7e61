"""What can be asserted of a run, and of a step with all that is inside it.

Owns the names. What each of them means is in the file that it hands over to.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from agentvcr.assertions import budgets
from agentvcr.assertions.calls import FoundCall
from agentvcr.assertions.counting import Times, expect_calls
from agentvcr.assertions.ordering import (
    expect_no_repeats,
    expect_steps_in_order,
    expect_tools_in_order,
)
from agentvcr.assertions.output import expect_match, expect_output
from agentvcr.assertions.tree import Part


class Scope:
    """A run, or a step with all that is inside it. Assertions raise `ExpectationFailed`.

    What was done inside a recorded function (`agentvcr.tool`) belongs to its call and does not
    count: a replay does not do it, and an assertion holds for a recording as for its replay.
    """

    __slots__ = ()

    def _looked_at(self) -> Part:
        raise NotImplementedError

    # --- tools ----------------------------------------------------------------------------------

    def calls(  # noqa: PLR0913  (how often, and with what)
        self,
        tool: str | None = None,
        *,
        times: int | None = None,
        at_least: int | None = None,
        at_most: int | None = None,
        arguments: Mapping[str, object] | type | None = None,
        schema: Mapping[str, object] | None = None,
    ) -> tuple[FoundCall, ...]:
        """Give the calls of a tool, in their order, and fail where there are not as many.

        A call is one that was done: of a recorded function, or of a tool of an MCP server. Where
        none of a name was done, the calls of it count that a model asked for.

        Args:
            tool: Its name; all tools where none is given.
            times: How many there are; at least one where nothing is said of it.
            at_least: How many there are at least.
            at_most: How many there are at most.
            arguments: Some arguments, as a dict: only calls with them count. Or a type that
                pydantic validates, such as a model, or a JSON Schema (a dict with `$schema`): each
                call has to fit.
            schema: A JSON Schema that the arguments of each call have to fit.

        Raises:
            ExpectationFailed: There are more or fewer, or one does not fit.
            BadOptionError: The schema makes no sense, or the numbers do not go together.
        """
        __tracebackhide__ = True
        asked = Times(exactly=times, at_least=at_least, at_most=at_most)
        return expect_calls(self._looked_at(), tool, asked, arguments, schema)

    def no_repeated_calls(
        self, *, except_: Collection[str] = (), ignore: Collection[str] = ()
    ) -> None:
        """Fail where one caller called a tool twice with equal arguments: a card charged twice.

        A caller is an agent, or a lane where no agent is named.

        Args:
            except_: Tools that may be called again.
            ignore: Arguments that make no difference, such as a key made anew for each call.

        Raises:
            ExpectationFailed: One did.
        """
        __tracebackhide__ = True
        expect_no_repeats(self._looked_at(), except_=except_, ignore=ignore)

    # --- order ----------------------------------------------------------------------------------

    def in_order(self, *steps: str, tools: Sequence[str] = ()) -> None:
        """Fail where steps did not begin, or tools were not called, in this order.

        Others may come between. Of several of one name the first is meant; where a name stands
        twice, the first and the second.

        Args:
            steps: Their names, agents or paths.
            tools: Names of tools.

        Raises:
            ExpectationFailed: The order is another, or one is not there.
        """
        __tracebackhide__ = True
        part = self._looked_at()
        expect_steps_in_order(part, steps)
        expect_tools_in_order(part, tools)

    # --- cost -----------------------------------------------------------------------------------

    def within(  # noqa: PLR0913  (what there can be a budget for)
        self,
        *,
        tokens: int | None = None,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        latency_ms: float | None = None,
        steps: int | None = None,
        llm_calls: int | None = None,
        tool_calls: int | None = None,
    ) -> None:
        """Fail where more was used than this.

        Args:
            tokens: Of questions and answers together.
            input_tokens: Of questions.
            output_tokens: Of answers.
            latency_ms: How long it took. A replay takes next to no time: ask its recording.
            steps: How many steps there are; of a step, inside it.
            llm_calls: How many requests went to models.
            tool_calls: How many calls of tools there are.

        Raises:
            ExpectationFailed: More was used, or a model's answer does not say how many tokens.
        """
        __tracebackhide__ = True
        limits = {
            "tokens": tokens,
            "input_tokens": input_tokens,
            "output_tokens": output_tokens,
            "latency_ms": latency_ms,
            "steps": steps,
            "llm_calls": llm_calls,
            "tool_calls": tool_calls,
        }
        budgets.expect_within(self._looked_at(), limits)

    @property
    def tokens(self) -> int:
        """All tokens that the providers told."""
        return budgets.tokens(self._looked_at())

    @property
    def input_tokens(self) -> int:
        """The tokens of what models were asked."""
        return budgets.input_tokens(self._looked_at())

    @property
    def output_tokens(self) -> int:
        """The tokens of what models answered."""
        return budgets.output_tokens(self._looked_at())

    @property
    def latency_ms(self) -> float | None:
        """How long it took; of a run as far as it has come. None of a step without an end."""
        return budgets.latency_ms(self._looked_at())

    # --- what came of it ------------------------------------------------------------------------

    @property
    def text(self) -> str:
        """The last text that a model answered; empty where none did."""
        return self._looked_at().last_answer()

    def output_equals(self, expected: object) -> None:
        """Fail where the output is another.

        The output of a step is what it gave, or the last text that a model answered in it. Of a
        run it is what the command printed; of a block in one process, the last answer.

        Args:
            expected: A text, without regard to a line's end behind it, or any JSON value.

        Raises:
            ExpectationFailed: It is another.
        """
        __tracebackhide__ = True
        expect_output(self._looked_at(), expected)

    def output_matches(self, pattern: str | re.Pattern[str]) -> None:
        """Fail where a regular expression is not found in the output, as of `output_equals`.

        Raises:
            ExpectationFailed: It is not found.
        """
        __tracebackhide__ = True
        expect_match(self._looked_at(), pattern)
