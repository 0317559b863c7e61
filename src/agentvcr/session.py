"""Put the parts together: record a command, replay one, or do either in this very process.

Owns the wiring: the only module that knows every part. Has no rules of its own; each part's are
beside it.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from agentvcr import __version__
from agentvcr.boundary import Boundary
from agentvcr.cassette import format as fmt
from agentvcr.cassette.journal import Journal, discard
from agentvcr.channel.hub import Hub, child_environment
from agentvcr.channel.launch import Ended, Launch
from agentvcr.errors import (
    BadOptionError,
    CommandNotExecutableError,
    CommandNotFoundError,
    NoCommandError,
    SessionActiveError,
    UntrustedCassetteError,
)
from agentvcr.inside import interceptors, lanes, state
from agentvcr.inside.exchange import Request
from agentvcr.inside.imports import when_imported
from agentvcr.matching.canonical import RULES
from agentvcr.matching.fingerprint import Fingerprinter
from agentvcr.model import exchange as model
from agentvcr.model.exchange import Exchange
from agentvcr.model.run import Run
from agentvcr.model.summary import RecordSummary, ReplaySummary
from agentvcr.model.text import PYTHON, storable, storable_argv
from agentvcr.recording.local import LocalHandler
from agentvcr.recording.recorder import Recorder
from agentvcr.redaction.environment import credentials, kept_environment
from agentvcr.redaction.key import user_key
from agentvcr.redaction.redactor import Redactor
from agentvcr.replay.deliveries import Deliveries
from agentvcr.replay.ledger import Ledger
from agentvcr.replay.replayer import OnMiss, Replayer


def record_command(
    argv: Sequence[str], target: Path, *, force: bool = False, live: Sequence[str] = ()
) -> tuple[RecordSummary, Ended]:
    """Run a command and record it.

    Args:
        argv: The command and its arguments.
        target: The cassette to write.
        force: Write over an existing one.
        live: `HOST:PORT` of services that are not recorded.

    Raises:
        NoCommandError, TargetExistsError, TargetUnwritableError, CommandNotFoundError,
        CommandNotExecutableError: Nothing was run.
    """
    _check_command(argv)
    journal = Journal(target, force=force)
    boundary = Boundary(tuple(live))
    recorder = _recorder(journal, boundary, Fingerprinter(), argv)
    hub = Hub(recorder, boundary, None)
    try:
        ended = Launch(list(argv), child_environment(hub, replaying=False), str(Path.cwd())).run(
            hub
        )
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
    return _record_summary(recorder, hub, target, ended), ended


def _record_summary(recorder: Recorder, hub: Hub, target: Path, ended: Ended) -> RecordSummary:
    return RecordSummary(
        path=str(target),
        exchanges=recorder.exchanges,
        processes=recorder.processes,
        credentials=recorder.redactor.count,
        unrecorded=(*hub.unrecorded, *(f"not entered: {one}" for one in hub.unentered)),
        broken=_broken(recorder),
        exit_status=ended.shell_status,
    )


def replay_command(  # noqa: PLR0913  (the options of the command line)
    path: Path,
    argv: Sequence[str] | None = None,
    *,
    target: Path | None = None,
    on_miss: OnMiss = "fail",
    pace: float = 0.0,
    live: Sequence[str] = (),
    force: bool = False,
    trust: bool = False,
    announce: Callable[[Sequence[str]], None] | None = None,
) -> ReplaySummary:
    """Run a cassette's command again, answered from the cassette, and compare.

    Args:
        path: The cassette.
        argv: Another command to run in place of the recorded one.
        target: Where to keep this replay; by default beside the cassette, as `.last.avcr`.
        on_miss: What to do about a request that no recorded exchange answers.
        pace: 0 to answer at once, 1 at the recorded pace.
        live: `HOST:PORT` of services that stay live.
        force: Write over an existing `target`.
        trust: Run the recorded command also of a cassette from elsewhere.
        announce: Called with the command before it runs.

    Raises:
        AgentVCRError: The cassette cannot be read, or nothing could be run.
    """
    from agentvcr.cassette.reader import last_of, load_run  # noqa: PLC0415  (recording reads none)
    from agentvcr.diff.rundiff import diff  # noqa: PLC0415  (nor compares)

    recorded = load_run(path)
    command = list(argv) if argv else _recorded_command(recorded, path, trust=trust)
    _check_command(command)
    place = target or last_of(path)
    if place.resolve() == path.resolve():
        raise BadOptionError(
            "a replay cannot be kept in the cassette that it replays",
            where=str(place),
            cure="choose another name with -o",
        )
    replay = _Replay(recorded, on_miss=on_miss, pace=pace, live=live)
    cwd = _folder_of(recorded) if not argv else Path.cwd()
    journal = Journal(place, force=force or target is None)
    if announce is not None:
        announce(command)
    recorder = _recorder(journal, replay.boundary, replay.fingerprinter, command, replay.replayer)
    ended = replay.run(recorder, command, str(cwd))
    recorder.close(ended.exit_status, ended.signal)
    outcome = diff(recorded, load_run(place))
    ledger = replay.ledger
    return ReplaySummary(
        path=str(path),
        replayed_as=str(place),
        command=tuple(command),
        exchanges=recorder.exchanges,
        divergence=ledger.fatal.message if ledger.fatal else None,
        accepted=tuple(one.message for one in ledger.divergences if not one.fatal),
        unused=tuple(_named(one) for one in replay.replayer.unused),
        not_replayed=replay.not_replayed(),
        isolated=ended.isolated,
        broken=_broken(recorder),
        exit_status=4 if ledger.fatal else 0 if outcome.same else 1,
        diff=outcome,
    )


class _Replay:
    """The parts of one replay."""

    def __init__(self, recorded: Run, *, on_miss: OnMiss, pace: float, live: Sequence[str]) -> None:
        self.recorded = recorded
        self.boundary = Boundary(tuple(live))
        self.ledger = Ledger()
        known = {one.raw_hash: one.canonical_hash for one in recorded.exchanges if one.raw_hash}
        same_rules = recorded.info.rules == RULES
        self.fingerprinter = Fingerprinter(known if same_rules else None)
        self.replayer = Replayer(
            recorded.exchanges,
            boundary=self.boundary,
            ledger=self.ledger,
            explain=_explain,
            on_miss=on_miss,
            pace=pace,
            is_open_ended=recorded.outcome is None,
        )
        self._live = live
        self._reached: tuple[str, ...] = ()

    def run(self, recorder: Recorder, command: list[str], cwd: str) -> Ended:
        """Run the command against the recording, with the recorded standard input."""
        hub = Hub(recorder, self.boundary, self.ledger)
        import tempfile  # noqa: PLC0415  (a recording makes no file)

        heard = [one.data for one in self.recorded.outputs if one.stream == "stdin"]
        try:
            with tempfile.TemporaryFile() as stdin:
                stdin.write(b"".join(heard))
                stdin.seek(0)
                given = stdin.fileno() if heard else None
                env = child_environment(hub, replaying=True, stdin=given)
                return Launch(command, env, cwd).run(
                    hub,
                    ledger=self.ledger,
                    isolate=not self.boundary.has_live,
                    stdin=given,
                    coming=Deliveries(self.recorded, lambda: recorder.exchanges),
                )
        finally:
            self._reached = (*hub.unrecorded, *(f"not entered: {one}" for one in hub.unentered))
            hub.close()

    def not_replayed(self) -> tuple[str, ...]:
        """Say what was left to the real world, or refused."""
        refused = self.ledger.telemetry
        telemetry = [f"telemetry refused {refused} times"] if refused else []
        return (*(f"live: {one}" for one in self._live), *telemetry, *self._reached)


def _explain(live: Request, closest: Exchange | None) -> str:
    from agentvcr.diff.explanation import explain_miss  # noqa: PLC0415  (only a miss needs it)

    asked = model.Request(
        method=live.method, url=live.url, headers=tuple(live.headers), body=live.body
    )
    return explain_miss(asked, live.lane, closest)


def _named(exchange: Exchange) -> str:
    from agentvcr.diff.explanation import name_exchange  # noqa: PLC0415  (as above)

    return name_exchange(exchange)


def _recorder(
    journal: Journal,
    boundary: Boundary,
    fingerprinter: Fingerprinter,
    argv: Sequence[str],
    inner: Replayer | None = None,
) -> Recorder:
    key = user_key()
    redactor = Redactor(key)
    for secret in credentials():
        redactor.learn(secret)
    recorder = Recorder(
        journal, redactor, boundary=boundary, fingerprinter=fingerprinter, inner=inner
    )
    recorder.add(
        fmt.RunBegin(
            run_id=os.urandom(8).hex(),
            started_at_ns=time.time_ns(),
            argv=recorder.redactor.argv(storable_argv(argv)),
            cwd=storable(os.path.relpath(Path.cwd(), _project_root())),
            agentvcr=__version__,
            platform=_platform(),
            rules=RULES,
            environment=kept_environment(key),
        )
    )
    recorder.flush()
    return recorder


def _platform() -> str:
    if not hasattr(os, "uname"):
        return sys.platform
    system = os.uname()  # `platform` would cost each start 2 ms
    return f"{system.sysname} {system.machine}"


def _recorded_command(run: Run, path: Path, *, trust: bool) -> list[str]:
    if not run.info.argv:
        raise NoCommandError(
            f"{path} was not recorded from a command",
            where=str(path),
            cure="name the command to replay: agentvcr replay FILE -- CMD",
        )
    if not trust and not path.resolve().is_relative_to(Path.cwd().resolve()):
        raise UntrustedCassetteError(
            f"{path} lies outside this folder, and would run: {' '.join(run.info.argv)}",
            where=str(path),
            cure="name the command yourself (-- CMD), or add --trust",
        )
    return [sys.executable if word == PYTHON else word for word in run.info.argv]


def _folder_of(recorded: Run) -> Path:
    folder = _project_root() / recorded.info.cwd
    if not folder.is_dir():
        raise BadOptionError(
            f"the recorded command ran in {recorded.info.cwd}, which is not there",
            where=str(folder),
            cure="replay in the project that it was recorded in, or name the command: -- CMD",
        )
    return folder


def _check_command(argv: Sequence[str]) -> None:
    """Look for the command before anything is created."""
    if not argv:
        raise NoCommandError(
            "there is no command to run",
            where="the end of the command line",
            cure="agentvcr record -- python my_agents.py",
        )
    if shutil.which(argv[0]) is not None:
        return
    found = Path(argv[0]).exists() and os.sep in argv[0]
    if found:
        raise CommandNotExecutableError(
            f"{argv[0]}: permission denied",
            where=str(Path.cwd()),
            cure="check that it is a program that you may execute",
        )
    raise CommandNotFoundError(
        f"{argv[0]}: command not found",
        where=str(Path.cwd()),
        cure="check the command's name and PATH",
    )


def _project_root() -> Path:
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / ".git").exists() or (folder / "pyproject.toml").exists():
            return folder
    return here


def _broken(recorder: Recorder) -> str | None:
    error = recorder.broken
    if error is None:
        count = len(recorder.losses)
        return f"{count} exchanges passed unrecorded: {recorder.losses[0]}" if count else None
    return str(getattr(error, "strerror", None) or f"{type(error).__name__}: {error}")


def _check_idle() -> None:
    """Refuse a second session before it opens a file."""
    if state.handler is not None:
        raise SessionActiveError(
            "a session is active in this process already",
            where=type(state.handler).__name__,
            cure="end it before you start another",
        )


@contextmanager
def in_process(recorder: Recorder) -> Iterator[Recorder]:
    """Let the interceptors of this process ask `recorder`, until the block ends.

    Raises:
        SessionActiveError: Something records or replays in this process already.
    """
    _check_idle()
    token = lanes.start("main")
    for name, hook in lanes.HOOKS.items():
        when_imported(name, hook)
    interceptors.install()
    state.activate(LocalHandler(recorder))
    try:
        yield recorder
    finally:
        state.activate(None)
        interceptors.uninstall()
        lanes.uninstall()
        lanes.leave(token)


@contextmanager
def record_here(target: Path, *, force: bool = False) -> Iterator[Recorder]:
    """Record what this process does inside the block."""
    _check_idle()
    boundary = Boundary()
    recorder = _recorder(Journal(target, force=force), boundary, Fingerprinter(), ())
    try:
        with in_process(recorder):
            yield recorder
    finally:
        recorder.close(0, None)


@contextmanager
def replay_here(path: Path, *, target: Path | None = None, pace: float = 0.0) -> Iterator[Ledger]:
    """Answer what this process asks inside the block from a cassette."""
    from agentvcr.cassette.reader import last_of, load_run  # noqa: PLC0415  (recording reads none)

    _check_idle()
    replay = _Replay(load_run(path), on_miss="fail", pace=pace, live=())
    journal = Journal(target or last_of(path), force=target is None)
    recorder = _recorder(journal, replay.boundary, replay.fingerprinter, (), replay.replayer)
    try:
        with in_process(recorder):
            yield replay.ledger
    finally:
        recorder.close(0, None)
