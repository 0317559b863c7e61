"""Places in JSON as users write them, `a.b[*].c`, and taking out what stands there.

Owns the grammar and the walk. Does not know which places count (`rules`).

A path goes on through a string that is itself JSON, as the arguments of a tool call are.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

ANY: Final = "*"
"""Every key of an object, or every item of a list."""
DEEP: Final = ".."
"""What follows may stand at any depth."""

Step = str | int
Steps = tuple[Step, ...]

_STEP = re.compile(
    r"(?:(?P<deep>\.\.)|\.|(?=\[)|^)"
    r"(?:\[(?:(?P<index>\d{1,9})|(?P<all>\*)|'(?P<quoted>(?:[^'\\]|\\.)+)')\]"
    r"|(?P<name>[^.\[\]'\"\s]+))"
)
_QUOTED = re.compile(r"\\(.)")


def parse(text: str) -> Steps:
    """Read a path: `.name`, `['any name']`, `[0]`, `[*]`, `.*`, and `..name` for any depth.

    Raises:
        ValueError: It is none; says from where on.
    """
    steps: list[Step] = []
    at = 0
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None or found.end() == at:
            raise ValueError(f"{text[at:]!r} is no step of a path")
        if found["deep"]:
            steps.append(DEEP)
        if found["index"]:
            steps.append(int(found["index"]))
        elif found["quoted"]:
            steps.append(_QUOTED.sub(r"\1", found["quoted"]))
        else:
            steps.append(ANY if found["all"] else found["name"])
        at = found.end()
    return tuple(steps)


def without(value: Any, steps: Steps) -> Any:  # noqa: ANN401  (JSON)
    """Take out what stands at a path, in place; gives the value, another one where it is a string.

    A key goes with its value, and an item of a list leaves no gap.
    """
    if isinstance(value, str):
        return _without_inside(value, steps)
    step, rest = steps[0], steps[1:]
    if step == DEEP:
        without(value, rest)
        for key in _keys(value):
            value[key] = without(value[key], steps)
        return value
    wanted = _wanted(value, step)
    if rest:
        for key in wanted:
            value[key] = without(value[key], rest)
    else:
        for key in reversed(wanted):
            del value[key]
    return value


def _wanted(value: Any, step: Step) -> list[Any]:  # noqa: ANN401  (JSON)
    if step == ANY:
        return _keys(value)
    if isinstance(value, dict):
        return [step] if step in value else []
    if isinstance(value, list) and isinstance(step, int):
        return [step] if step < len(value) else []
    return []


def _keys(value: Any) -> list[Any]:  # noqa: ANN401  (JSON)
    if isinstance(value, dict):
        return list(value)
    return list(range(len(value))) if isinstance(value, list) else []


def _without_inside(text: str, steps: Steps) -> str:
    parsed = parsed_inside(text)
    if parsed is None:
        return text
    return msgspec.json.encode(without(parsed, steps), order="sorted").decode()


def parsed_inside(text: str) -> Any:  # noqa: ANN401  (JSON)
    """Read a string that is itself an object or a list of JSON; None where it is not."""
    if text[:1] not in ("{", "["):
        return None
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
