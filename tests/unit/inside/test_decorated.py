"""A function dressed as a step is still that function, to whoever calls or inspects it."""

import asyncio
import functools
import gc
import inspect
import pickle
import types
import typing

import pytest

import agentvcr
from agentvcr.steps import steps_of


def plain(a: int, b: str = "x", *rest, c=None) -> list:
    """Say what it got."""
    return [a, b, rest, c]


async def coroutine(a: int) -> int:
    await asyncio.sleep(0)
    return a


def generator(a: int):
    got = yield a
    while got is not None:
        try:
            got = yield got
        except ValueError as error:
            got = yield f"caught {error}"
    return "end"


async def async_generator(a: int):
    got = yield a
    while got is not None:
        try:
            got = yield got
        except ValueError as error:
            got = yield f"caught {error}"


@types.coroutine
def old_coroutine(a):
    yield
    return a


@agentvcr.step("named")
def named(a: int) -> int:
    return a


FUNCTIONS = [plain, coroutine, generator, async_generator, old_coroutine]
PREDICATES = [
    *(inspect.isfunction, inspect.iscoroutinefunction, inspect.isgeneratorfunction),
    *(inspect.isasyncgenfunction, asyncio.iscoroutinefunction, inspect.isroutine, callable),
]


@pytest.fixture(params=["recorded", "alone"])
def session(request, tmp_path):
    """Something that records, and nothing."""
    if request.param == "alone":
        yield None
        return
    with agentvcr.record(tmp_path / "a.avcr") as session:
        yield session


@pytest.fixture
def recorded(tmp_path):
    def record(function):
        with agentvcr.record(tmp_path / "a.avcr") as session:
            function()
        return session.run

    return record


def parents(run):
    return {step.id: step.parent for step in steps_of(run)}


def outcome(function, *args, **options):
    """Give what a call returned or raised."""
    try:
        return function(*args, **options)
    except (TypeError, KeyError) as error:
        return type(error), str(error)


# --- what it is -----------------------------------------------------------------------------------


@pytest.mark.parametrize("function", FUNCTIONS)
def test_it_is_what_it_was(function):
    dressed = agentvcr.step("s")(function)
    for predicate in PREDICATES:
        assert predicate(dressed) == predicate(function), predicate
    assert inspect.signature(dressed) == inspect.signature(function)
    assert typing.get_type_hints(dressed) == typing.get_type_hints(function)
    assert (dressed.__name__, dressed.__doc__) == (function.__name__, function.__doc__)
    assert dressed.__wrapped__ is function


def test_it_is_pickled_by_its_name():
    assert pickle.loads(pickle.dumps(named)) is named


def test_it_can_be_wrapped_again(session):
    @functools.wraps(named)
    def outer(*args):
        return named(*args) + 1

    assert outer(1) == 2
    assert inspect.signature(outer) == inspect.signature(named)


def test_methods_of_every_kind(session):
    class Agent:
        @agentvcr.step("method")
        def method(self, a):
            return self, a

        @staticmethod
        @agentvcr.step("static")
        def static(a):
            return a

        @classmethod
        @agentvcr.step("of class")
        def of_class(cls, a):
            return cls, a

        @property
        @agentvcr.step("property")
        def value(self):
            return 3

        @agentvcr.step("coroutine")
        async def wait(self, a):
            return self, a

    agent = Agent()
    assert agent.method(1) == (agent, 1)
    assert (agent.static(1), Agent.static(2)) == (1, 2)
    assert (agent.of_class(1), Agent.of_class(2)) == ((Agent, 1), (Agent, 2))
    assert (agent.value, asyncio.run(agent.wait(1))) == (3, (agent, 1))


@pytest.mark.parametrize("wrong", [staticmethod(plain), classmethod(plain), dict])
def test_what_is_no_function_is_refused_at_once(wrong):
    with pytest.raises(TypeError, match="step"):
        agentvcr.step("s")(wrong)


# --- what it does ---------------------------------------------------------------------------------


@pytest.mark.parametrize("call", [((1,), {}), ((1, "b", 2), {"c": 3}), ((), {}), ((1,), {"d": 1})])
def test_a_call_gives_and_raises_what_it_did(session, call):
    args, options = call
    assert outcome(agentvcr.step("s")(plain), *args, **options) == outcome(plain, *args, **options)


def test_functions_without_a_signature_can_be_steps(session):
    assert agentvcr.step("s")(min)(2, 1) == 1
    assert agentvcr.step("s")(functools.partial(plain, 1))("b") == [1, "b", (), None]


def test_coroutines_of_both_kinds(session):
    async def both():
        return await agentvcr.step("s")(coroutine)(1), await agentvcr.step("s")(old_coroutine)(2)

    assert asyncio.run(both()) == (1, 2)


def talk(function):
    """Send into a generator, throw into it, and take its return value."""
    made, said = function(1), []
    said += [next(made), made.send(2), made.throw(ValueError("x")), made.send(3)]
    try:
        made.send(None)
    except StopIteration as end:
        said.append(end.value)
    return [*said, outcome(function(1).throw, KeyError("k")), list(function(5))]


async def talk_async(function):
    made, said = function(1), []
    said += [await anext(made), await made.asend(2)]
    said += [await made.athrow(ValueError("x")), await made.asend(3)]
    with pytest.raises(StopAsyncIteration):
        await made.asend(None)
    return [*said, [one async for one in function(5)]]


def test_generators_are_talked_to_as_before(session):
    assert talk(agentvcr.step("s")(generator)) == talk(generator)
    dressed = agentvcr.step("s")(async_generator)
    assert asyncio.run(talk_async(dressed)) == asyncio.run(talk_async(async_generator))


@pytest.mark.parametrize("error", [ValueError, StopIteration, KeyboardInterrupt])
def test_what_a_generator_raises_comes_out(session, error):
    def fail():
        yield 1
        raise error

    wanted = RuntimeError if error is StopIteration else error
    with pytest.raises(wanted):
        list(agentvcr.step("s")(fail)())


# --- where its steps are --------------------------------------------------------------------------


@agentvcr.step("stream")
def stream(name, over):
    try:
        with agentvcr.step(f"{name}1"):
            pass
        yield 1
        with agentvcr.step(f"{name}2"):
            pass
        yield 2
    finally:
        with agentvcr.step(f"{name}3"):
            over.append(name)


@agentvcr.step("stream")
async def stream_async(name, over):
    try:
        with agentvcr.step(f"{name}1"):
            pass
        yield 1
        with agentvcr.step(f"{name}2"):
            pass
        yield 2
    finally:
        with agentvcr.step(f"{name}3"):
            await asyncio.sleep(0)
            over.append(name)


def test_what_is_done_between_two_items_is_the_consumer_s(recorded):
    def program():
        with agentvcr.step("outer"):
            for _ in zip(stream("a", []), stream("b", []), strict=True):
                with agentvcr.step("between"):
                    pass

    assert parents(recorded(program)) == {
        "outer": None,
        "outer/stream": "outer",
        "outer/stream/a1": "outer/stream",
        "outer/stream[1]": "outer",
        "outer/stream[1]/b1": "outer/stream[1]",
        "outer/between": "outer",
        "outer/stream/a2": "outer/stream",
        "outer/stream[1]/b2": "outer/stream[1]",
        "outer/between[1]": "outer",
        "outer/stream/a3": "outer/stream",
        "outer/stream[1]/b3": "outer/stream[1]",
    }


def test_a_generator_dropped_in_the_middle_ends_its_step(recorded):
    over = []

    def program():
        made = stream("a", over)
        next(made)
        with agentvcr.step("other"):
            del made
            gc.collect()
            with agentvcr.step("inner"):
                pass

    run = recorded(program)
    assert over == ["a"]
    assert parents(run)["stream/a3"] == "stream"
    assert parents(run)["other/inner"] == "other"
    assert [one.failure and one.failure.type for one in run.steps if one.name == "stream"] == [
        "builtins.GeneratorExit"
    ]


def test_a_generator_that_is_never_gone_on_with_is_in_progress(recorded):
    kept = []

    def program():
        kept.append(stream("a", []))
        next(kept[0])
        with agentvcr.step("after"):
            pass

    run = recorded(program)
    assert parents(run) == {"stream": None, "stream/a1": "stream", "after": None}
    assert [one.name for one in run.steps if one.ended_ns is None] == ["stream"]
    kept[0].close()  # behind the block: nothing is left to tell


def test_an_async_generator_closed_from_another_task(recorded):
    over = []

    async def program():
        made = stream_async("a", over)
        await anext(made)

        async def close():
            with agentvcr.step("closer"):
                await made.aclose()
                with agentvcr.step("after"):
                    pass

        await asyncio.create_task(close())
        with agentvcr.step("end"):
            pass

    run = recorded(lambda: asyncio.run(program()))
    found = {one.name: parents(run)[one.path] for one in run.steps}
    assert over == ["a"]
    paths = {one.name: one.path for one in run.steps}
    assert found["a3"] == found["a1"] == paths["stream"]
    assert found["after"] == paths["closer"]
    assert found["end"] is None
    assert all(one.ended_ns for one in run.steps)


def test_an_async_generator_thrown_into_ends_with_the_error(recorded):
    async def program():
        made = stream_async("a", [])
        await anext(made)
        with pytest.raises(KeyError):
            await made.athrow(KeyError("k"))
        with agentvcr.step("after"):
            pass

    run = recorded(lambda: asyncio.run(program()))
    failures = {one.name: one.failure and one.failure.type for one in run.steps}
    assert failures == {"stream": "builtins.KeyError", "a1": None, "a3": None, "after": None}
    assert [parents(run)[one.path] for one in run.steps if one.name == "after"] == [None]


def test_arguments_and_results_are_told_without_the_owner(recorded):
    class Agent:
        @agentvcr.step("s")
        def work(self, a, *, b=2):
            return [a, b]

    run = recorded(lambda: Agent().work(1))
    assert (run.steps[0].input, run.steps[0].output) == (b'{"a":1,"b":2}', b"[1,2]")


def test_items_of_a_generator_are_its_output(recorded):
    run = recorded(lambda: list(agentvcr.step("s")(lambda: (yield from range(2000)))()))
    assert run.steps[0].output.startswith(b"[0,1,2,")
    assert run.steps[0].output.endswith(b",999]")
