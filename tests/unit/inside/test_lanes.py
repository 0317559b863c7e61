"""The same logical caller has the same name in every run, whatever the scheduler does."""

import asyncio
import contextvars
import gc
import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import anyio
import anyio.lowlevel
import pytest

from agentvcr.inside import lanes


@pytest.fixture(autouse=True)
def _hooked():
    token = lanes.start("main")
    for name, hook in lanes.HOOKS.items():
        __import__(name)
        hook(sys.modules[name])
    yield
    lanes.uninstall()
    lanes.leave(token)


def name():
    return lanes.current().name


async def after(delay_s):
    await asyncio.sleep(delay_s)
    return name()


def test_tasks_are_numbered_by_their_parent_in_creation_order():
    async def main():
        made = [asyncio.create_task(after(delay)) for delay in (0.02, 0.0, 0.01)]
        gathered = await asyncio.gather(after(0.01), after(0))
        async with asyncio.TaskGroup() as group:
            grouped = group.create_task(after(0))
        return [*[await task for task in made], *gathered, grouped.result()]

    assert asyncio.run(main()) == [f"main/main#0/after#{number}" for number in range(6)]


def test_anyio_tasks_are_numbered_like_any():
    async def main():
        found = {}

        async def note(key):
            await anyio.lowlevel.checkpoint()
            found[key] = name()

        async with anyio.create_task_group() as group:
            for key in "ab":
                group.start_soon(note, key)
        found["thread"] = await anyio.to_thread.run_sync(name)
        return found

    found = anyio.run(main)
    assert found["a"].endswith("/note#0")
    assert found["b"].endswith("/note#1")


def test_threads_and_work_items_have_lanes_and_pool_workers_have_none():
    found = []
    threads = [threading.Thread(target=lambda: found.append(name())) for _ in range(2)]
    for thread in threads:
        thread.start()
        thread.join()
    with ThreadPoolExecutor(2) as pool:
        items = [future.result() for future in [pool.submit(name) for _ in range(4)]]
    assert found == ["main/thread0", "main/thread1"]
    assert items == [f"main/work{number}" for number in range(4)]
    assert name() == "main"


def test_nested_both_ways():
    def threaded():
        return asyncio.run(after(0))

    async def main():
        return await asyncio.to_thread(threaded), await asyncio.to_thread(name)

    assert asyncio.run(main()) == ("main/main#0/work0/after#0", "main/main#0/work1")


def fan_out(seed):
    chance = random.Random(seed)

    async def grand(depth):
        await asyncio.sleep(chance.random() / 300)
        found = [name()]
        if depth:
            for names in await asyncio.gather(*[grand(depth - 1) for _ in range(2)]):
                found += names
            found.append(await asyncio.to_thread(work))
        return found

    def work():
        time.sleep(chance.random() / 300)
        with ThreadPoolExecutor(2) as pool:
            return [future.result() for future in [pool.submit(name) for _ in range(3)]]

    token = lanes.start("main")
    try:
        return asyncio.run(grand(2))
    finally:
        lanes.leave(token)


def test_the_same_names_under_different_schedules(rounds):
    expected = fan_out(0)
    assert all(fan_out(seed) == expected for seed in range(1, 3 * rounds))


def test_a_task_in_a_context_that_is_running_starts_as_without_us():
    async def main(context):
        task = asyncio.get_running_loop().create_task(after(0), context=context)
        await task
        return name()

    async def outer():
        context = contextvars.copy_context()
        return await asyncio.get_running_loop().create_task(main(context), context=context)

    assert asyncio.run(outer()) == "main/outer#0/main#0"


def test_a_collected_async_generator_takes_no_number(monkeypatch):
    async def stream():
        yield 1
        yield 2

    async def main(*, collect):
        generator = stream()
        await anext(generator)
        circle = [generator]
        circle.append(circle)
        del generator, circle
        if collect:
            gc.collect()
        await asyncio.sleep(0)
        return await asyncio.create_task(after(0))

    gc.disable()
    try:
        names = set()
        for collect in (False, True):
            token = lanes.start("main")
            names.add(asyncio.run(main(collect=collect)))
            lanes.leave(token)
    finally:
        gc.enable()
    assert names == {"main/main#0/after#0"}


def test_a_client_s_inner_workings_take_no_numbers():
    token = lanes.enter(lanes.current().under_cover())
    assert lanes.is_shadow()
    found = []
    thread = threading.Thread(target=lambda: found.append((name(), lanes.is_shadow())))
    thread.start()
    thread.join()
    lanes.leave(token)
    assert found == [("main", True)]
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(name).result() == "main/work0"


def test_uninstall_puts_everything_back():
    from asyncio.base_events import BaseEventLoop

    hooked = BaseEventLoop.create_task
    lanes.uninstall()
    assert BaseEventLoop.create_task is not hooked
    assert not lanes._undo


def test_helper_tasks_of_another_function_do_not_shift_the_names():
    async def waiter():
        await asyncio.sleep(0)

    async def main(helpers):
        for _ in range(helpers):
            await asyncio.create_task(waiter())
        return await asyncio.create_task(after(0))

    names = set()
    for helpers in (0, 7):
        token = lanes.start("main")
        names.add(asyncio.run(main(helpers)))
        lanes.leave(token)
    assert names == {"main/main#0/after#0"}


@pytest.mark.parametrize("enter", ["method", "closure", "empty"])
def test_a_thread_in_a_carried_context_has_its_own_lane(enter):
    found = []

    def note():
        found.append((name(), asyncio.run(after(0))))

    for _ in range(2):
        context = contextvars.Context() if enter == "empty" else contextvars.copy_context()
        run = context.run if enter == "method" else lambda work, context=context: context.run(work)
        thread = threading.Thread(target=run, args=(note,))
        thread.start()
        thread.join()
    assert found == [(f"main/thread{at}", f"main/thread{at}/after#0") for at in range(2)]
    assert name() == "main"


def test_work_that_enters_a_carried_context_in_a_closure_has_its_own_lane():
    contexts = [contextvars.copy_context() for _ in range(4)]
    with ThreadPoolExecutor(2) as pool:  # as langchain's Runnable.batch does
        found = list(pool.map(lambda _: contexts.pop().run(name), range(4)))
    assert found == [f"main/work{number}" for number in range(4)]


def test_what_another_thread_hands_to_a_loop_is_named_where_it_is_handed_over():
    loop = asyncio.new_event_loop()
    futures = [asyncio.run_coroutine_threadsafe(after(0), loop) for _ in range(2)]
    own = asyncio.run(after(0))  # the loop has not begun: it gets to the two later
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    found = [future.result() for future in futures]
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
    assert own == "main/after#0"
    assert found == ["main/call0/after#0", "main/call1/after#0"]
