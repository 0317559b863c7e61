"""Record a command: the journal, the engine, the command, and the sealed file at the end.

Owns how a recorder is made, also for the other sessions. Has no rules of its own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from agentvcr import __version__
from agentvcr.boundary import Boundary, own_collectors
from agentvcr.cassette import format as fmt
from agentvcr.cassette.journal import Journal, discard
from agentvcr.channel.environment import child_environment
from agentvcr.channel.hub import Hub
from agentvcr.channel.launch import Ended, Launch
from agentvcr.errors import CommandNotExecutableError, CommandNotFoundError
from agentvcr.inside.travel import wall_ns
from agentvcr.matching.fingerprint import Fingerprinter
from agentvcr.matching.rules import BUILT_IN
from agentvcr.model.chance import KIND, Chance
from agentvcr.model.rules import KIND as RULES_KIND
from agentvcr.model.summary import NotRecorded, RecordSummary
from agentvcr.model.text import storable, storable_argv
from agentvcr.recording.provenance import Provenance
from agentvcr.recording.recorder import Recorder
from agentvcr.recording.tally import missing
from agentvcr.redaction.digest import Digest
from agentvcr.redaction.environment import credentials, kept_environment
from agentvcr.redaction.key import user_key
from agentvcr.redaction.redactor import Redactor
from agentvcr.replaying.replayer import Replayer
from agentvcr.session.chance import chance_for
from agentvcr.session.command import check_command, project_root
from agentvcr.session.declared import project_fingerprinter, stored
from agentvcr.session.sealing import seal_recording

if TYPE_CHECKING:
    from agentvcr.cassette.pack import Progress


def record_command(  # noqa: PLR0913  (the options of the command line)
    argv: Sequence[str],
    target: Path,
    *,
    force: bool = False,
    live: Sequence[str] = (),
    progress: Progress | None = None,
    is_witnessed: bool = False,
) -> tuple[RecordSummary, Ended]:
    """Run a command and record it.

    Args:
        argv: The command and its arguments.
        target: The cassette to write.
        force: Write over an existing one.
        live: `HOST:PORT` of services that are not recorded.
        progress: Told how far the sealing at the end is.
        is_witnessed: The program tells which of its lines read the clock, chance and variables.

    Raises:
        NoCommandError, TargetExistsError, TargetUnwritableError, CommandNotFoundError,
        CommandNotExecutableError, BadOptionError: Nothing was run.
    """
    check_command(argv)
    fingerprinter = project_fingerprinter()
    boundary = Boundary(tuple(live), own_collectors(os.environ))
    journal = Journal(target, force=force)
    chance = chance_for(os.environ)
    recorder = new_recorder(journal, boundary, fingerprinter, argv, chance=chance)
    hub = Hub(recorder, boundary, None)
    environment = child_environment(hub, project_root(), replaying=False, chance=chance)
    if is_witnessed:
        environment["AGENTVCR_WITNESS"] = "1"
    try:
        ended = Launch(list(argv), environment, str(Path.cwd())).run(hub)
    except (CommandNotFoundError, CommandNotExecutableError):
        hub.close()
        recorder.close(None, None)
        discard(target)  # nothing ran: leave nothing behind
        raise
    except BaseException:
        hub.close()
        recorder.close(None, None)  # what was recorded until then is whole
        raise
    hub.close()
    recorder.close(ended.exit_status, ended.signal)
    unsealed = None if recorder.broken else seal_recording(target, progress)
    return (
        summed_up(recorder, target, ended.shell_status, unsealed, processes=recorder.processes),
        ended,
    )


def summed_up(
    recorder: Recorder, target: Path, exit_status: int, unsealed: str | None, *, processes: int
) -> RecordSummary:
    """Sum a recording up that is over."""
    tally = recorder.tally
    return RecordSummary(
        path=str(target),
        exchanges=recorder.exchanges,
        processes=processes,
        bytes_sent=tally.sent,
        bytes_received=tally.received,
        by_host=tally.by_host(),
        by_client=tally.by_client(),
        by_process=tally.by_process(),
        credentials=recorder.redactor.count,
        unrecorded=tuple(tally.unrecorded()),
        not_recorded=(*_unseen(recorder, processes), *tally.not_recorded()),
        broken=why_broken(recorder),
        unsealed=unsealed,
        exit_status=exit_status,
    )


def _unseen(recorder: Recorder, processes: int) -> Iterator[NotRecorded]:
    if recorder.broken is not None:
        yield missing("broken", why_broken(recorder) or "")
    if not processes and not recorder.exchanges:
        yield missing("silent", "CMD")


def new_redactor(key: bytes, environment: Mapping[str, str] | None = None) -> Redactor:
    """Make what takes credentials out, which knows those of an environment, this one's if none."""
    redactor = Redactor(key)
    for secret in credentials(os.environ if environment is None else environment):
        redactor.learn(secret)
    return redactor


def new_recorder(  # noqa: PLR0913  (the parts of a session)
    journal: Journal,
    boundary: Boundary,
    fingerprinter: Fingerprinter,
    argv: Sequence[str],
    inner: Replayer | None = None,
    recorded_files: Iterable[str] = (),
    *,
    chance: Chance | None,
) -> Recorder:
    """Make a recorder into `journal`, with the beginning of the run in it.

    A replay of `recorded_files` looks at them too where its program does not come to them.
    """
    key = user_key()
    environment = dict(os.environ)
    redactor = new_redactor(key, environment)
    provenance = Provenance(
        project_root(),
        Digest(key),
        lambda name: redactor.output(name.encode()).decode(),
        recorded_files,
    )
    recorder = Recorder(
        journal,
        redactor,
        boundary=boundary,
        fingerprinter=fingerprinter,
        inner=inner,
        provenance=provenance,
    )
    journal.begin_with(_beginning(redactor.argv(storable_argv(argv)), environment, key))
    if chance is not None:
        recorder.world(KIND, 0, "", chance.encode())
    if declared := stored(fingerprinter):
        recorder.world(RULES_KIND, 0, "", declared)
    recorder.flush()
    return recorder


def _beginning(
    argv: tuple[str, ...], environment: Mapping[str, str], key: bytes
) -> Callable[[], fmt.RunBegin]:
    """Look at what is so now, and give what makes a record of it."""
    run_id, now_ns, here = os.urandom(8).hex(), wall_ns(), os.getcwd()  # noqa: PTH109  (fast)
    root = project_root()

    def make() -> fmt.RunBegin:
        return fmt.RunBegin(
            run_id=run_id,
            started_at_ns=now_ns,
            argv=argv,
            cwd=storable(os.path.relpath(here, root)),
            agentvcr=__version__,
            platform=_platform(),
            rules=BUILT_IN,
            environment=kept_environment(environment, key),
        )

    return make


def _platform() -> str:
    if not hasattr(os, "uname"):
        return sys.platform
    system = os.uname()  # `platform` would cost each start 2 ms
    return f"{system.sysname} {system.machine}"


def why_broken(recorder: Recorder) -> str | None:
    """Say why a recording is not whole; None where it is."""
    error = recorder.broken
    if error is None:
        count = len(recorder.losses)
        noun = "exchange" if count == 1 else "exchanges"
        return f"{count} {noun} passed unrecorded: {recorder.losses[0]}" if count else None
    return str(getattr(error, "strerror", None) or f"{type(error).__name__}: {error}")
