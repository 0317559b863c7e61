"""Tasks and loops that end in every way there is: `loose_tasks.py SCENE`, a provider at BASE_URL.

Says what does not depend on chance; what it was answered stands in lines that begin with `told`.
"""

import asyncio
import concurrent.futures
import os
import signal
import sys
import threading
import time
import warnings

import anyio
import httpx

URL = os.environ["BASE_URL"] + "/v1/chat/completions"
CHILD = ["sh", "-c", "sleep 0.1; echo a child"]
warnings.simplefilter("ignore")


def body(text, **options):
    return {"model": "counter", "messages": [{"role": "user", "content": text}], **options}


def client():
    return httpx.AsyncClient(timeout=60, verify=False)


async def ask(asker, text="the same"):
    """Ask the model, and give its answer."""
    response = await asker.post(URL, json=body(text))
    return response.json()["choices"][0]["message"]["content"]


async def ask_alone(text="the same"):
    async with client() as asker:
        return await ask(asker, text)


def ask_from_thread(text="the same"):
    with httpx.Client(timeout=60, verify=False) as asker:
        response = asker.post(URL, json=body(text))
    return response.json()["choices"][0]["message"]["content"]


def say(*words):
    print(*words, flush=True)


def tell(*words):
    """Say what another run may be told otherwise."""
    say("told", *words)


async def fail():
    await ask_alone("before it fails")
    raise ValueError("on purpose")


# --- failing and cancelled ------------------------------------------------------------------------


async def failing_gather():
    async with client() as asker:
        found = await asyncio.gather(fail(), ask(asker), fail(), return_exceptions=True)
        say([type(one).__name__ for one in found])
        try:
            await asyncio.gather(fail(), ask(asker), ask(asker))
        except ValueError:
            say("failed")
        tell(await ask(asker, "after"))


async def failing_group():
    async with client() as asker:
        cancelled = []

        async def patient():
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                cancelled.append(await ask(asker, "while cancelled"))
                raise

        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(fail())
                group.create_task(patient())
                group.create_task(patient())
        except* ValueError:
            say("failed", len(cancelled))
        tell(cancelled)


async def cancelled_while_asking():
    async with client() as asker:
        tasks = [asyncio.create_task(ask(asker, f"{one}")) for one in range(8)]
        done, left = await asyncio.wait(tasks, return_when="FIRST_COMPLETED")
        for task in left:
            task.cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        tell([one if isinstance(one, str) else "cancelled" for one in found])
        say(bool(done), await ask(asker, "after") != "")


async def shielded():
    async with client() as asker:
        task = asyncio.create_task(ask(asker))
        try:
            await asyncio.wait_for(asyncio.shield(task), 0.001)
        except TimeoutError:
            say("late")
        tell(await task)


async def races_of_timeouts():
    async with client() as asker:
        for timeout in (0, 0.001, 0.02, 0.05, 0.08, 0.11, 30):
            try:
                tell(await asyncio.wait_for(ask(asker, f"{timeout}"), timeout))
            except TimeoutError:
                tell("late")
        try:
            async with asyncio.timeout(0.06):
                await asyncio.sleep(3600)
        except TimeoutError:
            say("late")


async def left_open():
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)

    async def endless():
        while True:  # noqa: ASYNC110  (as an agent's heart beats)
            await asyncio.sleep(0.01)

    async def pieces():
        for number in range(3):
            yield number, await ask_alone(f"{number}")

    tasks = [asyncio.create_task(one()) for one in (endless, endless, ask_alone)]
    async for number, answer in pieces():
        tell(answer)
        if number == 1:
            break
    say("main is over", len(tasks))


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
        log.append(ask_from_thread())
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
        return ask_from_thread(f"thread {number}"), there.result()

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
            tell(await anyio.to_thread.run_sync(ask_from_thread))
            group.cancel_scope.cancel()

    anyio.run(main)
    with anyio.from_thread.start_blocking_portal() as portal:
        tell(portal.call(ask_alone))
    say("over")


# --- waiting --------------------------------------------------------------------------------------


async def queues_and_locks():
    box, lock, places, log = asyncio.Queue(2), asyncio.Lock(), asyncio.Semaphore(2), []

    async def make(number):
        for _ in range(3):
            async with places:
                await box.put(await ask_alone(f"{number}"))

    async def take():
        while True:
            answer = await box.get()
            async with lock:
                log.append((answer, await ask_alone(answer)))
            box.task_done()

    takers = [asyncio.create_task(take()) for _ in range(3)]
    await asyncio.gather(*[make(number) for number in range(3)])
    await box.join()
    for taker in takers:
        taker.cancel()
    tell(log)
    say(len(log))


async def spinning():
    tasks = [asyncio.create_task(ask_alone(f"{one}")) for one in range(4)]
    while not all(task.done() for task in tasks):  # noqa: ASYNC110  (the scene is about it)
        await asyncio.sleep(0)
    tell([task.result() for task in tasks])


async def heartbeats():
    beats = []

    async def beat():
        while True:
            await asyncio.sleep(0.01)
            beats.append(1)

    heart = asyncio.create_task(beat())
    tell([await ask_alone(f"{number} {len(beats)}") for number in range(4)])
    heart.cancel()


async def streams():
    log = []

    async def read(number):
        async with (
            client() as asker,
            asker.stream("POST", URL, json=body("the same", stream=True)) as response,
        ):
            async for line in response.aiter_lines():
                log.append((number, line))
                if number == 2:
                    return

    await asyncio.gather(*[read(number) for number in range(4)])
    tell(log)


async def children():
    async def child():
        process = await asyncio.create_subprocess_exec(*CHILD, stdout=-1)
        said, _ = await process.communicate()
        say(said.decode().strip())
        return await ask_alone("after a child")

    tell(await asyncio.gather(child(), child(), ask_alone()))


COROUTINES = (
    *(failing_gather, failing_group, cancelled_while_asking, shielded, races_of_timeouts),
    *(left_open, debugged, signals, events_from_threads, threads_that_ask_tasks),
    *(abandoned_thread, mixed_executors, queues_and_locks, spinning, heartbeats, streams, children),
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
    SCENES[sys.argv[1]]()
