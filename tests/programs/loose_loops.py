"""Event loops, and threads beside them, in every way there is: `loose_loops.py SCENE`."""

import asyncio
import concurrent.futures
import os
import signal
import threading
import time
import warnings

import anyio
import loose
from loose import ask, ask_alone, say, tell

warnings.simplefilter("ignore")


# --- loops ----------------------------------------------------------------------------------------


def one_loop_again_and_again():
    loop = asyncio.new_event_loop()
    for number in range(4):
        tell(loop.run_until_complete(ask_alone(f"{number}")))
    loop.close()
    say("closed", loop.is_closed())


def loops_in_turn():
    loops = [asyncio.new_event_loop() for _ in range(3)]
    for number in range(6):
        tell(loops[number % 3].run_until_complete(ask_alone(f"{number}")))
    for loop in loops:
        loop.close()
    say("closed")


def loop_stopped_early():
    loop = asyncio.new_event_loop()
    task = loop.create_task(ask_alone())
    loop.call_later(0.005, loop.stop)
    loop.run_forever()
    say("stopped", task.done())
    tell(loop.run_until_complete(task))
    waiting = loop.create_task(asyncio.sleep(3600))
    loop.run_until_complete(asyncio.sleep(0))
    waiting.cancel()
    loop.close()
    say("closed")


def loop_in_a_thread():
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    futures = [asyncio.run_coroutine_threadsafe(ask_alone(f"{one}"), loop) for one in range(3)]
    tell([future.result(timeout=30) for future in futures])
    slow = asyncio.run_coroutine_threadsafe(asyncio.sleep(3600), loop)
    try:
        slow.result(timeout=0.05)
    except concurrent.futures.TimeoutError:
        say("late", slow.cancel())
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
    say("over")


def runs_in_threads():
    def work():
        tell_later.append(asyncio.run(ask_alone()))

    tell_later = []
    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tell(tell_later)


def loop_within_a_loop():
    """Run a loop that runs already, as notebooks do."""
    loop = asyncio.new_event_loop()

    def again(coroutine):
        task = loop.create_task(coroutine)
        running = asyncio._get_running_loop()
        current = asyncio.current_task(loop)
        asyncio.tasks._leave_task(loop, current)
        while not task.done():
            loop._run_once()
        asyncio.tasks._enter_task(loop, current)
        asyncio._set_running_loop(running)
        return task.result()

    async def outer():
        first = await ask_alone("outer")
        second = again(ask_alone("inner"))
        again(asyncio.sleep(0.02))
        return first, second, await ask_alone("outer again")

    tell(loop.run_until_complete(outer()))
    loop.close()
    say("over")


async def debugged():
    asyncio.get_running_loop().set_debug(True)
    tell(await asyncio.gather(ask_alone(), ask_alone(), asyncio.sleep(0.02)))


# --- signals --------------------------------------------------------------------------------------


async def signals():
    loop, came = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, came.set)
    tell(await ask_alone("before"))
    os.kill(os.getpid(), signal.SIGUSR1)
    await came.wait()
    say("came")
    tell(await ask_alone("after"))


def interrupted():
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it

    async def main():
        tell(await ask_alone("before"))
        asyncio.get_running_loop().call_later(0.02, os.kill, os.getpid(), signal.SIGINT)
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            tell(await ask_alone("while cancelled"))
            raise

    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        say("interrupted")


# --- threads and tasks ----------------------------------------------------------------------------


async def events_from_threads():
    loop, log = asyncio.get_running_loop(), []
    events = [asyncio.Event() for _ in range(4)]

    def work(event):
        log.append(ask())
        loop.call_soon_threadsafe(event.set)

    threads = [threading.Thread(target=work, args=(event,)) for event in events]
    for thread in threads:
        thread.start()
    for event in events:
        await event.wait()
    for thread in threads:
        thread.join()
    tell(log)


async def threads_that_ask_tasks():
    loop = asyncio.get_running_loop()

    def work(number):
        there = asyncio.run_coroutine_threadsafe(ask_alone(f"task of {number}"), loop)
        return ask(f"thread {number}"), there.result()

    tell(await asyncio.gather(*[asyncio.to_thread(work, number) for number in range(4)]))


async def abandoned_thread():
    over = threading.Event()
    try:
        await asyncio.wait_for(asyncio.to_thread(over.wait), 0.05)
    except TimeoutError:
        say("late")
    tell(await ask_alone("beside it"))
    over.set()


async def mixed_executors():
    loop, log = asyncio.get_running_loop(), []

    def compute(seconds):
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            pass

    async def agent(number):
        log.append(await ask_alone())
        await loop.run_in_executor(None, compute, 0.01 * number)
        log.append(await ask_alone(f"after {len(log)}"))
        await asyncio.to_thread(time.sleep, 0.01 * number)

    await asyncio.gather(*[agent(number) for number in range(4)])
    tell(log)


def anyio_portals():
    async def main():
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.sleep, 3600)
            with anyio.move_on_after(0.05) as scope:
                await anyio.sleep(3600)
            say("late", scope.cancelled_caught)
            tell(await anyio.to_thread.run_sync(lambda: anyio.from_thread.run(ask_alone)))
            tell(await anyio.to_thread.run_sync(ask))
            group.cancel_scope.cancel()

    anyio.run(main)
    with anyio.from_thread.start_blocking_portal() as portal:
        tell(portal.call(ask_alone))
    say("over")


COROUTINES = (
    *(debugged, signals, events_from_threads, threads_that_ask_tasks),
    *(abandoned_thread, mixed_executors),
)
FUNCTIONS = (
    *(one_loop_again_and_again, loops_in_turn, loop_stopped_early, loop_in_a_thread),
    *(runs_in_threads, loop_within_a_loop, interrupted, anyio_portals),
)
SCENES = {
    **{one.__name__: (lambda one=one: asyncio.run(one())) for one in COROUTINES},
    **{one.__name__: one for one in FUNCTIONS},
}


if __name__ == "__main__":
    loose.run(SCENES)
