"""Record a Python function's calls as exchanges: `agentvcr.tool`.

Owns what a call looks like as a request, and how its result or exception comes back. In a replay
the function is not run: it is answered, like any request.
"""

from __future__ import annotations

import functools
import inspect
import json
import sys

from agentvcr.inside import decorated, errors, lanes, state, steps, values
from agentvcr.inside.exchange import (
    ReplayHalt,
    Request,
    Serve,
    end_kind_of,
)
from agentvcr.inside.lane import OpenStep
from agentvcr.inside.patching import overload
from agentvcr.inside.waiting import WAITING, sleep, until_cancelled, until_the_end, wait

TYPE_CHECKING = False  # `typing` would cost each program that has tools 10 ms
if TYPE_CHECKING:
    from typing import Any, Callable, TypeVar

    from agentvcr.inside.exchange import Forward, ProcessHandler
    from agentvcr.inside.lane import Lane

    F = TypeVar("F", bound=Callable[..., Any])

CLIENT = "agentvcr.tool"
METHOD = "CALL"
_JSON = (b"content-type", b"application/json")
_RETURNED = 200
_RAISED = 500


class ReplayedError(Exception):
    """A recorded exception whose class is not here, or cannot be made again."""


class Tool:
    """A decorated function: its name, its signature, and what its results are."""

    def __init__(
        self,
        function: Any,  # noqa: ANN401  (any function)
        name: str | None,
        *,
        side_effect: bool,
        idempotency_key: str | Callable[..., object] | None,
    ) -> None:
        """Look at the function."""
        self.function = function
        self.name = name or function.__name__
        self.part = steps.part_of(self.name)
        self.where = "%s.%s" % (function.__module__, function.__qualname__)
        self.side_effect = side_effect
        self.idempotency_key = idempotency_key
        self.signature = inspect.signature(function)
        self.owner = decorated.owner_of(function, self.signature)
        known = [one for one in self.signature.parameters if one != self.owner]
        if isinstance(idempotency_key, str) and idempotency_key not in known:
            raise TypeError("%s has no parameter %r" % (self.where, idempotency_key))

    @functools.cached_property
    def hint(self) -> Any:  # noqa: ANN401  (any annotation)
        """The return annotation; looked up at the first call, when its names are there."""
        from agentvcr.inside.annotations import returned_by  # noqa: PLC0415  (loads `typing`)

        return returned_by(self.function)

    def bound(self, args: Any, options: Any) -> Any:  # noqa: ANN401  (a call's; inspect's or None)
        """Bind a call's arguments; None where they don't fit: Python says it in its own words."""
        try:
            return self.signature.bind(*args, **options)
        except TypeError:
            return None

    def request(self, lane: Lane, path: str, bound: Any) -> Request:  # noqa: ANN401  (inspect's)
        """Put a call into the words of the seam."""
        args, options = bound.args, bound.kwargs  # before it has the defaults
        named = decorated.arguments_of(bound, self.owner)
        headers = [_JSON]
        if self.side_effect:
            headers.append((b"x-agentvcr-side-effect", b"true"))
        if self.idempotency_key is not None:
            key = self.idempotency_key
            value = named[key] if isinstance(key, str) else key(*args, **options)
            headers.append((b"x-agentvcr-idempotency-key", _header_value(value)))
        return Request(
            method=METHOD,
            url="tool:" + self.part,
            headers=headers,
            body=values.told(named, whole=True),
            lane=lane.name,
            client=CLIENT,
            place=path,
            covered=lane.covered,
        )


def _header_value(value: object) -> bytes:
    return " ".join(str(value).split()).encode("utf-8", "backslashreplace")


class Call:
    """One call of a tool: asked of the handler, then run or answered."""

    def __init__(self, tool: Tool, handler: ProcessHandler, bound: Any) -> None:  # noqa: ANN401
        """Ask the handler about a call with these arguments."""
        self.tool = tool
        self.lane = lanes.own()
        path = steps.path_for(self.lane, tool.part)
        self._opened = OpenStep(path, self.lane.name)
        # What the arguments make impossible is the caller's error, whether recorded or not.
        request = tool.request(self.lane, path, bound)
        try:
            self.decision: Serve | Forward = handler.begin(request)
        except Exception as error:  # noqa: BLE001  (ours: it must not become the program's)
            self.decision = handler.failed(error)

    def __enter__(self) -> None:
        """Do what follows for this call, and under its cover."""
        lanes.enter(self.lane.within(self._opened, covered=True))

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        """Tell an exception, and come back."""
        self._opened.left = True
        if lanes.current().step is self._opened:
            lanes.enter(self.lane)
        if error is not None:
            self._raised(error)

    def returned(self, result: Any) -> Any:  # noqa: ANN401  (any value)
        """Keep the result.

        Raises:
            UnkeepableError: It cannot be kept.
        """
        try:
            data = values.kept(result, self.tool.hint, self.tool.where)
        except values.UnkeepableError as error:
            self._raised(error)
            raise
        sink = self.decision.sink  # type: ignore[union-attr]  # a Forward: it was run
        sink.head(_RETURNED, [_JSON], b"", b"")
        sink.chunk(data)
        sink.end("eof")
        return result

    def _raised(self, error: BaseException) -> None:
        sink = self.decision.sink  # type: ignore[union-attr]  # a Forward: it was run
        kind = end_kind_of(error)
        if kind == "cancelled" and not _is_cancelled():
            kind = "failed"  # it waited for something that was: nobody will come to cancel it
        if kind == "failed":
            sink.head(_RAISED, [_JSON], b"", b"")
            sink.chunk(_told_error(error))
        sink.end(kind, error)

    def answer(self, serve: Serve) -> Any:  # noqa: ANN401  (any value)
        """Give what the recorded call gave, or raise what it raised."""
        tell = serve.taken
        if serve.end_kind == "eof":
            try:
                result = values.restored(b"".join(serve.chunks), self.tool.hint, self.tool.where)
            except values.UnkeepableError as error:
                if tell is not None:
                    tell(len(serve.chunks), "misfit")
                raise ReplayHalt(str(error)) from error
            if tell is not None:
                tell(len(serve.chunks), "eof")
            return result
        if serve.end_kind == "failed" and serve.chunks:
            if tell is not None:
                tell(len(serve.chunks), "failed")
            raise _error_of(b"".join(serve.chunks))
        if tell is not None:
            tell(0, "overrun")
        raise ReplayHalt("the recorded call of %s has no end" % self.tool.name)


def _is_cancelled() -> bool:
    """Whether the running task itself is being cancelled; a plain function never is."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return True  # trio
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return "trio" in sys.modules
    return task is not None and (not hasattr(task, "cancelling") or task.cancelling() > 0)


def _told_error(error: BaseException) -> bytes:
    told = errors.taken_apart(error)
    return json.dumps(told, separators=(",", ":")).encode("utf-8", "backslashreplace")


def _error_of(data: bytes) -> BaseException:
    """Make a recorded exception again, of its own class where the program has that."""
    told = json.loads(data)
    found = errors.put_together(told)
    if found is None:
        base = errors.nearest_builtin(told)
        kind = type("ReplayedError", (ReplayedError, base), {}) if base else ReplayedError
        found = kind("%s: %s" % (told["type"], told["message"]))
    return found


@overload
def tool(function: F) -> F: ...
@overload
def tool(
    *,
    name: str | None = None,
    side_effect: bool = False,
    idempotency_key: str | Callable[..., object] | None = None,
) -> Callable[[F], F]: ...
def tool(
    function: Any = None,
    *,
    name: str | None = None,
    side_effect: bool = False,
    idempotency_key: str | Callable[..., object] | None = None,
) -> Any:
    """Record each call of a function as an exchange; in a replay it is answered and not run.

    Results are JSON, or what the return annotation says: a dataclass, a pydantic model, a
    TypedDict, a NamedTuple, tuples, sets, datetimes. Exceptions come back as their class.

    Args:
        function: The function, where the decorator stands without parentheses.
        name: What the tool is called; by default as the function.
        side_effect: Whether a call changes something in the world.
        idempotency_key: The parameter that tells one such change from another, or a function of
            the same arguments that makes it.

    Raises:
        TypeError: A generator, or a class, cannot be a tool.
        UnkeepableError: In the call: the result has no JSON from which it would come back equal.
    """
    if function is None:
        return functools.partial(
            tool, name=name, side_effect=side_effect, idempotency_key=idempotency_key
        )
    if isinstance(function, str):
        raise TypeError("a tool's name is said as @agentvcr.tool(name=%r)" % function)
    if isinstance(function, (staticmethod, classmethod)) or not callable(function):
        raise TypeError("put @agentvcr.tool below @staticmethod or @classmethod, at the function")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError("%s is a generator: a tool returns its result" % function.__qualname__)
    if not hasattr(function, "__qualname__"):
        raise TypeError("%r is no function" % (function,))
    if isinstance(function, type):
        raise TypeError("%s is a class: a tool is a function" % function.__qualname__)
    made = Tool(function, name, side_effect=side_effect, idempotency_key=idempotency_key)
    wrapper = _async(made) if inspect.iscoroutinefunction(function) else _sync(made)
    return functools.wraps(function)(wrapper)


def _sync(made: Tool) -> Any:  # noqa: ANN401  (a function)
    function = made.function

    def wrapper(*args: Any, **options: Any) -> Any:  # noqa: ANN401  (the function's own)
        handler = state.handler  # once: another thread may end the session
        bound = None if handler is None else made.bound(args, options)
        if handler is None or bound is None:
            return function(*args, **options)
        call = Call(made, handler, bound)
        if isinstance(call.decision, Serve):
            wait(call.decision, 0)
            if call.decision.end_kind in WAITING:
                until_the_end()
            call.decision.course.arrive()
            return call.answer(call.decision)
        call.decision.course.leave()  # what it does is on its own account
        try:
            with call:
                result = function(*args, **options)
            return call.returned(result)
        finally:
            call.decision.course.arrive()

    return wrapper


def _async(made: Tool) -> Any:  # noqa: ANN401  (a function)
    function = made.function

    async def wrapper(*args: Any, **options: Any) -> Any:  # noqa: ANN401  (the function's own)
        handler = state.handler  # once: another thread may end the session
        bound = None if handler is None else made.bound(args, options)
        if handler is None or bound is None:
            return await function(*args, **options)
        call = Call(made, handler, bound)
        if isinstance(call.decision, Serve):
            await sleep(call.decision.wait_s(0))  # 0 too: a real call lets others run
            if call.decision.end_kind in (*WAITING, "abandoned"):
                await _until_cancelled(call.decision)
            await call.decision.course.async_arrive()
            return call.answer(call.decision)
        try:
            with call:
                result = await function(*args, **options)
            kept = call.returned(result)
        except BaseException as error:
            if not isinstance(error, GeneratorExit):  # one that is closed must not wait
                await _in_turn(call.decision)
            raise
        await _in_turn(call.decision)
        return kept

    return wrapper


async def _in_turn(decision: Forward) -> None:
    """Let a call be over in its turn; one that was cancelled meanwhile is so when it waits next.

    It has done what it does, so that its caller must get the result.
    """
    try:
        await decision.course.async_arrive()
    except BaseException as error:
        if end_kind_of(error) != "cancelled" or isinstance(error, GeneratorExit):
            raise
        task = sys.modules["asyncio"].current_task()
        if hasattr(task, "uncancel"):
            task.uncancel()
        task.cancel(*error.args)


async def _until_cancelled(serve: Serve) -> None:
    try:
        await until_cancelled(serve.course)
    except BaseException as error:
        if serve.taken is not None:
            serve.taken(0, end_kind_of(error))
        raise
