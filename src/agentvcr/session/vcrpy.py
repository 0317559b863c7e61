"""Have vcrpy's cassettes answered and filled by our interceptors, in place of vcrpy's patches.

Owns which cassette is asked, and the moment at which it is told an answer. How a cassette sees a
request is `interop.vcrpy_asking`.

Of nested cassettes the inner one is asked, as with vcrpy. Each task that opened one has its own;
code that opened none, as a thread, has that which was opened last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from threading import RLock
from typing import Any, Final

from agentvcr.cassette.reader import load_run
from agentvcr.inside import interceptors, state
from agentvcr.inside.exchange import (
    Forward,
    HeaderList,
    NullSink,
    Request,
    Serve,
    StepBegan,
    StepEnded,
)
from agentvcr.interop import vcrpy_asking, vcrpy_engine
from agentvcr.model.run import Run
from agentvcr.session.conversion import import_cassettes, path_beside
from agentvcr.session.in_force import check_idle

_KEPT: Final = ("eof", "closed", "abandoned")
"""How an answer ends that is kept: all of it, or of a stream what the program has read."""
_SHELF: Final = {
    name: patch
    for name, patch in {**interceptors.CLIENTS, **interceptors.TAIL}.items()
    if not name.startswith("mcp.")
}


class _Open:
    """A cassette in use, and the answers that are on their way into it."""

    def __init__(self, cassette: Any) -> None:  # noqa: ANN401  (vcrpy has no types)
        self.cassette = cassette
        self.under_way: list[_Sink] = []


class _Sink:
    """Collects an answer, and tells it to the cassette at its end."""

    def __init__(self, owner: _Open, asked: Any, client: str) -> None:  # noqa: ANN401  (as above)
        self._client = client
        self._owner = owner
        self._asked = asked
        self._head: tuple[int, HeaderList, bytes] | None = None
        self._chunks: list[bytes] = []
        owner.under_way.append(self)

    def head(self, status: int, headers: HeaderList, reason: bytes, http_version: bytes) -> None:
        """Take the head."""
        del http_version  # vcrpy has no place for it
        self._head = status, headers, reason

    def chunk(self, data: bytes) -> None:
        """Take a piece of the body."""
        self._chunks.append(data)

    def end(self, kind: str, error: BaseException | None = None) -> None:
        """Tell the cassette, where there is an answer; vcrpy keeps no failures."""
        del error
        with _LOCK:
            if self not in self._owner.under_way:
                return
            self._owner.under_way.remove(self)
            if self._head is None or kind not in _KEPT:
                return
            status, headers, reason = self._head
            vcrpy_asking.tell(
                self._owner.cassette,
                self._asked,
                status=status,
                reason=reason,
                headers=tuple(headers),
                body=b"".join(self._chunks),
                client=self._client,
            )


class _Handler:
    """Asks the cassette that the running code is in."""

    @property
    def replaying(self) -> bool:
        """Whether the cassette may have an answer: then nothing connects before it is asked."""
        owner = _in_use()
        return owner is not None and (owner.cassette.write_protected or bool(owner.cassette.data))

    def begin(self, request: Request) -> Serve | Forward:
        """Decide as the cassette says."""
        owner = _in_use()
        if owner is None or not request.url.startswith(("http://", "https://")):
            return Forward(NullSink())
        if vcrpy_asking.is_skipped(owner.cassette, request.client):
            return Forward(NullSink())
        asked = vcrpy_asking.request_of(
            request.method, request.url, tuple(request.headers), request.body, request.client
        )
        with _LOCK:  # else two threads play one answer
            try:
                answer = vcrpy_asking.answer_of(owner.cassette, asked)
            except vcrpy_asking.NoAnswer:
                _missed.append((asked, owner.cassette))
                raise
            if answer is None:
                sink = _Sink(owner, asked, request.client)
                return Forward(sink, read_first=vcrpy_asking.is_read_first)
        return Serve(
            status=answer.status,
            reason=answer.reason,
            http_version=answer.http_version,
            headers=list(answer.headers),
            chunks=[answer.body] if answer.body else [],
            delays_ns=[],
            end_kind="eof",
            failure=None,
        )

    def failed(self, error: Exception) -> Forward:
        """Raise it: what vcrpy or a hook of the user's says is for the program."""
        raise error

    def world(self, kind: str, lane: str, data: bytes) -> None:
        """Take nothing down: vcrpy keeps exchanges alone."""

    def recorded_world(self, kind: str, lane: str = "") -> list[tuple[str, bytes]]:
        """Give nothing, as above."""
        del kind, lane
        return []

    def other_order(self, text: str) -> None:
        """Take nothing down, as above."""

    def step_began(self, step: StepBegan) -> None:
        """Take nothing down, as above."""

    def step_ended(self, step: StepEnded) -> None:
        """Take nothing down, as above."""


_LOCK: Final = RLock()
_open: list[_Open] = []
_missed: list[tuple[Any, Any]] = []
_here: ContextVar[_Open | None] = ContextVar("agentvcr_vcrpy", default=None)
_HANDLER: Final = _Handler()


def take_misses() -> list[tuple[Any, Any]]:
    """Give the requests since the last time that had no answer, each with its cassette."""
    with _LOCK:
        found = list(_missed)
        _missed.clear()
    return found


def _in_use() -> _Open | None:
    here = _here.get()
    if here is not None and here in _open:
        return here
    return _open[-1] if _open else None


@contextmanager
def in_use(cassette: Any) -> Iterator[None]:  # noqa: ANN401  (vcrpy has no types)
    """Have a cassette answer and take what is asked, until the end of the block.

    Raises:
        SessionActiveError: Something else records or replays in this process.
    """
    owner = _Open(cassette)
    with _LOCK:
        if not _open:
            check_idle()
            state.activate(_HANDLER)
            interceptors.install(_SHELF)
        _open.append(owner)
    cassette.settle = lambda: _settle(owner)
    token = _here.set(owner)
    try:
        yield
    finally:
        with _LOCK:
            _open.remove(owner)
            if not _open:
                state.activate(None)
                interceptors.uninstall()
        if _here.get() is owner:
            _here.reset(token)


def _settle(owner: _Open) -> None:
    """Tell the cassette what was read of answers that nobody has closed."""
    for sink in tuple(owner.under_way):
        sink.end("abandoned")


def take_over() -> Callable[[], None]:
    """Make every cassette of vcrpy's in this process one of these; returns how to undo it."""
    return vcrpy_engine.take_the_place(in_use)


class OwnFormat:
    """Cassettes of ours that stand for some of vcrpy's."""

    def path_of(self, path: Path) -> Path:
        """Name the one beside a file of vcrpy's."""
        return path_beside(path)

    def load(self, path: Path) -> Run:
        """Read one."""
        return load_run(path)

    def save(self, text: Path, path: Path) -> None:
        """Write one from a file of YAML, credentials taken out."""
        import_cassettes([text], path, force=True)
