"""Read the options of `record` and `replay` without waking the whole of typer.

Owns a short cut: typer's own parsing loads pydantic, which takes longer than the rest of a start.
The options are those that the command's function declares for typer; whatever is unusual
(an error, `--help`, an option in a form not foreseen here) is left to typer, which then says it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from typer.models import OptionInfo


class _Option:
    """One declared option: what it is called, and how its value is read."""

    def __init__(self, name: str, kind: Any, info: OptionInfo) -> None:  # noqa: ANN401  (a type)
        self.name = name
        self.info = info
        # In an Annotated, what typer takes for the default is the first name.
        names = [one for one in (info.default, *(info.param_decls or ())) if isinstance(one, str)]
        self.words = names or [f"--{name.replace('_', '-')}"]
        kinds = [one for one in get_args(kind) if one is not type(None)]
        kind = kinds[0] if get_origin(kind) is UnionType else kind
        self.repeats = get_origin(kind) is list
        self.kind: type = get_args(kind)[0] if self.repeats else kind
        self.takes_value = self.kind is not bool

    def read(self, word: str) -> object:
        """Turn a word into a value; raises ValueError where typer is to say what is wrong."""
        if self.kind not in (str, Path, int) and not issubclass(self.kind, Enum):
            raise ValueError(word)
        if self.info.parser is not None:
            return self.info.parser(word)
        value: Any = self.kind(word)  # compared only where typer allows bounds: for numbers
        low, high = self.info.min, self.info.max
        if (low is not None and value < low) or (high is not None and value > high):
            raise ValueError(word)
        return value


def read(
    command: Callable[..., None], words: Sequence[str]
) -> tuple[dict[str, object], list[str]] | None:
    """Read a command line up to its first argument.

    Args:
        command: The function of the command.
        words: What follows the command's name, without `--` and what follows it.

    Returns:
        The function's options, and the remaining words; None where typer is to read the line.
    """
    options = _options_of(command)
    values: dict[str, object] = {}
    position = 0
    while position < len(words) and words[position].startswith("-") and words[position] != "--":
        word, equals, text = words[position].partition("=")
        option = options.get(word)
        if option is None or (equals and not word.startswith("--")):
            return None
        if option.takes_value and not equals:
            position += 1
            if position == len(words):
                return None
            text = words[position]
        elif equals and not option.takes_value:
            return None
        try:
            value = option.read(text) if option.takes_value else True
        except ValueError:
            return None
        if option.repeats:
            values.setdefault(option.name, []).append(value)  # type: ignore[attr-defined]
        else:
            values[option.name] = value
        position += 1
    return values, list(words[position:])


def _options_of(command: Callable[..., None]) -> dict[str, _Option]:
    hints = get_type_hints(command, include_extras=True)
    found: dict[str, _Option] = {}
    for name in inspect.signature(command).parameters:
        kind, *details = get_args(hints[name])
        info = next((one for one in details if isinstance(one, OptionInfo)), None)
        if info is not None:
            option = _Option(name, kind, info)
            found.update(dict.fromkeys(option.words, option))
    return found
