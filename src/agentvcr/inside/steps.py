"""Steps that the program names: their paths, their parents, what went in and came out.

Owns `agentvcr.step`, `run`, `handoff`, `state_write`. Where nothing records, each is no more than a
few attribute look-ups. A step's parent is that of the lane it began in, so it is right across
tasks, threads and executors, which have it from whoever created them.
"""

from __future__ import annotations

import re
from itertools import count

from agentvcr.inside import lanes, state
from agentvcr.inside.exchange import StepBegan, StepEnded, failure_of
from agentvcr.inside.lane import ORPHAN, Lane, OpenStep
from agentvcr.inside.patching import overload
from agentvcr.inside.real import monotonic_ns

TYPE_CHECKING = False  # `typing` would cost each program that has steps 10 ms
if TYPE_CHECKING:
    from typing import Any, Callable, Iterator, TypeVar

    F = TypeVar("F", bound=Callable[..., Any])

KINDS = ("agent", "llm", "tool", "handoff", "state", "check", "run")

_UNSAFE = re.compile(r"[%/\[\]#:\x00-\x20\x7f-\xa0\ud800-\udfff]|\s")
_TAKEN = re.compile(
    r"(?:(?:thread|work|proc|call|worker|service)\d+|agent|llm|tool|handoff|state|check|run|main|\d+|\?)_*"
)
"""Names that a path uses for lanes and exchanges: a step of that name gets an underscore."""
_LONGEST_PART = 120
_LONGEST_NAME = 1000
"""Characters: a frame to the engine has no room for a name of a megabyte."""

_parts: dict[str, str] = {}


def part_of(name: str) -> str:
    """Make a name fit for a path: no two names become the same, and none looks like a lane."""
    part = _parts.get(name)
    if part is None:
        part = _fitting(name)
        if _TAKEN.fullmatch(part):
            part += "_"
        if len(_parts) < 4096:  # noqa: PLR2004  (names with numbers in them must not fill memory)
            _parts[name] = part
    return part


def _fitting(text: str) -> str:
    part = _UNSAFE.sub(_escaped, text) or "%"
    if len(part) > _LONGEST_PART:
        import hashlib  # noqa: PLC0415  (hardly ever)

        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        part = "%s~%s" % (part[:_LONGEST_PART], digest)
    return part


def _escaped(match: Any) -> str:  # noqa: ANN401  (a match of one character)
    return "".join("%%%02X" % byte for byte in match[0].encode("utf-8", "surrogatepass"))


def path_for(lane: Lane, part: str, *, is_first_bare: bool = True) -> str:
    """Make the path of the next step `part` of a lane, numbered in the order of that lane."""
    step = lane.step
    if step is not None and step.lane == lane.name:
        counters: dict[Any, Iterator[int]] = step.counters
        key: Any = part
    else:  # the lane's own: whoever shares the step counts for itself
        counters, key = lane.counters, (step.path if step is not None else None, part)
    number = next(counters.setdefault(key, count()))
    place = lane.place() or lane.name.partition("/")[2]
    if not place and lane.name == ORPHAN:  # else its steps would be those of `main`
        place = ORPHAN
    named = part if is_first_bare and not number else "%s[%d]" % (part, number)
    return "%s/%s" % (place, named) if place else named


class Step:
    """A unit of work that the program names: a context manager and a decorator, sync and async."""

    __slots__ = ("_open", "_output", "_root", "_view", "agent", "input", "key", "kind", "name")

    def __init__(self, name: str, agent: str | None, kind: str, value: Any, key: Any) -> None:  # noqa: ANN401
        """Keep what the step will be called when it begins."""
        self.name = name
        self.agent = agent
        self.kind = kind
        self.input = value
        self.key = key
        self._open: OpenStep | None = None

    def set_output(self, value: Any) -> None:  # noqa: ANN401  (any value)
        """Say what the step gives; it is read when the step ends."""
        if self._open is not None:
            self._output = value

    def __enter__(self) -> Step:  # noqa: PYI034  (typing.Self is of 3.11)
        if state.handler is not None:
            self._begin()
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if self._open is not None:
            self._end(error)

    async def __aenter__(self) -> Step:  # noqa: PYI034  (as above)
        if state.handler is not None:
            self._begin()
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if self._open is not None:
            self._end(error)

    def __call__(self, function: F) -> F:
        """Decorate a function, coroutine function, generator or async generator."""
        from agentvcr.inside import decorated  # noqa: PLC0415  (only who decorates)

        return decorated.stepped(self, function)  # type: ignore[no-any-return]  # of its own kind

    def again(self) -> Step:
        """Make another step of the same name."""
        return Step(self.name, self.agent, self.kind, self.input, self.key)

    def resume(self) -> None:
        """Make this step the current one again, in a generator that goes on."""
        opened = self._open
        if opened is not None:
            here = lanes.current()
            opened.outer = here.step
            self._view = here
            lanes.enter(here.within(opened))

    def suspend(self) -> None:
        """Leave this step for a while, when a generator yields."""
        if self._open is not None:
            self._leave()

    def _begin(self) -> None:
        if self._open is not None:
            raise RuntimeError(
                "the step %r is entered already: make another one, agentvcr.step(%r)"
                % (self.name, self.name)
            )
        lane = lanes.own()
        self._output = _NOTHING
        self._view = lane
        if self.kind == "run":
            lane = _run_lane(self.name, self.key)
            path = lane.name.partition("/")[2]
        else:
            path = path_for(lane, part_of(self.name))
        self._open = OpenStep(path, lane.name, self._view.step)
        self._root = lanes.process()
        lanes.enter(lane.within(self._open))
        _begun(path, self.name, self.kind, self.agent, lane.name, self.input)

    def _leave(self) -> None:
        """Go back to the step around this one."""
        opened, now = self._open, lanes.current()
        if opened is None:
            return
        if now.step is not opened:  # left out of order, or in another context
            opened.left = True
            return
        outer = opened.outer
        while outer is not None and outer.left:
            outer = outer.outer
        back = self._view
        lanes.enter(back if back.step is outer else back.within(outer))

    def _end(self, error: BaseException | None) -> None:
        opened = self._open
        if opened is None:
            return
        self._leave()
        self._open = None
        if self._root is lanes.process():  # else it is a fork's copy, or of a session that is over
            _ended(opened.path, self._output, error)


_NOTHING = object()


def _run_lane(name: str, key: Any) -> Lane:  # noqa: ANN401  (text, or what makes one)
    """Make the lane of a unit of work: named by its key, whichever task it happens to run in."""
    root = lanes.process()
    part = part_of(name) if key is None else "%s:%s" % (part_of(name), _fitting(str(key)))
    number = next(root.counters.setdefault((None, part), count()))  # a step may have that name
    named = "%s[%d]" % (part, number) if number else part
    return Lane("%s/%s" % (root.name, named))


def _begun(path: str, name: str, kind: str, agent: str | None, lane: str, value: Any) -> None:  # noqa: ANN401, PLR0913
    handler = state.handler
    if handler is not None:
        content = b""
        if value is not None and value is not _NOTHING:
            from agentvcr.inside.values import told  # noqa: PLC0415  (only who tells values)

            content = told(value)
        named, doer = name[:_LONGEST_NAME], str(agent or "")[:_LONGEST_NAME]
        handler.step_began(StepBegan(path, named, kind, doer, lane, content, monotonic_ns()))


def _ended(path: str, value: Any, error: BaseException | None) -> None:  # noqa: ANN401
    handler = state.handler
    if handler is not None:
        at_ns = monotonic_ns()
        content = b""
        if value is not _NOTHING:
            from agentvcr.inside.values import told  # noqa: PLC0415  (only who tells values)

            content = told(value)
        failure = failure_of(error) if error is not None else None
        handler.step_ended(StepEnded(path, content, failure, at_ns))


@overload
def step(name: F) -> F: ...
@overload
def step(
    name: str,
    *,
    agent: str | None = None,
    kind: str | None = None,
    input: Any = None,  # noqa: ANN401  (as below)
) -> Step: ...
def step(
    name: Any,
    *,
    agent: str | None = None,
    kind: str | None = None,
    input: Any = None,  # noqa: A002  (the word that a user looks for)
) -> Any:
    """Name a unit of work, around a block or a function.

    `with step("plan", agent="planner"):` or `@step("plan")`; sync, async, generators too.

    Args:
        name: What the step is called; the second of that name in one place becomes `name[1]`.
        agent: Who does the work; steps inside take it over.
        kind: agent (the default), llm, tool, handoff, state or check.
        input: What the step is given, where it is no decorator: that takes the arguments.

    Raises:
        ValueError: There is no such kind.
        RuntimeError: One and the same step object is entered twice.
    """
    if kind is not None and kind not in KINDS:
        raise ValueError("kind is one of %s, and not %r" % (", ".join(KINDS), kind))
    if callable(name):
        return Step(name.__name__, agent, kind or "agent", None, None)(name)
    return Step(str(name), agent, kind or "agent", input, None)


def run(name: str = "run", *, key: Any = None, input: Any = None) -> Step:  # noqa: A002, ANN401
    """Mark a unit of work of a long-lived process, such as one request that a server handles.

    Its steps and requests are named by it, and not by the task that happens to serve it.

    Args:
        name: What the unit is called.
        key: What tells it from the others, such as the order's number. Without one, units are
            numbered in the order in which they begin, which is chance where they come at once.
        input: What it is given.
    """
    return Step(str(name), None, "run", input, key)


def handoff(frm: str, to: str, payload: Any = None) -> None:  # noqa: ANN401  (any value)
    """Take down that one agent hands over to another, and with what."""
    if state.handler is not None:
        _moment("handoff", "%s -> %s" % (frm, to), {"from": frm, "to": to, "payload": payload})


def state_write(key: str, value: Any) -> None:  # noqa: ANN401  (any value)
    """Take down that shared state is written."""
    if state.handler is not None:
        _moment("state", str(key), {str(key): value})


def _moment(kind: str, name: str, value: Any) -> None:  # noqa: ANN401  (any value)
    lane = lanes.own()
    path = path_for(lane, kind, is_first_bare=False)
    _begun(path, name, kind, None, lane.name, value)
    _ended(path, _NOTHING, None)
