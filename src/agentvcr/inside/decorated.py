"""Functions dressed as steps: plain ones, coroutines, generators and async generators.

Owns what becomes of a call's arguments and results. A decorated function stays what it was, for
whoever asks `inspect` about it.
"""

from __future__ import annotations

import functools
import inspect

from agentvcr.inside import state

TYPE_CHECKING = False  # `typing` would cost each program that has steps 10 ms
if TYPE_CHECKING:
    from typing import Any

    from agentvcr.inside.steps import Step

_MOST_ITEMS = 1000
"""Items of a generator that are kept as a step's output."""
_OWNERS = ("self", "cls")


def owner_of(function: Any, signature: Any) -> str:  # noqa: ANN401  (any function)
    """Name the parameter that takes the object that owns a method; empty for a plain function."""
    outer = getattr(function, "__qualname__", "").rpartition(".")[0]
    first = next(iter(signature.parameters), "")
    return first if outer and not outer.endswith("<locals>") and first in _OWNERS else ""


def arguments_of(bound: Any, owner: str) -> dict[str, Any]:  # noqa: ANN401  (inspect's)
    """Give bound arguments by name, with defaults, without the object that owns the method."""
    bound.apply_defaults()
    named = dict(bound.arguments)
    named.pop(owner, None)
    return named


class _Call:
    """What the wrappers of one function share."""

    def __init__(self, template: Step, function: Any) -> None:  # noqa: ANN401  (any function)
        self.template = template
        self.function = function
        self._signature: Any = None
        self._owner = ""

    def step(self, args: Any, options: Any) -> Step:  # noqa: ANN401  (a call's)
        """Make the step of one call."""
        step = self.template.again()
        if state.handler is None:
            return step
        try:
            if self._signature is None:
                signature = inspect.signature(self.function)
                self._owner, self._signature = owner_of(self.function, signature), signature
            step.input = arguments_of(self._signature.bind(*args, **options), self._owner)
        except (TypeError, ValueError):  # the call itself will say so; some builtins tell nothing
            step.input = None
        return step


def stepped(template: Step, function: Any) -> Any:  # noqa: ANN401  (any function)
    """Make each call of `function` a step.

    Raises:
        TypeError: It is a class, a `staticmethod` or a `classmethod`.
    """
    if isinstance(function, (staticmethod, classmethod, type)):
        raise TypeError("put agentvcr.step at a function, below @staticmethod and @classmethod")
    call = _Call(template, function)
    if inspect.isasyncgenfunction(function):
        wrapper = _async_generator(call)
    elif inspect.iscoroutinefunction(function):
        wrapper = _coroutine(call)
    elif inspect.isgeneratorfunction(function):
        wrapper = _generator(call)
    else:
        wrapper = _plain(call)
    code = getattr(function, "__code__", None)
    if code is not None and code.co_flags & inspect.CO_ITERABLE_COROUTINE:  # types.coroutine
        import types  # noqa: PLC0415  (hardly ever)

        wrapper = types.coroutine(wrapper)
    return functools.wraps(function)(wrapper)


def _plain(call: _Call) -> Any:  # noqa: ANN401  (a function)
    function = call.function

    def wrapper(*args: Any, **options: Any) -> Any:  # noqa: ANN401  (the function's own)
        if state.handler is None:
            return function(*args, **options)
        with call.step(args, options) as step:
            result = function(*args, **options)
            step.set_output(result)
            return result

    return wrapper


def _coroutine(call: _Call) -> Any:  # noqa: ANN401  (a function)
    function = call.function

    async def wrapper(*args: Any, **options: Any) -> Any:  # noqa: ANN401  (the function's own)
        if state.handler is None:
            return await function(*args, **options)
        with call.step(args, options) as step:
            result = await function(*args, **options)
            step.set_output(result)
            return result

    return wrapper


class _Items:
    """The items that a generator gave, as far as they are kept."""

    def __init__(self, step: Step) -> None:
        self._step = step
        self._items: list[Any] = []

    def add(self, item: Any) -> None:  # noqa: ANN401  (any value)
        if len(self._items) < _MOST_ITEMS:
            self._items.append(item)
            if len(self._items) == 1:
                self._step.set_output(self._items)


def _generator(call: _Call) -> Any:  # noqa: ANN401  (a function)
    function = call.function

    def wrapper(*args: Any, **options: Any) -> Any:  # noqa: ANN401  (the function's own)
        inner = function(*args, **options)
        if state.handler is None:
            return (yield from inner)
        with call.step(args, options) as step:
            items, resume = _Items(step), functools.partial(next, inner)
            while True:
                try:
                    item = resume()
                except StopIteration as end:
                    return end.value
                items.add(item)
                resume = yield from _handed(step, inner, item)

    return wrapper


def _handed(step: Step, inner: Any, item: Any) -> Any:  # noqa: ANN401  (a generator and its item)
    """Hand out one item outside of the step; gives what goes on with the generator inside of it."""
    step.suspend()
    try:
        sent = yield item
    except GeneratorExit:
        step.resume()
        inner.close()
        raise
    except BaseException as error:  # noqa: BLE001  (thrown in by the caller: the generator's)
        step.resume()
        return functools.partial(inner.throw, error)
    step.resume()
    return functools.partial(inner.send, sent)


def _async_generator(call: _Call) -> Any:  # noqa: ANN401  (a function)
    function = call.function

    async def wrapper(*args: Any, **options: Any) -> Any:  # noqa: ANN401  (the function's own)
        inner = function(*args, **options)
        with call.step(args, options) as step:
            items, resume = _Items(step), inner.__anext__
            while True:
                try:
                    item = await resume()
                except StopAsyncIteration:
                    return
                items.add(item)
                step.suspend()
                try:
                    sent = yield item
                except GeneratorExit:
                    step.resume()
                    await inner.aclose()
                    raise
                except BaseException as error:  # noqa: BLE001  (thrown in by the caller)
                    resume = functools.partial(inner.athrow, error)
                else:
                    resume = functools.partial(inner.asend, sent)
                step.resume()

    return wrapper
