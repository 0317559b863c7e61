"""Record or replay in this very process.

Owns the installing of interceptors and lanes for the length of a block.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agentvcr.boundary import Boundary
from agentvcr.cassette.journal import Journal
from agentvcr.cassette.reader import last_of, load_run
from agentvcr.errors import SessionActiveError
from agentvcr.inside import interceptors, lanes, state
from agentvcr.inside.imports import when_imported
from agentvcr.matching.fingerprint import Fingerprinter
from agentvcr.recording.local import LocalHandler
from agentvcr.recording.recorder import Recorder
from agentvcr.replay.ledger import Ledger
from agentvcr.session.recording import new_recorder
from agentvcr.session.replaying import Replay, kept_as
from agentvcr.session.sealing import seal_recording


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
    recorder = new_recorder(Journal(target, force=force), boundary, Fingerprinter(), ())
    try:
        with in_process(recorder):
            yield recorder
    finally:
        recorder.close(0, None)
        if recorder.broken is None:
            seal_recording(target)


@contextmanager
def replay_here(path: Path, *, target: Path | None = None, pace: float = 0.0) -> Iterator[Ledger]:
    """Answer what this process asks inside the block from a cassette."""
    _check_idle()
    replay = Replay(load_run(path), on_miss="fail", pace=pace, live=())
    with kept_as(target or last_of(path), is_new=target is not None) as journal:
        recorder = replay.recorder(journal, ())
        try:
            with in_process(recorder):
                yield replay.ledger
        finally:
            recorder.close(0, None)
