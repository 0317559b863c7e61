"""Tell from a command line whether it starts a Python that will not let us in.

Owns the reading of command lines: Python's own options, shells and their scripts' words, `env` and
`sudo`, the first line of a script. Starts nothing, and knows only what is written there: what a
program calls in its turn is not seen.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any, Callable, Sequence

_PYTHONS = ("python", "pypy")
_SHELLS = ("sh", "bash", "dash", "zsh", "ksh", "ash")
_WRAPPERS = ("nohup", "nice", "timeout", "time", "stdbuf", "setsid", "ionice", "taskset", "strace")
_WORDS = ("then", "do", "else", "!", "{", "if", "while", "until", "exec", "command", "eval")
"""Words of a shell after which a command follows."""
_NEEDED = ("PYTHONPATH", "AGENTVCR_CHANNEL", "AGENTVCR_ROOT")
_DEEPEST = 5
_FIRST_LINE = 256
_SUDO_TAKES = ("-u", "-g", "-h", "-p", "-C", "-r", "-t", "-T", "-D", "-R")


def words_of(command: Any) -> list[str]:  # noqa: ANN401  (whatever Popen takes)
    """Give a command as the words that it consists of; a shell's text is one."""
    if isinstance(command, (str, bytes, os.PathLike)):
        return [os.fsdecode(command)]
    return [os.fsdecode(word) for word in command]


class _Place:
    """Where a command stands: in which folder, in how many others, and whether we are lost."""

    __slots__ = ("depth", "folder", "is_lost")

    def __init__(self, folder: str, depth: int = 0, *, is_lost: bool = False) -> None:
        self.folder = folder
        self.depth = depth
        self.is_lost = is_lost

    def within(self, *, is_lost: bool = False) -> _Place:
        """Stand in the command that stands here."""
        return _Place(self.folder, self.depth + 1, is_lost=self.is_lost or is_lost)


def keeps_out(words: Sequence[str], folder: str = "") -> bool:
    """Whether a command starts a Python that ignores the environment, or gets none of ours.

    Args:
        words: The program and its arguments.
        folder: Where it is started, if not here.
    """
    return _keeps_out(words, _Place(folder))


def shell_keeps_out(text: str, folder: str = "") -> bool:
    """The same for a text that a shell reads."""
    return _text_keeps_out(text, _Place(folder))


def _keeps_out(words: Sequence[str], place: _Place) -> bool:
    if not words or place.depth > _DEEPEST:
        return False
    name, rest = os.path.basename(words[0]), list(words[1:])
    if is_python(name):
        return place.is_lost or is_isolated(rest)
    if name in _SHELLS and _script_of(rest):
        return _text_keeps_out(_script_of(rest), place.within())
    reads = _READERS.get(name)
    if reads is not None:
        return reads(rest, place.within())
    interpreter = _first_line(words[0], place.folder)
    return bool(interpreter) and _keeps_out([*interpreter, words[0], *rest], place.within())


def _text_keeps_out(text: str, place: _Place) -> bool:
    if not any(one in text for one in _PYTHONS):
        return False
    import shlex  # noqa: PLC0415  (only where a shell is told to start a Python)

    for line in text.splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        try:
            words = list(lexer)
        except ValueError:  # a quotation over several lines, or none of a shell's
            return False
        for command in _commands(words):
            place.is_lost = place.is_lost or _takes_away(command)
            if _command_keeps_out(command, place):
                return True
    return False


def _command_keeps_out(words: list[str], place: _Place) -> bool:
    """The same for one simple command of a shell, with the assignments before it."""
    is_lost = False
    while words and (words[0] in _WORDS or _assigned(words[0])):
        is_lost = is_lost or _is_loss(words[0])
        words = words[1:]
    return _keeps_out(words, place.within(is_lost=is_lost))


def _wrapper_keeps_out(words: list[str], place: _Place) -> bool:
    """The same for a program that starts another: the first Python among its words."""
    for at, word in enumerate(words):
        if is_python(word):
            return _keeps_out(words[at:], place)
    return False


def _commands(words: list[str]) -> list[list[str]]:
    found: list[list[str]] = [[]]
    for word in words:
        if word and not word.strip(";&|()"):
            found.append([])
        else:
            found[-1].append(word)
    return [command for command in found if command]


def is_python(program: str) -> bool:
    """Whether a program is a Python, by its name."""
    return os.path.basename(program).startswith(_PYTHONS)


def is_isolated(options: list[str]) -> bool:
    """Whether Python's options have one of `-I`, `-E`, `-S`; what follows is the program's."""
    words = iter(options)
    for word in words:
        if word == "--check-hash-based-pycs":
            next(words, None)
        elif not word.startswith("-") or word == "-":
            return False
        if word.startswith("--"):
            continue
        for at, letter in enumerate(word[1:], 2):
            if letter in "IES":
                return True
            if letter in "cm":
                return False
            if letter in "WX":  # the rest is its value, or the next word
                if at == len(word):
                    next(words, None)
                break
    return False


def _script_of(options: list[str]) -> str:
    """Find the text that a shell is told with `-c`; empty where it is told none."""
    for at, word in enumerate(options):
        if not word.startswith(("-", "+")):
            return ""
        if not word.startswith("--") and "c" in word:
            return next((one for one in options[at + 1 :] if not one.startswith("-")), "")
    return ""


def _assigned(word: str) -> str:
    """Name the variable that a word assigns to; empty where it is no assignment."""
    name, equals, _ = word.partition("=")
    return name if equals and name.isidentifier() else ""


def _is_loss(word: str) -> bool:
    """Whether a word gives one of our variables a value that is not ours."""
    name = _assigned(word)
    return name in _NEEDED and "$" + name not in word.replace("{", "")


def _takes_away(words: list[str]) -> bool:
    """Whether a shell's command takes one of our variables from all that follow."""
    if words[0] == "unset":
        return any(word in _NEEDED for word in words)
    is_alone = words[0] == "export" or all(map(_assigned, words))
    return is_alone and any(map(_is_loss, words))


def _env_keeps_out(options: list[str], place: _Place) -> bool:
    is_lost = False
    words = iter(options)
    for word in words:
        if word in ("-", "-i", "--ignore-environment"):
            is_lost = True
        elif word in ("-u", "--unset"):
            is_lost = is_lost or next(words, "") in _NEEDED
        elif word.startswith(("-u", "--unset=")):
            is_lost = is_lost or word.endswith(_NEEDED)
        elif word in ("-C", "--chdir"):
            next(words, None)
        elif word.startswith(("-S", "--split-string=")):
            text = word.partition("=")[2] if word.startswith("--") else word[2:] or next(words, "")
            return _env_keeps_out([*text.split(), *words], place.within(is_lost=is_lost))
        elif _assigned(word):
            is_lost = is_lost or _is_loss(word)
        elif not word.startswith("-"):
            return _keeps_out([word, *words], place.within(is_lost=is_lost))
    return False


def _sudo_keeps_out(options: list[str], place: _Place) -> bool:
    is_lost = True
    words = iter(options)
    for word in words:
        if word in ("-E", "--preserve-env"):
            is_lost = False
        elif word in _SUDO_TAKES:
            next(words, None)
        elif not word.startswith("-") and not _assigned(word):
            return _keeps_out([word, *words], place.within(is_lost=is_lost))
    return False


_READERS: dict[str, Callable[[list[str], _Place], bool]] = {
    "env": _env_keeps_out,
    "sudo": _sudo_keeps_out,
    **dict.fromkeys(_WRAPPERS, _wrapper_keeps_out),
}
"""Programs that start another one, which their arguments name."""


def _first_line(program: str, folder: str) -> list[str]:
    """Read which interpreter a script asks for, as the system does: a program and one argument."""
    path = _found(program, folder)
    if not path:
        return []
    try:
        with open(path, "rb") as file:
            line = file.readline(_FIRST_LINE)
    except OSError:
        return []
    if not line.startswith(b"#!"):
        return []
    return os.fsdecode(line[2:]).strip().split(None, 1)


def _found(program: str, folder: str) -> str:
    """Find a program as the system does."""
    if "/" in program:
        return os.path.join(folder, program)
    for place in os.environ.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(place, program)
        if os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    return ""
