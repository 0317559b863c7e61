"""The words between an interceptor and a handler: requests, answers, and the refusal to go on.

Owns the small classes of the seam. Does no I/O and knows no client. Plain classes with slots, since
`dataclasses` would cost every recorded program several milliseconds at its start.
"""

from __future__ import annotations

from agentvcr.inside.course import FREE

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any, Callable, Protocol

    from agentvcr.inside.course import Course
else:
    Protocol = object


_MOST_TEXT = 65536
"""Characters kept of an exception's message: some quote a whole answer."""

SURROUNDINGS = "surroundings"
"""What a process tells of its files and packages, of which the engine makes the records."""
_SHORTEST_NS = 1_000_000

HeaderList = list[tuple[bytes, bytes]]
"""Raw header pairs: order, case and duplicates kept."""


UNSEEN = "unseen"
"""How an exchange ended that was cancelled while its head waited for its turn."""


class ReplayHalt(BaseException):
    """The replay cannot follow the recording, and the program must stop.

    A `BaseException`, because clients retry and wrap ordinary exceptions.
    """


class Request:
    """A request as the client's transport is about to send it; `body` whole and unredacted."""

    __slots__ = (
        "at_ns",
        "body",
        "client",
        "covered",
        "fingerprint",
        "headers",
        "lane",
        "method",
        "place",
        "process",
        "url",
    )

    def __init__(  # noqa: PLR0913  (one field each: it is a record, not an operation)
        self,
        method: str,
        url: str,
        headers: HeaderList,
        body: bytes,
        lane: str,
        client: str,
        process: int = 0,
        at_ns: int = 0,
        place: str = "",
        covered: bool = False,  # noqa: FBT001, FBT002  (a field)
    ) -> None:
        """Keep what the interceptor saw.

        `client` names the library, `lane` the caller, `process` is the recorder's index of it;
        `at_ns` is the monotonic clock when it began, 0 for now; `place` says where in the tree of
        steps it is (a recorded function call's own path), and `covered` that such a call made it.
        """
        self.place = place
        self.covered = covered
        self.process = process
        self.fingerprint = b""
        """Set by the engine, so that no two of its handlers compute it."""
        self.at_ns = at_ns
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.lane = lane
        self.client = client


class Sink(Protocol):
    """Where an interceptor tells what a forwarded request's answer was. Never raises."""

    def head(self, status: int, headers: HeaderList, reason: bytes, http_version: bytes) -> None:
        """Tell the answer's head, once."""

    def chunk(self, data: bytes) -> None:
        """Tell one piece of the body, as the program gets it."""

    def end(self, kind: str, error: BaseException | None = None) -> None:
        """Tell how it ended: eof, closed, abandoned, cancelled or failed. Only the first counts.

        `UNSEEN` where it was cancelled when its head had come, and the program had not seen it.

        Returns when the exchange is safe from the death of this process and of the recorder.
        """


class Taken(Protocol):
    """Where an interceptor tells how much of a served answer the program took.

    The engine's have a `number`: that of the exchange in this run.
    """

    def __call__(self, chunks: int, kind: str, at_ns: int = 0) -> None:
        """Tell the number of chunks handed out and how it ended, as `Sink.end` names it.

        The kind `overrun` says that the program read past the end of what was recorded, `misfit`
        that it cannot take the recorded result any more. `at_ns` is when, 0 for now.
        """


def _never(_: HeaderList) -> bool:
    return False


class Forward:
    """Let the request go out, and tell `sink` what comes back, delivery by delivery of `course`.

    With `body`, it goes out with that in place of its own; `change` makes it, for the engine alone.
    In a replay, `number` is that of the recorded exchange, where it is one. `read_first` says by an
    answer's headers whether it is read to its end before the program has any of it.
    """

    __slots__ = ("body", "change", "course", "number", "read_first", "sink")

    def __init__(
        self,
        sink: Sink,
        number: int = 0,
        *,
        body: bytes | None = None,
        change: Callable[[bytes], bytes] | None = None,
        read_first: Callable[[HeaderList], bool] = _never,
    ) -> None:
        """Forward with this sink."""
        self.sink = sink
        self.read_first = read_first
        self.number = number
        self.body = body
        self.change = change
        self.course: Course = FREE


class Serve:
    """Answer the request from a recording. All delays in nanoseconds, zero when unpaced."""

    __slots__ = (
        "_owed_ns",
        "chunks",
        "course",
        "delays_ns",
        "end_kind",
        "failure",
        "gates",
        "headers",
        "http_version",
        "is_edited",
        "is_lent",
        "number",
        "reason",
        "status",
        "taken",
    )

    def __init__(  # noqa: PLR0913  (one field each: it is a record, not an operation)
        self,
        *,
        status: int,
        reason: bytes,
        http_version: bytes,
        headers: HeaderList,
        chunks: list[bytes],
        delays_ns: list[int],
        end_kind: str,
        failure: tuple[str, str] | None,
        taken: Taken | None = None,
        number: int = 0,
        gates: dict[int, int] | None = None,
        is_lent: bool = False,
    ) -> None:
        """Keep the answer; a `status` of 0 means that it failed before its head.

        `delays_ns` is empty, or holds the wait before the head, before each chunk, before the end.
        `number` is that of the recorded exchange. `gates` names what this process has to be served
        before the head (0) or chunk n (n + 1) may come, by the numbers of recorded exchanges.
        `is_lent` says that this request was not recorded: its answer is another's, or an error.
        """
        self.status = status
        self.reason = reason
        self.http_version = http_version
        self.headers = headers
        self.chunks = chunks
        self.delays_ns = delays_ns
        self.end_kind = end_kind
        self.failure = failure
        self.taken = taken
        self.number = number
        self.gates = gates or {}
        self.is_lent = is_lent
        self.is_edited = False
        """For the engine alone: somebody has typed this answer, which may hold a credential."""
        self.course: Course = FREE
        self._owed_ns = 0

    def wait_s(self, position: int) -> float:
        """Say how many seconds to wait now, before the head (0), chunk n (n + 1) or the end (last).

        Waits under a millisecond are saved up: sleeping costs more than they last.
        """
        if position < len(self.delays_ns):
            self._owed_ns += self.delays_ns[position]
        if self._owed_ns < _SHORTEST_NS:
            return 0.0
        owed_ns, self._owed_ns = self._owed_ns, 0
        return owed_ns / 1e9


class Handler(Protocol):
    """Decides about each request. Never touches the network, never knows a client library."""

    def begin(self, request: Request) -> Serve | Forward:
        """Decide; raises `ReplayHalt` where the recording cannot be followed."""


class Answering(Handler, Protocol):
    """A handler that answers from a recording."""

    def internal(self, lane: str, fingerprint: bytes) -> int:
        """Give the number of the recorded exchange, within the run, that a live one is; or 0."""


class StepBegan:
    """A step that the program named has begun."""

    __slots__ = ("agent", "at_ns", "content", "kind", "lane", "name", "path", "process")

    def __init__(  # noqa: PLR0913  (one field each: it is a record, not an operation)
        self,
        path: str,
        name: str,
        kind: str,
        agent: str,
        lane: str,
        content: bytes,
        at_ns: int,
        process: int = 0,
    ) -> None:
        """Keep what is known of it.

        `path` is its id, `name` what the program calls it; `agent` may be empty; `content` is what
        it was given, as JSON, or nothing; `process` is the recorder's index.
        """
        self.path = path
        self.name = name
        self.kind = kind
        self.agent = agent
        self.lane = lane
        self.content = content
        self.at_ns = at_ns
        self.process = process


class StepEnded:
    """A step is over: with what it gave, as JSON or nothing, or the exception that ended it."""

    __slots__ = ("at_ns", "content", "failure", "path")

    def __init__(
        self, path: str, content: bytes, failure: tuple[str, str] | None, at_ns: int
    ) -> None:
        """Keep what is known of it."""
        self.path = path
        self.content = content
        self.failure = failure
        self.at_ns = at_ns


class ProcessHandler(Handler, Protocol):
    """A handler that the interceptors of a process ask, and that survives their mistakes."""

    @property
    def replaying(self) -> bool:
        """Whether answers come from a recording: for what is done before a request is known."""

    def failed(self, error: Exception) -> Forward:
        """Take down that an interceptor failed, so that its exchange passes unrecorded.

        Raises `ReplayHalt` on replay, where nothing may pass.
        """

    def world(self, kind: str, lane: str, data: bytes) -> None:
        """Take down a part of what surrounds this process's exchanges."""

    def recorded_world(self, kind: str, lane: str = "") -> list[tuple[str, bytes]]:
        """Give the recorded parts of a kind, each with its lane, in the order of recording.

        Those of the process that this one stands for; with `lane`, those of that lane, whichever
        process it was in.
        """

    def other_order(self, text: str) -> None:
        """Take down that a replay goes another order than the recorded one, in words."""

    def step_began(self, step: StepBegan) -> None:
        """Take down that a step began."""

    def step_ended(self, step: StepEnded) -> None:
        """Take down that a step is over."""


class NullSink:
    """Takes nothing down: for requests that pass unrecorded."""

    __slots__ = ()

    def head(self, status: int, headers: HeaderList, reason: bytes, http_version: bytes) -> None:
        """Ignore the head."""

    def chunk(self, data: bytes) -> None:
        """Ignore the chunk."""

    def end(self, kind: str, error: BaseException | None = None) -> None:
        """Ignore the end."""


def end_kind_of(error: BaseException) -> str:
    """Name how an exchange ended that `error` broke off."""
    if isinstance(error, GeneratorExit):
        return "abandoned"
    kind = type(error)
    cancelled = (("asyncio.exceptions", "CancelledError"), ("trio", "Cancelled"))
    if (kind.__module__, kind.__name__) in cancelled:
        return "cancelled"
    return "failed"


def failure_of(error: BaseException) -> tuple[str, str]:
    """Name an exception's class in full, with its message."""
    kind = type(error)
    try:
        text = str(error)[:_MOST_TEXT]
    except Exception:  # noqa: BLE001  (code of the program's own)
        text = ""
    return "%s.%s" % (kind.__module__, kind.__qualname__), text


def by_a_handler(error: BaseException) -> bool:
    """Whether an exception has come out of one of the program's signal handlers.

    A handler runs wherever the program happens to be, also in our code, and what it raises is for
    the program: a time-out made by hand, for one.
    """
    import signal  # noqa: PLC0415  (only where something has failed)

    codes = [_code_of(signal.getsignal(number)) for number in signal.valid_signals()]
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code in codes:
            return True
        trace = trace.tb_next
    return False


def _code_of(handler: Any) -> Any:  # noqa: ANN401  (whatever was given to `signal.signal`)
    handler = getattr(handler, "func", handler)  # a partial
    handler = getattr(handler, "__func__", handler)  # a method
    code = getattr(handler, "__code__", None)
    return code if code is not None else getattr(type(handler).__call__, "__code__", "")
