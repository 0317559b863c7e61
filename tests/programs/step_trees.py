"""A tree of steps, grown over every edge that Python has, in an order that chance decides.

`step_trees.py TREE.json SEED`, with a server at BASE_URL where nodes ask one. The tree says what is
built; the seed only says which of those that run beside one another goes first. Owns the growing.
What is expected of the recording is a test's.

A node is {"number", "edge", "name", "call", "together", "children"}. Its step has the number as its
input, so that it is found whatever its path is.
"""

import asyncio
import itertools
import json
import os
import random
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

import agentvcr

BESIDE = ("thread", "submit", "map")
BESIDE_ASYNC = ("create_task", "gather", "taskgroup", "to_thread", "run_in_executor")
INLINE = ("with", "decorator", "generator")
INLINE_ASYNC = ("async_with", "async_generator")
EDGES = (*BESIDE, *BESIDE_ASYNC, *INLINE, *INLINE_ASYNC)
"""How a child is reached. Where there is no loop, the asynchronous ones get one of their own."""
_WORKERS = 64


class Gate:
    """An event for which threads and the tasks of one loop can wait."""

    def __init__(self, loop):
        self._loop = loop
        self._thread_event = threading.Event()
        self._task_event = asyncio.Event()

    def open(self):
        self._thread_event.set()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._task_event.set)

    def wait(self):
        self._thread_event.wait()

    async def wait_async(self):
        await self._task_event.wait()


class Turns:
    """Lets those that run beside one another begin in a random order: some overlap, some do not."""

    def __init__(self, count, chance, loop, *, together):
        order = list(range(count))
        chance.shuffle(order)
        self._next = dict(itertools.pairwise(order))
        self._overlaps = [together or chance.random() < 0.5 for _ in order]
        self.may_begin = [Gate(loop) for _ in order]
        self.may_end = [Gate(loop) for _ in order]
        self.is_over = [Gate(loop) for _ in order]
        self._together = together
        self._missing = itertools.count(1 - count)
        if order:
            self.may_begin[order[0]].open()

    def begun(self, index):
        """Let the next one begin, where it may before this one ends."""
        if self._overlaps[index]:
            self._pass_on(index)
        if not self._together:
            self.may_end[index].open()
        elif next(self._missing) == 0:  # all of them have begun
            for gate in self.may_end:
                gate.open()

    def over(self, index):
        if not self._overlaps[index]:
            self._pass_on(index)
        self.is_over[index].open()

    def _pass_on(self, index):
        if index in self._next:
            self.may_begin[self._next[index]].open()


class Brood:
    """The children of one node that run beside one another."""

    def __init__(self, grower, node, loop):
        edges = BESIDE if loop is None else (*BESIDE, *BESIDE_ASYNC)
        self._grower = grower
        self.edges = edges
        self._numbers = [one["number"] for one in node["children"] if one["edge"] in edges]
        chance = random.Random(f"{grower.seed}/{node['number']}")
        together = node.get("together", False)
        self._turns = Turns(len(self._numbers), chance, loop, together=together)
        self._pool = ThreadPoolExecutor(max(1, len(self._numbers)))
        self._threads = []
        self._tasks = []

    def start(self, child, group=None):
        """Start one child over its edge."""
        number, edge, name = child["number"], child["edge"], child["name"]
        index = self._numbers.index(number)
        if edge == "thread":
            self._threads.append(threading.Thread(target=self._run, args=(number, index, name)))
            self._threads[-1].start()
        elif edge == "submit":
            self._pool.submit(self._run, number, index, name)
        elif edge == "map":
            self._pool.map(self._run, [number], [index], [name])
        elif edge == "to_thread":
            work = asyncio.to_thread(self._run, number, index, name)
            self._tasks.append(asyncio.create_task(work))
        elif edge == "run_in_executor":
            loop = asyncio.get_running_loop()
            self._tasks.append(loop.run_in_executor(None, self._run, number, index, name))
        else:
            self._tasks.append(self._start_task(edge, group, self._run_async(number, index, name)))

    def _start_task(self, edge, group, work):
        if edge == "taskgroup":
            return group.create_task(work)
        return asyncio.gather(work) if edge == "gather" else asyncio.create_task(work)

    def _run(self, number, index, name):
        turns = self._turns
        turns.may_begin[index].wait()
        try:
            with agentvcr.step(name, input={"number": number}):
                turns.begun(index)
                self._grower.grow(number)
                turns.may_end[index].wait()
        finally:
            turns.over(index)

    async def _run_async(self, number, index, name):
        turns = self._turns
        await turns.may_begin[index].wait_async()
        try:
            async with agentvcr.step(name, input={"number": number}):
                turns.begun(index)
                await self._grower.grow_async(number)
                await turns.may_end[index].wait_async()
        finally:
            turns.over(index)

    def join(self):
        for gate in self._turns.is_over:
            gate.wait()
        self._end()

    async def join_async(self):
        for gate in self._turns.is_over:
            await gate.wait_async()
        for task in self._tasks:
            await task
        self._end()

    def _end(self):
        for thread in self._threads:
            thread.join()
        self._pool.shutdown()


class Grower:
    """Grows one tree."""

    def __init__(self, tree, seed, url=""):
        self.seed = seed
        self._url = url
        self._nodes = {}
        self._root = tree
        self._client = httpx.Client(verify=False, timeout=60)
        self._take_in(tree)

    def _take_in(self, node):
        self._nodes[node["number"]] = node
        for child in node["children"]:
            self._take_in(child)

    def run(self):
        """Grow the whole tree, from a step of the root's own."""
        with self._client:
            self._inline(self._root)

    def grow(self, number):
        for _ in self._growth(number):
            pass

    async def grow_async(self, number):
        async for _ in self._growth_async(number):
            pass

    # --- without a loop --------------------------------------------------------------------------

    def _growth(self, number):
        """Grow what is below a node, child by child."""
        node = self._nodes[number]
        brood, streams, chance = Brood(self, node, None), [], random.Random(number)
        if node["call"] == "tool":
            look(number)
        elif node["call"] == "http":
            self._client.get(f"{self._url}/{number}")
        for child in node["children"]:
            if child["edge"] in brood.edges:
                brood.start(child)
            elif child["edge"] == "generator":
                streams.append(self._stream(child))
                next(streams[-1])
            else:
                self._inline(child)
            for stream in streams:  # each suspended in the middle, and gone on with in any order
                if chance.random() < 0.5:
                    next(stream, None)
            yield
        chance.shuffle(streams)
        for stream in streams:
            for _ in stream:
                pass
        brood.join()

    def _stream(self, node):
        def stream(number):
            yield number
            yield from self._growth(number)

        return agentvcr.step(node["name"])(stream)(node["number"])

    def _inline(self, node):
        if node["edge"] in (*BESIDE_ASYNC, *INLINE_ASYNC):
            in_own_loop(self._looped(node))
        elif node["edge"] == "decorator":
            agentvcr.step(node["name"])(self.grow)(node["number"])
        else:
            with agentvcr.step(node["name"], input={"number": node["number"]}):
                self.grow(node["number"])

    async def _looped(self, node):
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_WORKERS))
        await self._inline_async(node)

    # --- in a loop -------------------------------------------------------------------------------

    async def _growth_async(self, number):
        """Grow what is below a node, child by child."""
        node = self._nodes[number]
        brood = Brood(self, node, asyncio.get_running_loop())
        streams, chance = [], random.Random(number)
        if node["call"] == "tool":
            await look_async(number)
        elif node["call"] == "http":
            async with httpx.AsyncClient(verify=False, timeout=60) as client:
                await client.get(f"{self._url}/{number}")
        async with asyncio.TaskGroup() as group:
            for child in node["children"]:
                if child["edge"] in brood.edges:
                    brood.start(child, group)
                elif child["edge"] == "async_generator":
                    streams.append(self._stream_async(child))
                    await anext(streams[-1])
                else:
                    await self._inline_async(child)
                for stream in streams:
                    if chance.random() < 0.5:
                        await anext(stream, None)
                yield
            chance.shuffle(streams)
            for stream in streams:
                async for _ in stream:
                    pass
            await brood.join_async()

    def _stream_async(self, node):
        async def stream(number):
            yield number
            async for _ in self._growth_async(number):
                yield number

        return agentvcr.step(node["name"])(stream)(node["number"])

    async def _inline_async(self, node):
        if node["edge"] == "generator":
            for _ in self._stream(node):
                pass
        elif node["edge"] == "decorator":

            async def decorated(number):
                await self.grow_async(number)

            await agentvcr.step(node["name"])(decorated)(node["number"])
        elif node["edge"] == "with":
            with agentvcr.step(node["name"], input={"number": node["number"]}):
                await self.grow_async(node["number"])
        else:
            async with agentvcr.step(node["name"], input={"number": node["number"]}):
                await self.grow_async(node["number"])


def in_own_loop(work):
    """Run a coroutine to its end; in a thread, where this one has a loop that is running."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(work)
        return
    thread = threading.Thread(target=asyncio.run, args=(work,))
    thread.start()
    thread.join()


@agentvcr.tool
def look(number):
    return number + 1


@agentvcr.tool(name="look")
async def look_async(number):
    await asyncio.sleep(0)
    return number + 1


def main():
    path, seed = sys.argv[1:]
    tree = json.loads(Path(path).read_text(encoding="utf-8"))
    Grower(tree, int(seed), os.environ.get("BASE_URL", "")).run()


if __name__ == "__main__":
    main()
