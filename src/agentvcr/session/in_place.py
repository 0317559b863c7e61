"""Put a finished file in its place, whole or not at all.

Owns the checks of a place before anything is written, and the file that is written beside it. What
is written is the caller's.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from agentvcr.cassette.holding import held
from agentvcr.errors import TargetExistsError, TargetUnwritableError
from agentvcr.inside.chance.stream import real as real_urandom

BEING_WRITTEN: Final = ".writing"
"""Ending of the hidden file that is written. Its name is like no other, so that two who write to
one place at once do not mix: the last one stays."""


def check_target(target: Path, *, force: bool) -> None:
    """Refuse a place that may not be written to, before anything is done for it.

    Raises:
        TargetExistsError: A file is there, and `force` was not given.
        TargetUnwritableError: What is there is no file, and is not to become one: a device, say.
    """
    if not os.path.lexists(target):
        return
    if target.is_dir():
        raise _unwritable(target, "it is a folder")
    if target.exists() and not target.is_file():
        raise _unwritable(target, "it is no regular file")
    if not force:
        raise TargetExistsError(
            f"{target} exists already",
            where=str(target),
            cure="choose another name with -o, or add --force to write over it",
        )


@contextlib.contextmanager
def in_place_of(target: Path, *, is_held: bool = False) -> Iterator[Path]:
    """Give a file beside `target` to write, which takes its place when the block ends well.

    Args:
        target: The place.
        is_held: The caller holds what is there (`held`), as long as the block lasts.

    Raises:
        TargetUnwritableError: In place of any `OSError`. What was there is as it was.
        CassetteBusyError: What is there is being recorded.
    """
    place = Path(os.path.realpath(target))  # a link goes on pointing to it
    beside = place.with_name(f".{place.name}.{real_urandom(4).hex()}{BEING_WRITTEN}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        yield beside
        is_free = is_held or not place.is_file()
        with contextlib.nullcontext() if is_free else held(place):
            beside.replace(place)
    except OSError as error:
        raise _unwritable(target, error.strerror or str(error)) from error
    finally:
        with contextlib.suppress(OSError):  # it is in its place, or was never begun
            beside.unlink()


def _unwritable(target: Path, reason: str) -> TargetUnwritableError:
    return TargetUnwritableError(
        f"cannot write {target}: {reason}",
        where=str(target.parent),
        cure="choose a place that you may write to, with -o",
    )
