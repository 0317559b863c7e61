"""Agents that race on what they share: `races.py SCENE`, with a chat provider at BASE_URL.

Prints what came of it, as JSON: `total` is what was left of all that was added.
"""

import asyncio
import concurrent.futures
import contextlib
import json
import os
import queue
import sys
import threading
import time

import anyio
import httpx

URL = os.environ["BASE_URL"] + "/v1/chat/completions"
AGENTS = 2


def body(text):
    return {"model": "counter", "messages": [{"role": "user", "content": text}]}


def number_in(response):
    text = response.json()["choices"][0]["message"]["content"]
    return int(text.removesuffix(".").split()[-1])


class Account:
    """What the agents share."""

    def __init__(self):
        self.total = 0
        self.log = []

    def outcome(self, **more):
        return {"total": self.total, "log": self.log, **more}


def threads(lock=None):
    """Each reads the total, asks how much to add, and writes the sum of both."""
    account = Account()

    def agent(name):
        with httpx.Client(timeout=60, verify=False) as client:
            for _ in range(2):
                with lock or contextlib.nullcontext():
                    seen = account.total
                    more = number_in(client.post(URL, json=body(f"add to {seen}")))
                    account.total = seen + more
                account.log.append([name, more, account.total])
                client.post(URL, json=body(f"now {account.total}"))

    started = [threading.Thread(target=agent, args=(name,)) for name in range(AGENTS)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    return account.outcome()


async def tasks(lock=None):
    account = Account()
    async with httpx.AsyncClient(timeout=60, verify=False) as client:

        async def agent(name):
            for _ in range(2):
                async with lock or contextlib.AsyncExitStack():
                    seen = account.total
                    more = number_in(await client.post(URL, json=body(f"add to {seen}")))
                    account.total = seen + more
                account.log.append([name, more, account.total])
                await client.post(URL, json=body(f"now {account.total}"))

        await asyncio.gather(*[agent(name) for name in range(AGENTS)])
    return account.outcome()


def queue_of_results():
    """The order in which results reach a queue is what the last prompt says."""
    account, box = Account(), queue.Queue()
    with httpx.Client(timeout=60, verify=False) as client:

        def agent(name):
            box.put([name, number_in(client.post(URL, json=body("the same")))])

        for name in range(4):
            threading.Thread(target=agent, args=(name,)).start()
        account.log = [box.get(timeout=30) for _ in range(4)]
        account.total = number_in(client.post(URL, json=body(json.dumps(account.log))))
    return account.outcome()


def workers_of_a_queue():
    """Workers take turns at one queue, and each remembers what it has had."""
    account, box = Account(), queue.Queue()

    def worker(name, client):
        said = [name]
        while (item := box.get()) is not None:
            said += [item, number_in(client.post(URL, json=body(json.dumps(said))))]
            account.log.append(said[:])
            box.task_done()

    with httpx.Client(timeout=60, verify=False) as client:
        threads = [threading.Thread(target=worker, args=(name, client)) for name in range(4)]
        for thread in threads:
            thread.start()
        client.post(URL, json=body("a plan, while all of them wait"))
        for item in [*range(8), *[None] * 4]:
            box.put(item)
        for thread in threads:
            thread.join()
    return account.outcome()


async def sets_of_tasks():
    """What asyncio gives in sets, or makes tasks of by a set, says who goes first."""
    account = Account()
    async with httpx.AsyncClient(timeout=60, verify=False) as client:

        async def agent(name):
            return name, number_in(await client.post(URL, json=body("the same")))

        for first in asyncio.as_completed([agent(name) for name in range(4)]):
            account.log.append(await first)
        done, _ = await asyncio.wait([asyncio.create_task(agent(name)) for name in range(4)])
        account.log += [task.result() for task in done]
        account.total = number_in(await client.post(URL, json=body(json.dumps(account.log))))

    async def idle(name):
        try:
            await asyncio.sleep(60)
        finally:
            account.log.append(["cancelled", name])

    account.idle = [asyncio.create_task(idle(name)) for name in range(6)]
    await asyncio.sleep(0)
    return account  # and the end of `asyncio.run` cancels who is idle


async def groups_that_fail():
    """One of a group fails; the others are cancelled one after another, and say so."""
    account = Account()
    async with httpx.AsyncClient(timeout=60, verify=False) as client:

        async def agent(name):
            try:
                await client.post(URL, json=body("the same"))
                if name == "4":
                    raise ValueError(name)
                await asyncio.sleep(600)
            except asyncio.CancelledError:
                account.log.append(name)
                raise

        for group in (asyncio.TaskGroup, anyio.create_task_group):
            with contextlib.suppress(ExceptionGroup):
                async with group() as members:
                    start = getattr(members, "start_soon", None)
                    for name in "0123456789":
                        start(agent, name) if start else members.create_task(agent(name))
        own = set()
        for name in "0123456789":
            own.add(task := asyncio.create_task(agent(name)))
            task.add_done_callback(own.discard)
        await asyncio.sleep(1)
        for task in own:
            task.cancel()
        await asyncio.gather(*own, return_exceptions=True)
    return account.outcome()


def futures_that_are_done():
    """What a pool has done when somebody asks for it comes out of a set."""
    account = Account()
    with (
        httpx.Client(timeout=60, verify=False) as client,
        concurrent.futures.ThreadPoolExecutor(4) as pool,
    ):
        asked = {
            pool.submit(client.post, URL, json=body("the same")): name for name in "0123456789"
        }
        time.sleep(1)
        account.log += [asked[one] for one in concurrent.futures.as_completed(asked)]
        account.log += [asked[one] for one in concurrent.futures.wait(asked).done]
    return account.outcome()


def as_completed():
    account = Account()
    with (
        httpx.Client(timeout=60, verify=False) as client,
        concurrent.futures.ThreadPoolExecutor(4) as pool,
    ):
        asked = [pool.submit(client.post, URL, json=body("the same")) for _ in range(4)]
        for future in concurrent.futures.as_completed(asked):
            account.log.append([asked.index(future), number_in(future.result())])
        account.total = number_in(client.post(URL, json=body(json.dumps(account.log))))
    return account.outcome()


async def calls_that_block_a_loop():
    """Tasks that wait for an answer while others of their loop hold it up with a plain call."""
    account = Account()
    with httpx.Client(timeout=60, verify=False) as plain:

        def ask_and_block():
            return number_in(plain.post(URL, json=body("the same")))

        async with httpx.AsyncClient(timeout=60, verify=False) as client:

            async def agent(name):
                for _ in range(3):
                    account.log.append([name, ask_and_block()])
                    seen = account.total
                    more = number_in(await client.post(URL, json=body(f"add to {seen}")))
                    account.total = seen + more
                    account.log.append([name, more, account.total])
                    for _ in range(3):
                        await asyncio.sleep(0)

            await asyncio.gather(*[agent(name) for name in range(8)])
    return account.outcome()


async def first_wins():
    """Whoever answers first is taken, and the others are cancelled."""
    account = Account()
    async with httpx.AsyncClient(timeout=60, verify=False) as client:
        asked = [asyncio.create_task(client.post(URL, json=body("the same"))) for _ in range(4)]
        done, left = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        for task in left:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        account.log = sorted([asked.index(task), number_in(task.result())] for task in done)
        account.total = number_in(await client.post(URL, json=body(json.dumps(account.log))))
    return account.outcome()


SCENES = {
    "threads": threads,
    "threads_with_a_lock": lambda: threads(threading.Lock()),
    "tasks": lambda: asyncio.run(tasks()),
    "tasks_with_a_lock": lambda: asyncio.run(tasks(asyncio.Lock())),
    "queue_of_results": queue_of_results,
    "as_completed": as_completed,
    "calls_that_block_a_loop": lambda: asyncio.run(calls_that_block_a_loop()),
    "workers_of_a_queue": workers_of_a_queue,
    "sets_of_tasks": lambda: asyncio.run(sets_of_tasks()).outcome(),
    "groups_that_fail": lambda: asyncio.run(groups_that_fail()),
    "futures_that_are_done": futures_that_are_done,
    "first_wins": lambda: asyncio.run(first_wins()),
}


if __name__ == "__main__":
    print(json.dumps(SCENES[sys.argv[1]]()))
