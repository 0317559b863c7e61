"""Replay a cassette: its command or another, answered from it, and compared with it.

Owns how the parts of a replay are put together. Has no rules of its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec

from agentvcr.boundary import Boundary, own_collectors
from agentvcr.cassette.journal import Journal
from agentvcr.cassette.reader import last_of, load_run
from agentvcr.channel.environment import child_environment
from agentvcr.channel.hub import Hub
from agentvcr.channel.launch import Ended, Launch
from agentvcr.diff.rundiff import diff
from agentvcr.diff.surroundings import recorded_files
from agentvcr.errors import BadOptionError
from agentvcr.inside.clock import KIND as CLOCK
from agentvcr.inside.exchange import Request
from agentvcr.matching.fingerprint import Fingerprinter
from agentvcr.matching.rules import RuleBook, declared_in
from agentvcr.model.address import address_of
from agentvcr.model.chance import Chance
from agentvcr.model.exchange import Exchange
from agentvcr.model.run import Run
from agentvcr.model.summary import ReplaySummary
from agentvcr.model.text import storable
from agentvcr.recording.recorder import Recorder
from agentvcr.replaying.added import as_recorded
from agentvcr.replaying.collectors import Collectors
from agentvcr.replaying.deliveries import Deliveries, Progress, signals_of
from agentvcr.replaying.fork import Fork
from agentvcr.replaying.interrupted import Interrupted
from agentvcr.replaying.ledger import Ledger
from agentvcr.replaying.replayer import OnMiss, Replayer
from agentvcr.replaying.worlds import Worlds
from agentvcr.session.command import (
    check_command,
    folder_far_from,
    folder_of,
    project_root,
    recorded_command,
)
from agentvcr.session.declared import lacking
from agentvcr.session.keying import fingerprinter_of, keyed
from agentvcr.session.recording import new_recorder, why_broken
from agentvcr.session.sealing import seal_recording
from agentvcr.steps.path import ROOT_LANE
from agentvcr.steps.trace import trace

Order = Literal["recorded", "free", "own"]
"""In which order callers go on: as recorded; each as soon as it can; as in a new recording."""
Clock = Literal["virtual", "real"]
"""What time a replayed program reads: what its recording read, or this machine's."""


def replay_command(  # noqa: PLR0913  (the options of the command line)
    path: Path,
    argv: Sequence[str] | None = None,
    *,
    target: Path | None = None,
    on_miss: OnMiss = "fail",
    pace: float = 0.0,
    order: Order = "recorded",
    clock: Clock = "virtual",
    live: Sequence[str] = (),
    force: bool = False,
    trust: bool = False,
    traced: bool = False,
    announce: Callable[[Sequence[str], str], None] | None = None,
) -> ReplaySummary:
    """Run a cassette's command again, answered from the cassette, and compare.

    Args:
        path: The cassette.
        argv: Another command to run in place of the recorded one.
        target: Where to keep this replay; by default beside the cassette, as `.last.avcr`.
        on_miss: What to do about a request that no recorded exchange answers.
        pace: 0 to answer at once, 1 at the recorded pace.
        order: `free` lets each caller go on as soon as it can, whoever was first in the recording.
        clock: `real` lets the program read this machine's clock, and its waits take their time.
        live: `HOST:PORT` of services that stay live.
        force: Write over an existing `target`.
        trust: Run the recorded command also of a cassette from elsewhere.
        traced: Give the trace, by which replays are compared with each other.
        announce: Called with the command before it runs, and with its folder where the cassette
            lies outside this project.

    Raises:
        AgentVCRError: The cassette cannot be read, or nothing could be run.
    """
    recorded = load_run(path)
    command, cwd = command_of(recorded, path, argv, trust=trust)
    place = target or last_of(path)
    check_apart(place, path)
    replay = Replay(recorded, on_miss=on_miss, pace=pace, order=order, clock=clock, live=live)
    with kept_as(place, is_new=target is not None, force=force) as journal:
        if announce is not None:
            announce(command, folder_far_from(path, cwd))
        summary, _ = replayed(replay, journal, command, cwd, path=path, kept=place, traced=traced)
    if target is not None and summary.broken is None:
        seal_recording(target)  # one that is written over each time is not worth it
    return summary


def replayed(  # noqa: PLR0913  (what a replay joins)
    replay: Replay,
    journal: Journal,
    command: list[str],
    cwd: str,
    *,
    path: Path,
    kept: Path,
    keeps_unused: bool = False,
    traced: bool = False,
) -> tuple[ReplaySummary, Ended]:
    """Run a command against a recording into a journal, and compare.

    Args:
        replay: The recording, and what to do about what is not in it.
        journal: Takes the replay's own recording.
        command: What to run.
        cwd: Where.
        path: The cassette that it is answered from.
        kept: The name under which the journal will be found.
        keeps_unused: What the command did not ask for is kept in the journal too.
        traced: Give the trace, by which replays are compared with each other.
    """
    recorder = replay.recorder(journal, command)
    ended = replay.run(recorder, command, cwd)
    own = recorder.exchanges - recorder.refused
    if keeps_unused:
        replay.keep_unused(recorder)
    recorder.close(ended.exit_status, ended.signal)
    again = msgspec.structs.replace(load_run(journal.path), path=storable(str(kept)))
    outcome = diff(replay.recorded, again)
    ledger = replay.ledger
    summary = ReplaySummary(
        path=str(path),
        replayed_as=str(kept),
        command=tuple(command),
        exchanges=own,
        divergence=ledger.fatal.message if ledger.fatal else None,
        accepted=ledger.told("nearest"),
        added=ledger.told("added"),
        asked_live=ledger.told("live"),
        other_order=ledger.told("order"),
        signals=replay.signals(),
        changed=(),
        unused=() if keeps_unused else replay.unused(),
        not_replayed=replay.not_replayed(),
        isolated=ended.isolated,
        broken=why_broken(recorder),
        exit_status=4 if ledger.fatal else 0 if outcome.same else 1,
        diff=outcome,
        trace=trace(again) if traced else None,
    )
    return summary, ended


def command_of(
    recorded: Run, path: Path, argv: Sequence[str] | None, *, trust: bool
) -> tuple[list[str], str]:
    """Give what a replay runs, and in which folder: `argv`, or the recorded command in its own.

    Raises:
        AgentVCRError: There is no command, or it is not to be run without being asked for.
    """
    command = list(argv) if argv else recorded_command(recorded, path, trust=trust)
    check_command(command)
    return command, str(folder_of(recorded) if not argv else Path.cwd())


def check_apart(
    place: Path,
    path: Path,
    *,
    what: str = "a replay cannot be kept in the cassette that it replays",
    cure: str = "choose another name with -o",
) -> None:
    """Refuse to keep a replay, or a fork, in the cassette that answers it.

    Raises:
        BadOptionError: It is the same file.
    """
    if place.resolve() == path.resolve():
        raise BadOptionError(what, where=str(place), cure=cure)


@contextmanager
def kept_as(place: Path, *, is_new: bool, force: bool = False) -> Iterator[Journal]:
    """Open the journal of a replay.

    One that is not new takes the place of the replay before it at its end, so that two replays of
    one cassette at a time do not meet in one file.
    """
    own = place if is_new else place.with_name(f"{place.name}.{os.getpid()}")
    journal = Journal(own, force=force or not is_new)
    try:
        yield journal
    finally:
        if not is_new:
            own.replace(place)


class Replay:
    """The parts of one replay."""

    def __init__(  # noqa: PLR0913  (the options of a replay)
        self,
        recorded: Run,
        *,
        on_miss: OnMiss,
        pace: float,
        live: Sequence[str],
        advice: str = "--on-miss nearest",
        order: Order = "recorded",
        clock: Clock = "virtual",
        goes_on: bool = False,
        fork: Fork | None = None,
    ) -> None:
        """Make a replayer of what was recorded.

        Args:
            recorded: That run.
            on_miss: What to do about a request that no recorded exchange answers.
            pace: 0 to answer at once, 1 at the recorded pace.
            live: `HOST:PORT` of services that stay live.
            advice: Says how to go on after a miss.
            order: In which order concurrent callers go on.
            clock: What time the program reads; the real one wherever it waits as long as it did.
            goes_on: No divergence ends the replay.
            fork: What is changed of one exchange.

        Raises:
            CassetteVersionError: Its rules of matching are not known.
        """
        by_rules = fingerprinter_of(recorded)
        self.recorded = recorded = keyed(recorded, by_rules)
        self.chance = Chance.of(recorded)
        collectors = own_collectors(os.environ)
        self.boundary = Boundary(tuple(live), collectors, asks_live=on_miss == "live")
        self.ledger = Ledger(goes_on=goes_on)
        keys = recorded.exchanges.list_keys()
        known = {one.raw_hash: one.fingerprint for one in keys if one.raw_hash}
        self.fingerprinter = Fingerprinter(by_rules.rules, known)
        self.replayer = Replayer(
            recorded.exchanges,
            boundary=self.boundary,
            ledger=self.ledger,
            explain=partial(_explain, rules=self.fingerprinter.book, recorded=recorded),
            on_miss=on_miss,
            pace=pace,
            is_open_ended=recorded.outcome is None,
            collectors=Collectors(recorded.notes),
            any_lane=goes_on,
            fork=fork,
            interrupted=Interrupted(recorded) if on_miss == "live" else None,
            advice=advice,
        )
        self._live = live
        self._order = order
        was_kept = any(part.kind in (CLOCK, "order") for part in recorded.world)
        is_virtual = was_kept and not pace and order != "free"
        self.clock: Clock = clock if is_virtual else "real"
        self._reached: tuple[str, ...] = ()

    def recorder(self, journal: Journal, command: Sequence[str]) -> Recorder:
        """Make what records this replay."""
        return new_recorder(
            journal,
            self.boundary,
            self.fingerprinter,
            command,
            self.replayer,
            recorded_files(self.recorded),
            chance=self.chance,
        )

    def run(self, recorder: Recorder, command: list[str], cwd: str) -> Ended:
        """Run the command against the recording, with the recorded standard input."""
        hub = Hub(
            recorder,
            self.boundary,
            self.ledger,
            gateway_port=gateway_port(self.recorded),
            worlds=self.worlds(recorder),
        )
        import tempfile  # noqa: PLC0415  (a recording makes no file)

        heard = [one.data for one in self.recorded.outputs if one.stream == "stdin"]
        try:
            with tempfile.TemporaryFile() as stdin:
                stdin.write(b"".join(heard))
                stdin.seek(0)
                given = stdin.fileno() if heard else None
                env = child_environment(
                    hub,
                    project_root(),
                    replaying=True,
                    stdin=given,
                    clock=self.clock,
                    chance=self.chance,
                )
                if self._order == "own":
                    env["AGENTVCR_ORDER"] = "own"
                return Launch(command, env, cwd).run(
                    hub,
                    ledger=self.ledger,
                    isolate=not self.boundary.has_live,
                    stdin=given,
                    coming=self.deliveries(
                        lambda: Progress(recorder.served, recorder.taken, recorder.printed)
                    ),
                )
        finally:
            hub.close()
            self._reached = tuple(recorder.tally.unrecorded())

    def deliveries(self, progress: Callable[[], Progress]) -> Deliveries | None:
        """Give the signals of the recorded run; none where the program may go on in a new one.

        There somebody records what an interrupted run had not come to, and is not interrupted.
        """
        return None if self.boundary.asks_live else Deliveries(self.recorded, progress)

    def signals(self) -> tuple[str, ...]:
        """Name the signals that come again."""
        return () if self.boundary.asks_live else signals_of(self.recorded)

    def worlds(self, recorder: Recorder) -> Worlds:
        """Give what was recorded beside exchanges; no order where the program may leave it."""
        without = ("order",) if self._order == "free" else ()

        def lane_of(process: int) -> str:
            """A block of a process has no lane of its own: it stands for the first one."""
            return recorder.lanes[process] if process < len(recorder.lanes) else ROOT_LANE

        return Worlds(self.recorded, lane_of, without=without)

    def unused(self) -> tuple[str, ...]:
        """Name the recorded exchanges that nobody asked for."""
        return tuple(_named(one) for one in self.replayer.unused)

    def keep_unused(self, recorder: Recorder) -> None:
        """Keep in this replay's own recording what nobody asked for."""
        for exchange in self.replayer.not_asked():
            recorder.keep(exchange)

    def not_replayed(self) -> tuple[str, ...]:
        """Say what was left to the real world, or refused."""
        count = self.ledger.telemetry
        asked = f"{count} request{'s' if count > 1 else ''}"
        telemetry = [f"telemetry: {asked} not sent"] if count else []
        return (*(f"live: {one}" for one in self._live), *telemetry, *self._reached)


def _explain(live: Request, closest: Exchange | None, rules: RuleBook, recorded: Run) -> str:
    from agentvcr.diff.explanation import explain_miss  # noqa: PLC0415  (only a miss needs it)

    told = explain_miss(as_recorded(live), live.lane, closest, rules)
    missing = lacking(declared_in(recorded))
    if not missing:
        return told
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    return (
        f"{told}\nthe configuration has rules that this cassette lacks ({missing[0]}{more}); "
        f"agentvcr rekey {recorded.path} gives them to it"
    )


def gateway_port(recorded: Run) -> int:
    """Give the port that the recorded run's gateway had, for the same again; 0 for any."""
    found = (address_of(note.text) for note in recorded.notes if note.kind == "gateway")
    return next((one.port for one in found if one is not None), 0)


def _named(exchange: Exchange) -> str:
    from agentvcr.diff.explanation import name_exchange  # noqa: PLC0415  (as above)

    return name_exchange(exchange)
