"""Name an MCP server by its command, the same on every machine.

Owns that name: the script, module or package that runs, never a path.
"""

from __future__ import annotations

import os

_LAUNCHERS = (
    "python",
    "pypy",
    "node",
    "npx",
    "bun",
    "deno",
    "uv",
    "pnpm",
    "docker",
    "podman",
    "env",
)
_VERBS = ("run", "exec", "dlx", "tool", "x")
_TAKE_A_VALUE = ("-X", "-W", "--directory", "--project", "--python", "--with", "--from", "-p", "-e")
_SUFFIXES = (".py", ".js", ".mjs", ".cjs", ".ts", ".exe", ".pyz")


def name_of(words: list[str]) -> str:
    """Name the server that a command line starts.

    `python -m weather.server` is `weather.server`, `npx -y @scope/server-files@1.2` is
    `server-files`, `/opt/tools/search --fast` is `search`.
    """
    command = _base(words[0]) if words else ""
    if not command.startswith(_LAUNCHERS):
        return command or "server"
    rest = iter(words[1:])
    for word in rest:
        if word == "-m":
            return next(rest, command)
        if word == "-c":
            return command
        if word in _TAKE_A_VALUE:
            next(rest, None)
        elif not word.startswith("-") and word not in _VERBS and not _sets(word):
            return _base(word) or command
    return command


def _sets(word: str) -> bool:
    """Whether a word is `NAME=value`; `package==1.0` is not."""
    name, equals, _ = word.partition("=")
    return bool(equals) and name.isidentifier() and "==" not in word


def _base(word: str) -> str:
    """Give the last part of a path or a package's name, without version and suffix."""
    name = os.path.basename(word.rstrip("/"))
    name = name[:1] + name[1:].partition("@")[0].partition("==")[0]
    for suffix in _SUFFIXES:
        if name.endswith(suffix):
            return name[: -len(suffix)]
    return name
