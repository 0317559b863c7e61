"""How GitHub's runner reads a step's output: which of its lines are commands.

Owns the rules, after `src/Runner.Common/ActionCommand.cs` and `ActionCommandManager.cs` of
actions/runner: a command begins with `::` behind any blanks, or stands as `##[…]` anywhere in a
line; `::stop-commands::TOKEN` ends that up to `::TOKEN::`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

KNOWN = (
    "error",
    "warning",
    "notice",
    "debug",
    "group",
    "endgroup",
    "add-mask",
    "add-path",
    "set-env",
    "set-output",
    "save-state",
    "stop-commands",
    "add-matcher",
    "remove-matcher",
    "echo",
)
_IN_DATA = (("%0D", "\r"), ("%0A", "\n"), ("%25", "%"))
_IN_PROPERTIES = (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%"))


class Command(NamedTuple):
    """What a line tells the runner to do."""

    name: str
    properties: dict[str, str]
    data: str


def commands(output: str) -> list[Command]:
    """Give the commands in a step's output; the runner obeys each of them."""
    found: list[Command] = []
    token = ""
    for line in re.split(r"\r\n|\r|\n", output):
        command = _first_form(line, (*KNOWN, token)) or _second_form(line, (*KNOWN, token))
        if command is None:
            continue
        if token:
            token = "" if command.name == token else token
        elif command.name == "stop-commands":
            token = command.data
        else:
            found.append(command)
    return found


def _first_form(line: str, known: tuple[str, ...]) -> Command | None:
    line = line.lstrip()
    end = line.find("::", 2)
    if not line.startswith("::") or end < 0:
        return None
    name, _, told = line[2:end].partition(" ")
    if name not in known or not name:
        return None
    pairs = [pair.partition("=") for pair in told.strip().split(",") if pair]
    properties = {key: _unescaped(value, _IN_PROPERTIES) for key, _, value in pairs if value}
    return Command(name, properties, _unescaped(line[end + 2 :], _IN_DATA))


def _second_form(line: str, known: tuple[str, ...]) -> Command | None:
    found = re.search(r"##\[([^ \]]*)[^\]]*\](.*)", line)
    if found is None or not found[1] or found[1] not in known:
        return None
    return Command(found[1], {}, found[2])


def _unescaped(text: str, mappings: tuple[tuple[str, str], ...]) -> str:
    for escaped, sign in mappings:
        text = text.replace(escaped, sign)
    return text
