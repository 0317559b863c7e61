"""Tasks that fail, wait and end in every way there is: `loose_tasks.py SCENE`."""

import asyncio
import warnings

import loose
from loose import URL, ask_alone, ask_with, body, client, say, tell

CHILD = ["sh", "-c", "sleep 0.1; echo a child"]
warnings.simplefilter("ignore")


async def fail():
    await ask_alone("before it fails")
    raise ValueError("on purpose")


# --- failing and cancelled ------------------------------------------------------------------------


async def failing_gather():
    async with client() as asker:
        found = await asyncio.gather(fail(), ask_with(asker), fail(), return_exceptions=True)
        say([type(one).__name__ for one in found])
        try:
            await asyncio.gather(fail(), ask_with(asker), ask_with(asker))
        except ValueError:
            say("failed")
        tell(await ask_with(asker, "after"))


async def failing_group():
    async with client() as asker:
        cancelled = []

        async def patient():
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                cancelled.append(await ask_with(asker, "while cancelled"))
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
        tasks = [asyncio.create_task(ask_with(asker, f"{one}")) for one in range(8)]
        done, left = await asyncio.wait(tasks, return_when="FIRST_COMPLETED")
        for task in left:
            task.cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        tell([one if isinstance(one, str) else "cancelled" for one in found])
        say(bool(done), await ask_with(asker, "after") != "")


async def shielded():
    async with client() as asker:
        task = asyncio.create_task(ask_with(asker))
        try:
            await asyncio.wait_for(asyncio.shield(task), 0.001)
        except TimeoutError:
            say("late")
        tell(await task)


async def races_of_timeouts():
    async with client() as asker:
        for timeout in (0, 0.001, 0.02, 0.05, 0.08, 0.11, 30):
            try:
                tell(await asyncio.wait_for(ask_with(asker, f"{timeout}"), timeout))
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
    *(left_open, queues_and_locks, spinning, heartbeats, streams, children),
)
SCENES = {one.__name__: (lambda one=one: asyncio.run(one())) for one in COROUTINES}


if __name__ == "__main__":
    loose.run(SCENES)
