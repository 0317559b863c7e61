"""Assert in which order steps began or tools were called, and that no call was repeated.

Owns what order and repetition mean. What a call is, `calls` knows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

import msgspec

from agentvcr.assertions.calls import FoundCall, lines_of
from agentvcr.assertions.failing import failed
from agentvcr.assertions.finding import find_all, no_step, titled
from agentvcr.assertions.tree import Part
from agentvcr.errors import BadOptionError
from agentvcr.providers.body import Json


def expect_steps_in_order(part: Part, names: Sequence[str]) -> None:
    """Pass where steps began in this order: the first of each name, the second where named twice.

    Raises:
        ExpectationFailed: They did not, or one of them is not there.
    """
    __tracebackhide__ = True
    order: list[int] = []
    for name, nth in _occurrences(names):
        found = find_all(part, name)
        if not found:
            raise no_step(part, name)
        if nth >= len(found):
            raise failed(
                f"expected {nth + 1} steps {name}, found {len(found)}",
                where=part.name,
                title="found",
                lines=[titled(part.tree.places[index]) for index in found],
            )
        order.append(found[nth])
    if order != sorted(set(order)):
        raise failed(
            f"expected to begin in this order: {', '.join(names)}",
            where=part.name,
            title="they began in this one",
            lines=[titled(part.tree.places[index]) for index in sorted(set(order))],
        )


def expect_tools_in_order(part: Part, tools: Sequence[str]) -> None:
    """Pass where tools were called in this order: the first call of each, as with steps.

    Raises:
        ExpectationFailed: They were not, or one of them was not called.
    """
    __tracebackhide__ = True
    calls = part.calls()
    order: list[int] = []
    for name, nth in _occurrences(tools):
        found = [index for index, call in enumerate(calls) if call.name == name]
        if nth >= len(found):
            raise failed(
                f"expected call {nth + 1} of {name}, found {len(found) or 'none'}",
                where=part.name,
                title="calls",
                lines=lines_of(calls),
            )
        order.append(found[nth])
    if order != sorted(order):
        raise failed(
            f"expected to be called in this order: {', '.join(tools)}",
            where=part.name,
            title="they were called in this one",
            lines=lines_of(calls[index] for index in sorted(order)),
        )


def expect_no_repeats(part: Part, *, except_: Collection[str], ignore: Collection[str]) -> None:
    """Pass where nobody called a tool twice with equal arguments.

    Raises:
        ExpectationFailed: Somebody did.
    """
    __tracebackhide__ = True
    for name, given in (("except_", except_), ("ignore", ignore)):
        if isinstance(given, str):
            raise BadOptionError(
                f'{name} is a list of names, as ["{given}"]',
                where=f"no_repeated_calls({name}=…)",
                cure="put the name in a list",
            )
    groups: dict[tuple[str, str, bytes], list[FoundCall]] = {}
    for call in part.calls():
        if call.name not in except_:
            key = call.caller, call.name, _in_one_form(call.arguments, ignore)
            groups.setdefault(key, []).append(call)
    repeated = [group for group in groups.values() if len(group) > 1]
    if repeated:
        times = sum(map(len, repeated)) - len(repeated)
        raise failed(
            f"expected no call twice with equal arguments, found {times} repeated",
            where=part.name,
            title="called by one caller with equal arguments",
            lines=[line for group in repeated for line in lines_of(group)],
        )


def _in_one_form(arguments: Json, ignore: Collection[str]) -> bytes:
    if isinstance(arguments, dict):
        arguments = {name: one for name, one in arguments.items() if name not in ignore}
    return msgspec.json.encode(arguments or None, order="sorted")


def _occurrences(names: Sequence[str]) -> list[tuple[str, int]]:
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        found.append((name, seen[name]))
        seen[name] += 1
    return found
