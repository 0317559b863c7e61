"""Where a step begins, ends and belongs, whatever a program does to it."""

import _thread
import asyncio
import contextvars
import queue
import threading

import pytest

import agentvcr
from agentvcr.inside.steps import part_of
from agentvcr.steps import find_step, steps_of

ODD_NAMES = [
    *("task0", "task0_", "thread12", "work1", "proc0", "llm", "llm_", "tool", "agent", "run"),
    *("a/b", "a%2Fb", "x[1]", "x", "", "%", "#", "a#b", "main", "main_", "?", "?_"),
    *("3", "3_", "1", " x", "x ", "x\u00a0", "x\u2003", "x 03", "x\x85", "x\x1cy"),
    *("nul\0", "snow \u2603 \U0001f9ca", "\ud800", "\udfff", "e\u0301", "\u00e9"),
    *("y" * 119, "y" * 120, "y" * 121, "y" * 122, "y" * 5000, "\u2003" * 60, "--help"),
]


@pytest.fixture
def recorded(tmp_path):
    """Record what a function does; gives the run."""

    def record(function, name="a"):
        with agentvcr.record(tmp_path / f"{name}.avcr") as session:
            function()
        return session.run

    return record


def parents(run):
    return {step.id: step.parent for step in steps_of(run)}


def failures(run):
    return {one.path: one.failure and one.failure.type for one in run.steps}


# --- paths ----------------------------------------------------------------------------------------


def test_no_two_names_make_the_same_part_and_none_looks_like_a_lane_or_a_number():
    parts = [part_of(name) for name in ODD_NAMES]
    assert len(set(parts)) == len(ODD_NAMES)
    assert not {"thread12", "llm", "main", "?", "3", ""} & set(parts)
    assert all(part == part.strip() and "/" not in part and "[" not in part for part in parts)
    assert all(part.encode() and len(part) < 140 for part in parts)


def test_each_path_finds_its_own_step(recorded):
    def program():
        for name in ODD_NAMES * 2:
            with agentvcr.step(name), agentvcr.step(name):
                pass

    run = recorded(program)
    steps = steps_of(run)
    assert len(steps) == len({step.id for step in steps}) == 4 * len(ODD_NAMES)
    assert [find_step(run, step.id).number for step in steps] == [step.number for step in steps]
    assert all(inner.parent == outer.id for outer, inner in zip(*[iter(steps)] * 2, strict=True))


def test_steps_of_threads_that_nobody_named_have_paths_of_their_own(recorded):
    over = [threading.Event() for _ in range(3)]

    def work(index):
        with agentvcr.step("x"), agentvcr.step(f"y{index}"):
            pass
        over[index].set()

    def program():
        for index, event in enumerate(over):
            _thread.start_new_thread(work, (index,))
            event.wait()
        with agentvcr.step("x"):
            pass

    found = parents(recorded(program))
    assert len(found) == 7
    assert [path for path, parent in found.items() if parent is None] == [
        *("?/x", "?/x[1]", "?/x[2]"),
        "x",
    ]
    assert found["?/x[1]/y1"] == "?/x[1]"


def test_a_thread_of_before_the_block_has_steps_of_its_own(recorded):
    asked, answered = queue.Queue(), queue.Queue()

    def serve():
        while asked.get():
            with agentvcr.step("serve"):
                answered.put(1)

    def program():
        with agentvcr.step("serve"):
            asked.put(1)
            answered.get()
        asked.put(0)
        thread.join()

    thread = threading.Thread(target=serve)
    thread.start()
    assert sorted(parents(recorded(program))) == ["?/serve", "serve"]


def test_a_unit_of_work_and_a_step_of_one_name_are_two(recorded):
    def program():
        for mark in (agentvcr.run, agentvcr.step, agentvcr.run):
            with mark("order"), agentvcr.step("pay"):
                pass
        with agentvcr.run("order", key="a/b"), agentvcr.run("order", key=7):
            pass

    assert list(parents(recorded(program))) == [
        *("order", "order/pay", "order[1]", "order[1]/pay", "order[2]", "order[2]/pay"),
        *("order:a%2Fb", "order:7"),
    ]


# --- beginnings and ends --------------------------------------------------------------------------


def test_a_step_object_is_entered_once_at_a_time(recorded):
    def program():
        one = agentvcr.step("x")
        with one, pytest.raises(RuntimeError, match="entered already"), one:
            pytest.fail("entered twice")
        with one:
            pass

    assert parents(recorded(program)) == {"x": None, "x[1]": None}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_exception_ends_the_step_and_goes_on(recorded, error):
    def program():
        with pytest.raises(error), agentvcr.step("outer"), agentvcr.step("inner"):
            raise error
        with agentvcr.step("after"):
            pass

    run = recorded(program)
    name = f"builtins.{error.__name__}"
    assert failures(run) == {"outer": name, "outer/inner": name, "after": None}
    assert parents(run)["after"] is None


def test_a_cancelled_task_ends_its_step(recorded):
    async def wait(began):
        async with agentvcr.step("wait"):
            began.set()
            await asyncio.get_running_loop().create_future()

    async def program():
        began = asyncio.Event()
        task = asyncio.create_task(wait(began))
        await began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run = recorded(lambda: asyncio.run(program()))
    assert list(failures(run).values()) == ["asyncio.exceptions.CancelledError"]


def test_steps_left_out_of_order_leave_nothing_behind(recorded):
    def program():
        outer, middle, inner = (agentvcr.step(name) for name in "abc")
        for one in (outer, middle, inner):
            one.__enter__()
        for one in (middle, outer, inner):
            one.__exit__(None, None, None)
        with agentvcr.step("after"):
            pass

    run = recorded(program)
    assert parents(run) == {"a": None, "a/b": "a", "a/b/c": "a/b", "after": None}
    assert all(one.ended_ns for one in run.steps)


def test_a_step_left_in_another_task_ends_once(recorded):
    async def program():
        one = agentvcr.step("x")
        one.__enter__()

        async def leave():
            one.__exit__(None, None, None)
            one.__exit__(ValueError, ValueError(), None)

        await asyncio.create_task(leave())

    run = recorded(lambda: asyncio.run(program()))
    assert list(failures(run).values()) == [None]
    assert run.steps[0].ended_ns


def test_a_step_that_is_not_left_is_in_progress(recorded):
    run = recorded(lambda: agentvcr.step("x").__enter__())
    assert run.steps[0].ended_ns is None


def test_a_step_of_an_earlier_block_ends_nothing_in_this_one(recorded):
    old = agentvcr.step("x")
    recorded(old.__enter__, "first")

    def program():
        with agentvcr.step("x"):
            old.__exit__(ValueError, ValueError("old"), None)

    assert failures(recorded(program, "second")) == {"x": None}


def test_tasks_that_share_a_context_keep_the_steps_apart(recorded):
    async def work(name):
        async with agentvcr.step(name):
            await asyncio.sleep(0)

    async def program():
        context = contextvars.copy_context()
        with agentvcr.step("outer"):
            loop = asyncio.get_running_loop()
            for name in ("x", "x"):
                await loop.create_task(work(name), context=context)

    run = recorded(lambda: asyncio.run(program()))
    found = parents(run)
    outer, *inner = found
    assert len(inner) == 2
    assert found == {outer: None, **dict.fromkeys(inner, outer)}


# --- what is said of a step -----------------------------------------------------------------------


class Hostile:
    """Raises at whatever is asked of it."""

    @property
    def __class__(self):
        raise RuntimeError("no class")

    def __getattr__(self, name):
        raise RuntimeError(name)

    def __eq__(self, other):
        raise RuntimeError("no comparison")

    __hash__ = None


class HostileItems(dict):
    def items(self):
        raise RuntimeError("no items")


class HostileError(Exception):
    def __str__(self):
        raise RuntimeError("no text")


class HostileMeta(type):
    def __getattr__(cls, name):
        raise RuntimeError(name)


class HostileKey(metaclass=HostileMeta):
    pass


def ring():
    """A list that holds itself twice: a walk that follows it doubles at each level."""
    one = []
    one += [one, one, {"a": one}]
    return one


ODD_VALUES = {
    "hostile": Hostile(),
    "items": HostileItems(a=1),
    "error": HostileError(),
    "key": {HostileKey(): 1},
    "digits": 10**5000,
    "nan": float("nan"),
    "surrogate": "\ud800",
    "ring": ring(),
    "long": list(range(500_000)),
    "text": "x" * 3_000_000,
    "bytes": b"\xff" * 3_000_000,
    "lock": _thread.allocate_lock(),
    "generator": (one for one in "ab"),
    "set": {1, "a", None, (1, 2)},
}


@pytest.mark.parametrize("kind", ODD_VALUES)
def test_no_value_gets_in_the_way_of_the_program(recorded, kind):
    value = ODD_VALUES[kind]

    def program():
        with agentvcr.step("x", input=value, agent=7) as one:
            one.set_output({"value": value})
        agentvcr.handoff("a", "b", value)
        agentvcr.state_write("k", value)
        with agentvcr.step("after"):
            pass

    run = recorded(program)
    assert list(parents(run)) == ["x", "handoff[0]", "state[0]", "after"]
    assert all(0 < len(one.input) < 300_000 for one in run.steps[:3])
    assert run.steps[0].agent == "7"


def test_an_endlessly_nested_value_is_cut(recorded):
    value = []
    for _ in range(100_000):
        value = [value]

    def program():
        with agentvcr.step("x", input=value):
            pass

    assert b"$type" in recorded(program).steps[0].input


def test_an_exception_whose_text_raises_goes_on_as_it_is(recorded):
    def program():
        with pytest.raises(HostileError), agentvcr.step("x"):
            raise HostileError

    assert list(failures(recorded(program)).values()) == [f"{__name__}.HostileError"]


def test_a_unit_of_work_is_called_whatever_is_given(recorded):
    def program():
        with agentvcr.run(5, key=object):
            pass

    assert len(recorded(program).steps) == 1


# --- where nothing records ------------------------------------------------------------------------


def test_where_nothing_records_nothing_is_done():
    asked = []

    class Curious:
        def __getattribute__(self, name):
            asked.append(name)
            return super().__getattribute__(name)

    value = Curious()
    one = agentvcr.step("x", input=value)
    with one, one:  # nothing is open, so nothing is entered twice
        one.set_output(value)
    agentvcr.handoff("a", "b", value)
    agentvcr.state_write("k", value)
    with agentvcr.run("r", key=value):
        pass
    assert not asked
    with pytest.raises(ZeroDivisionError), agentvcr.step("x"):
        _ = 1 / 0
