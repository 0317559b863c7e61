"""Record under a mode: anew, from the cassette that is there, or both into one.

Owns what becomes of that cassette: it is whole at each moment, and replaced at the end in one step.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from agentvcr.cassette.holding import held
from agentvcr.cassette.journal import Journal, discard
from agentvcr.cassette.reader import EXTENSION, last_of, load_run
from agentvcr.errors import CommandNotExecutableError, CommandNotFoundError
from agentvcr.recording.modes import RecordMode, plan
from agentvcr.session.command import check_command
from agentvcr.session.recording import record_command
from agentvcr.session.replaying import Replay, kept_as, replayed
from agentvcr.session.sealing import seal_recording

if TYPE_CHECKING:
    from agentvcr.cassette.pack import Progress
    from agentvcr.channel.launch import Ended
    from agentvcr.model.summary import RecordSummary, ReplaySummary

PART = f".part{EXTENSION}"
"""Ending of a recording that goes on from a cassette, until it takes its place."""


def record_in_mode(  # noqa: PLR0913  (the options of the command line)
    argv: Sequence[str],
    target: Path,
    *,
    mode: RecordMode,
    force: bool = False,
    live: Sequence[str] = (),
    progress: Progress | None = None,
) -> tuple[RecordSummary | ReplaySummary, Ended]:
    """Run a command, and record it as far as the mode says so.

    Args:
        argv: The command and its arguments.
        target: The cassette.
        mode: What to do about one that is there.
        force: In the mode `all`, write over it.
        live: `HOST:PORT` of services that stay live and are not recorded.
        progress: Told how far the sealing at the end is.

    Raises:
        AgentVCRError: The cassette cannot be read or written, or nothing could be run.
    """
    todo = plan(mode, exists=target.exists())
    if todo == "record":
        return record_command(argv, target, force=force, live=live, progress=progress)
    check_command(argv)
    recorded = load_run(target)
    command, cwd = list(argv), str(Path.cwd())
    if todo == "replay":
        replay = Replay(recorded, on_miss="fail", pace=0.0, live=live, advice=_ADVICE)
        with kept_as(last_of(target), is_new=False) as journal:
            return replayed(replay, journal, command, cwd, path=target, kept=last_of(target))
    replay = Replay(recorded, on_miss="live", pace=0.0, live=live)
    with held(target), part_of(target) as journal:
        summary, ended = replayed(
            replay, journal, command, cwd, path=target, kept=target, keeps_unused=True
        )
    if summary.broken is None:
        take_the_place(journal.path, target)
    return summary, ended


_ADVICE = "agentvcr replay --on-miss nearest"


@contextmanager
def part_of(place: Path) -> Iterator[Journal]:
    """Open the journal of a run that is to take the place of the cassette it is answered from.

    Until it does, both are there: what was recorded anew is not lost with the recorder.
    """
    part = place.with_name(f"{place.name.removesuffix(EXTENSION)}.{os.getpid()}{PART}")
    journal = Journal(part)
    try:
        yield journal
    except (CommandNotFoundError, CommandNotExecutableError):
        discard(part)  # nothing ran
        raise


def take_the_place(part: Path, place: Path) -> None:
    """Put a finished recording in the place of the one that it goes on from."""
    seal_recording(part)
    part.replace(place)
