"""`agentvcr.record`: a block that is recorded, or under a mode answered from what was recorded.

Owns which kind of session a mode makes, and the one that does both. The kinds themselves are in
`here`; what becomes of the cassette is `episodes`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Literal, get_args, overload

from agentvcr.cassette.holding import held
from agentvcr.cassette.journal import Journal
from agentvcr.errors import BadOptionError
from agentvcr.recording.modes import RecordMode, plan
from agentvcr.recording.recorder import Recorder
from agentvcr.session.episodes import part_of, take_the_place
from agentvcr.session.here import Recording, Replaying, StrPath
from agentvcr.session.replaying import Replay


class Episodes(Replaying):
    """A block that is answered from a cassette, and whose new requests are recorded into it."""

    _part: Path

    def __init__(self, path: StrPath, *, live: Sequence[str]) -> None:
        """Prepare to go on with `path`."""
        super().__init__(path, on_miss="live", pace=0.0, live=live, target=None, force=False)

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
    return Replaying(path, on_miss="fail", pace=0.0, live=live, target=None, force=False)
