"""`agentvcr.record`, `replay` and `fork`: the blocks that a mode or a change makes of two kinds.

Owns which kind of session a mode makes, the one that does both, and the one with a step changed.
The kinds themselves are in `here`; what becomes of the cassette is `episodes`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Literal, get_args, overload

from agentvcr.cassette.holding import held
from agentvcr.cassette.journal import Journal
from agentvcr.cassette.reader import fork_of
from agentvcr.errors import BadOptionError
from agentvcr.recording.modes import RecordMode, plan
from agentvcr.recording.recorder import Recorder
from agentvcr.replaying.fork import Fork
from agentvcr.replaying.patches import Patch, parse
from agentvcr.replaying.replayer import OnMiss
from agentvcr.session.episodes import part_of, take_the_place
from agentvcr.session.forking import exchange_at, fork_at
from agentvcr.session.here import Recording, Replaying, StrPath
from agentvcr.session.replaying import Clock, Order, Replay


class Episodes(Replaying):
    """A block that is answered from a cassette, and whose new requests are recorded into it."""

    _part: Path

    def __init__(self, path: StrPath, *, live: Sequence[str]) -> None:
        """Prepare to go on with `path`."""
        super().__init__(
            path,
            on_miss="live",
            pace=0.0,
            order="recorded",
            clock="virtual",
            live=live,
            target=None,
            force=False,
        )

    def _written(self) -> Path:
        self._check_over()
        return self.path if not self._part.exists() else self._part

    def _kept(self) -> AbstractContextManager[Journal]:
        self.__dict__["_recorded"] = self._recorded  # before anything takes its place
        return self._held()

    @contextmanager
    def _held(self) -> Iterator[Journal]:
        with held(self.path), part_of(self.path) as journal:
            self._part = journal.path
            yield journal

    def _finish(self, replay: Replay, recorder: Recorder) -> None:
        replay.keep_unused(recorder)

    def _seal(self) -> None:
        take_the_place(self._part, self.path)


class Forking(Replaying):
    """A block that is replayed with one step changed."""

    _at: str
    _patches: tuple[Patch, ...]

    def _fork(self) -> Fork:
        _, exchange = exchange_at(self._recorded, self._at)
        return fork_at(exchange, self._patches, self._on_miss)


def replay(  # noqa: PLR0913  (the options of a replay)
    path: StrPath,
    *,
    on_miss: OnMiss = "fail",
    pace: float = 0.0,
    order: Order = "recorded",
    clock: Clock = "virtual",
    live: Sequence[str] = (),
    target: StrPath | None = None,
    force: bool = False,
) -> Replaying:
    """Answer what this process asks inside the block from a cassette, with the network off.

    Where the block leaves its recording, the request raises `ReplayHalt`, and the end of the block
    raises `DivergenceError`, also where the program caught the first.

    Args:
        path: The cassette.
        on_miss: Stop, or answer with the `nearest` exchange and go on.
        pace: 0 to answer at once, 1 at the recorded pace.
        order: What happened first happens first again, or all goes on at once, `free`.
        clock: What the block reads: the clock as it was recorded, or this machine's, `real`.
        live: `HOST:PORT` of services that stay live.
        target: Where to keep this run, by default beside the cassette as NAME.last.avcr.
        force: Write over an existing `target`.

    Raises:
        SessionActiveError: This process is recorded or replayed already.
        CassetteMissingError, CassetteDamagedError: As their names say. All of these on entering.
    """
    return Replaying(
        path,
        on_miss=on_miss,
        pace=pace,
        order=order,
        clock=clock,
        live=live,
        target=target,
        force=force,
    )


def fork(  # noqa: PLR0913  (the options of a fork)
    path: StrPath,
    *,
    at: str,
    patches: Mapping[str, str],
    on_miss: OnMiss = "nearest",
    live: Sequence[str] = (),
    target: StrPath | None = None,
    force: bool = False,
) -> Replaying:
    """Replay this process's block with one step changed: what would have been, had it said so.

    Args:
        path: The cassette.
        at: The step, as `agentvcr show` names it: a path or a number.
        patches: What to change of it, by field: `{"response.text": "No."}`.
        on_miss: What to do about what the change makes new: `nearest`, `live` or `fail`.
        live: `HOST:PORT` of services that stay live.
        target: Where to keep this run, by default beside the cassette as NAME.fork.avcr.
        force: Write over an existing `target`.

    Raises:
        BadOptionError: The patches change nothing that can be changed.
        NoSuchStepError: There is no such step. This one, and those of `replay`, on entering.
    """
    place = fork_of(Path(path)) if target is None else target
    made = Forking(
        path,
        on_miss=on_miss,
        pace=0.0,
        order="recorded",
        clock="virtual",
        live=live,
        target=place,
        force=force or target is None,
    )
    made._at = at  # noqa: SLF001  (it is made here alone)
    made._patches = tuple(parse(f"{name}={value}") for name, value in patches.items())  # noqa: SLF001
    return made


@overload
def record(
    path: StrPath,
    *,
    mode: Literal["all"] = "all",
    force: bool = False,
    live: Sequence[str] = (),
    strict: bool = False,
) -> Recording: ...
@overload
def record(
    path: StrPath,
    *,
    mode: RecordMode,
    force: bool = False,
    live: Sequence[str] = (),
    strict: bool = False,
) -> Recording | Replaying: ...
def record(
    path: StrPath,
    *,
    mode: RecordMode = "all",
    force: bool = False,
    live: Sequence[str] = (),
    strict: bool = False,
) -> Recording | Replaying:
    """Record what this process does inside the block: `with agentvcr.record("x.avcr") as session:`.

    Args:
        path: The cassette to write.
        mode: What to do about a cassette that is there, in vcrpy's words. `all` records anew,
            `once` replays it and refuses what is new, `new_episodes` replays it and records what
            is new into it; without one, all three record. `none` never records.
        force: In the mode `all`, write over an existing one.
        live: `HOST:PORT` of services that are not recorded.
        strict: Raise at the end of a recorded block if anything was not recorded.

    Raises:
        SessionActiveError: This process is recorded or replayed already.
        TargetExistsError, TargetUnwritableError: As their names say. All of these on entering.
        NotRecordedError: With `strict`, at the end of the block. The cassette is written.
        DivergenceError: At the end of a block that is replayed and asked for something new.
    """
    if mode not in get_args(RecordMode):
        raise BadOptionError(
            f"mode is one of {', '.join(get_args(RecordMode))}, and not {mode!r}",
            where="agentvcr.record(…)",
            cure="leave it out to record anew",
        )
    todo = plan(mode, exists=Path(path).exists())
    if todo == "record":
        return Recording(path, force=force and mode == "all", live=live, strict=strict)
    if todo == "extend":
        return Episodes(path, live=live)
    return Replaying(
        path,
        on_miss="fail",
        pace=0.0,
        order="recorded",
        clock="virtual",
        live=live,
        target=None,
        force=False,
    )
