"""What a run was made of that another was not: sources, files, packages, the environment.

Owns what of that counts as changed, and in which order it is told. Looks at no file.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from agentvcr.model.results import Surrounding
from agentvcr.redaction.digest import is_known_to_differ

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agentvcr.model.results import SurroundingKind, SurroundingStatus
    from agentvcr.model.run import Run

_HASHED: Final = "hmac:"
_WEIGHTS: Final = ("changed", "removed", "added")
_FLEETING: Final = re.compile(
    r"AGENTVCR_.*|PWD|OLDPWD|SHLVL|_|PYTEST_.*|TERM.*|COLORTERM|COLUMNS|LINES|WINDOWID|PS1"
    r"|LS_COLORS|SSH_.*|XDG_SESSION_.*|XDG_RUNTIME_DIR|DBUS_.*|INVOCATION_ID|JOURNAL_STREAM"
    r"|GITHUB_(?!TOKEN).*|RUNNER_.*|VSCODE_.*|TMUX.*|STY|HISTFILE|MAKE(FLAGS|LEVEL)|MFLAGS|VIRTUAL_ENV_PROMPT"
)
"""Variables that are another in each terminal, session or build, and steer no pipeline."""


def recorded_files(run: Run) -> tuple[str, ...]:
    """Name the sources and files that a run was made of."""
    return tuple(_contents(run))


def changed_surroundings(a: Run, b: Run) -> tuple[Surrounding, ...]:
    """Say what of the surroundings of `a` is otherwise in `b`: files first, variables last.

    Of either what changed comes first, then what is gone, then what is new.
    """
    return (
        *_by_weight(_files(a, b)),
        *_packages(a, b),
        *_pythons(a, b),
        *_command(a, b),
        *_by_weight(_environment(a, b)),
    )


def _by_weight(found: Iterable[Surrounding]) -> list[Surrounding]:
    return sorted(found, key=lambda one: _WEIGHTS.index(one.status))


def _table(run: Run, *kinds: str) -> dict[str, str]:
    """Join the tables of some kinds of parts; one that is none is passed over."""
    found: dict[str, str] = {}
    for part in run.world:
        if part.kind in kinds:
            try:
                table = msgspec.json.decode(part.data, type=dict[str, str])
            except msgspec.MsgspecError:
                continue
            found = {**table, **found}  # what was read first counts
    return found


def _contents(run: Run) -> dict[str, str]:
    return {name: content for name, content in _table(run, "sources", "files").items() if content}


def _files(a: Run, b: Run) -> Iterator[Surrounding]:
    before, after = _contents(a), _contents(b)
    if not before or not after:  # one of them did not tell
        return
    sources = _table(a, "sources").keys() | _table(b, "sources").keys()
    beside = _table(b, "unread")
    # A replay that was stopped has not come to all that it reads; what is not there is told.
    is_whole = not any(note.kind == "divergence" for note in b.notes)
    names = sorted(before.keys() | after.keys(), key=lambda name: (name not in sources, name))
    for name in names:
        kind: SurroundingKind = "source" if name in sources else "file"
        now = after.get(name, beside.get(name))
        if name not in before:
            yield Surrounding(kind=kind, name=name, status="added")
        elif now == "" or (now is None and is_whole):
            yield Surrounding(kind=kind, name=name, status="removed")
        elif now is not None and is_known_to_differ(before[name], now):
            yield Surrounding(kind=kind, name=name, status="changed")


def _packages(a: Run, b: Run) -> Iterator[Surrounding]:
    """Compare versions. A replay imports less, since nothing connects: that is no change."""
    before, after = _table(a, "packages"), _table(b, "packages")
    for name in sorted(before.keys() & after.keys()):
        yield from _values("package", name, before[name], after[name])
    yield from _values("package", "agentvcr", a.info.agentvcr, b.info.agentvcr)


def _pythons(a: Run, b: Run) -> Iterator[Surrounding]:
    """Compare the interpreters of processes that stand for each other; each pair is told once."""
    before = {process.lane: process.python for process in a.processes}
    pairs = {
        (before[process.lane], process.python): None
        for process in b.processes
        if process.lane in before
    }
    for old, new in pairs:
        yield from _values("python", "Python", old, new)
    yield from _values("platform", "platform", a.info.platform, b.info.platform)


def _environment(a: Run, b: Run) -> Iterator[Surrounding]:
    before, after = a.info.environment, b.info.environment
    same_key = bool(_key(a)) and _key(a) == _key(b)
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old == new or _FLEETING.fullmatch(name):
            continue
        is_hashed = any(value is not None and value.startswith(_HASHED) for value in (old, new))
        if not is_hashed:
            yield from _values("environment", name, old, new)
        elif same_key:  # another user's variables are others, and so are their hashes
            yield Surrounding(kind="environment", name=name, status=_status(old, new))


def _key(run: Run) -> bytes:
    return next((part.data for part in run.world if part.kind == "key"), b"")


def _command(a: Run, b: Run) -> Iterator[Surrounding]:
    before, after = a.info.argv, b.info.argv
    if before and after:  # else recorded inside its process, or imported
        yield from _values("argv", "command", " ".join(before), " ".join(after))


def _values(
    kind: SurroundingKind, name: str, before: str | None, after: str | None
) -> Iterator[Surrounding]:
    if before != after:
        status = _status(before, after)
        yield Surrounding(kind=kind, name=name, status=status, before=before, after=after)


def _status(before: str | None, after: str | None) -> SurroundingStatus:
    return "added" if before is None else "removed" if after is None else "changed"
