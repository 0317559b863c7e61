"""Assert how often a tool was called, and with what.

Owns the count and its words. What a call is, `calls` knows; what fits, `arguments`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from agentvcr.assertions.arguments import Check, check_of, holds, is_subset
from agentvcr.assertions.calls import FoundCall, lines_of
from agentvcr.assertions.failing import ExpectationFailed, failed, in_words
from agentvcr.assertions.tree import Part
from agentvcr.errors import BadOptionError


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """How often something is expected; at least once where nothing is said."""

    exactly: int | None
    at_least: int | None
    at_most: int | None

    def __post_init__(self) -> None:
        """Refuse what makes no sense together.

        Raises:
            BadOptionError: It makes none.
        """
        if self.exactly is not None and (self.at_least, self.at_most) != (None, None):
            raise BadOptionError(
                "times says all: at_least and at_most go without it",
                where="calls(times=…, at_least=…, at_most=…)",
                cure="name times alone, or one or both of the others",
            )

    @property
    def _least(self) -> int:
        if self.at_least is not None:
            return self.at_least
        return 1 if self.at_most is None else 0

    def fits(self, count: int) -> bool:
        """Whether a count is as expected."""
        if self.exactly is not None:
            return count == self.exactly
        return self._least <= count and (self.at_most is None or count <= self.at_most)

    def __str__(self) -> str:
        if self.exactly is not None:
            return calls_in_words(self.exactly)
        if self.at_most is None:
            return f"at least {calls_in_words(self._least)}"
        most = calls_in_words(self.at_most)
        return f"{self._least} to {most}" if self._least else f"at most {most}"


def expect_calls(
    part: Part,
    tool: str | None,
    times: Times,
    arguments: object,
    schema: Mapping[str, object] | None,
) -> tuple[FoundCall, ...]:
    """Give the calls of a tool, where they are as many as expected and their arguments fit.

    Raises:
        ExpectationFailed: They are not, or do not.
        BadOptionError: What the arguments are held against makes no sense.
    """
    __tracebackhide__ = True
    found = meant = part.calls(tool)
    checks = [] if schema is None else [check_of(schema)]
    if is_subset(arguments):
        meant = [one for one in found if holds(one.arguments, arguments)]
    elif arguments is not None:
        checks.insert(0, check_of(arguments))
    if not times.fits(len(meant)):
        raise _miscounted(part, tool, times, (found, meant), arguments)
    for check in checks:
        misfits = list(_misfits(meant, check))
        if misfits:
            raise failed(
                f"expected the arguments of each call{_of(tool)} to fit",
                where=part.name,
                title="they do not",
                lines=misfits,
            )
    return part.tree.with_results(meant)


def _miscounted(
    part: Part,
    tool: str | None,
    times: Times,
    counted: tuple[Sequence[FoundCall], Sequence[FoundCall]],
    arguments: object,
) -> ExpectationFailed:
    found, meant = counted
    expected = f"expected {times}{_of(tool)}"
    if is_subset(arguments):
        others = f", of {calls_in_words(len(found))}" if len(found) != len(meant) else ""
        said = f"{expected} with {in_words(arguments)}, found {len(meant) or 'none'}{others}"
    else:
        said = f"{expected}, found {len(meant) or 'none'}"
    shown = found or part.calls()
    title = "found" if found else "other calls"
    return failed(said, where=part.name, title=title, lines=lines_of(shown))


def _misfits(calls: Sequence[FoundCall], check: Check) -> list[str]:
    lines: list[str] = []
    for call in calls:
        wrong = [f"  {line}" for line in check(call.arguments)]
        if wrong:
            lines += [*lines_of([call]), *wrong]
    return lines


def _of(tool: str | None) -> str:
    return "" if tool is None else f" of {tool}"


def calls_in_words(count: int) -> str:
    """Write a number of calls."""
    return "no call" if count == 0 else "1 call" if count == 1 else f"{count} calls"
