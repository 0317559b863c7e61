"""Many agents with the same first prompt, and a follow-up that quotes what each was told.

`fanout.py MODE [--agents N] [--client httpx|httpx2] [--stream]`, with a chat provider at BASE_URL.
Prints a sorted JSON list of [agent, first answer, second answer]: who got what.
"""

import argparse
import asyncio
import concurrent.futures
import importlib
import json
import os
import threading

import anyio

URL = os.environ["BASE_URL"] + "/v1/chat/completions"
FIRST = {"role": "user", "content": "What is the plan?"}
POOL_WORKERS = 3


class Crew:
    """The agents of one run: how they ask, and what they were told."""

    def __init__(self, client, *, stream):
        self._library = importlib.import_module(client)
        self._stream = stream
        self.told = []

    def client(self):
        return self._library.Client(timeout=60, verify=False)

    def async_client(self):
        return self._library.AsyncClient(timeout=60, verify=False)

    def body(self, messages):
        body = {"model": "counter", "messages": messages}
        return {**body, "stream": True} if self._stream else body

    def talk(self, client, agent):
        """Ask, then ask again about the answer."""
        first = self._ask(client, [FIRST])
        second = self._ask(client, follow_up(first))
        self.told.append([agent, first, second])

    async def talk_async(self, client, agent):
        """Ask, then ask again about the answer."""
        first = await self._ask_async(client, [FIRST])
        second = await self._ask_async(client, follow_up(first))
        self.told.append([agent, first, second])

    def _ask(self, client, messages):
        if not self._stream:
            return plain(client.post(URL, json=self.body(messages)))
        with client.stream("POST", URL, json=self.body(messages)) as response:
            return "".join(piece(line) for line in response.iter_lines())

    async def _ask_async(self, client, messages):
        if not self._stream:
            return plain(await client.post(URL, json=self.body(messages)))
        async with client.stream("POST", URL, json=self.body(messages)) as response:
            return "".join([piece(line) async for line in response.aiter_lines()])


def follow_up(first):
    """The second conversation, which only the agent that got this first answer can have."""
    again = {"role": "user", "content": f"You said {first!r}. Go on."}
    return [FIRST, {"role": "assistant", "content": first}, again]


def plain(response):
    """What a plain answer says."""
    return response.json()["choices"][0]["message"]["content"]


def piece(line):
    """What one line of a streamed answer says."""
    if not line.startswith("data: {"):
        return ""
    return json.loads(line.removeprefix("data: "))["choices"][0]["delta"].get("content") or ""


async def gather(crew, agents):
    async with crew.async_client() as client:
        await asyncio.gather(*(crew.talk_async(client, agent) for agent in agents))


async def create_task(crew, agents):
    async with crew.async_client() as client:
        tasks = [asyncio.create_task(crew.talk_async(client, agent)) for agent in agents]
        for task in tasks:
            await task


async def taskgroup(crew, agents):
    async with crew.async_client() as client, asyncio.TaskGroup() as group:
        for agent in agents:
            group.create_task(crew.talk_async(client, agent))


async def anyio_group(crew, agents):
    async with crew.async_client() as client, anyio.create_task_group() as group:
        for agent in agents:
            group.start_soon(crew.talk_async, client, agent)


async def threads_under_asyncio(crew, agents):
    with crew.client() as client:
        await asyncio.gather(*(asyncio.to_thread(crew.talk, client, agent) for agent in agents))


def threads(crew, agents):
    with crew.client() as client:
        run_threads([(crew.talk, (client, agent)) for agent in agents])


def pool(crew, agents):
    with crew.client() as client, concurrent.futures.ThreadPoolExecutor(POOL_WORKERS) as executor:
        for future in [executor.submit(crew.talk, client, agent) for agent in agents]:
            future.result()


def asyncio_under_threads(crew, agents):
    shares = [agents[start::4] for start in range(4)]
    run_threads([(asyncio.run, (gather(crew, share),)) for share in shares if share])


async def nested(crew, agents):
    """Tasks that start threads that run loops that start tasks and threads again."""
    async with asyncio.TaskGroup() as group:
        for half in (agents[::2], agents[1::2]):
            group.create_task(asyncio.to_thread(asyncio.run, tasks_and_threads(crew, half)))


async def tasks_and_threads(crew, agents):
    await asyncio.gather(
        gather(crew, agents[::2]),
        threads_under_asyncio(crew, agents[1::2]),
    )


def run_threads(works):
    """Run each (function, arguments) in a thread of its own."""
    started = [threading.Thread(target=function, args=given) for function, given in works]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()


MODES = {
    "anyio": lambda crew, agents: anyio.run(anyio_group, crew, agents),
    "asyncio_under_threads": asyncio_under_threads,
    "create_task": lambda crew, agents: asyncio.run(create_task(crew, agents)),
    "gather": lambda crew, agents: asyncio.run(gather(crew, agents)),
    "nested": lambda crew, agents: asyncio.run(nested(crew, agents)),
    "pool": pool,
    "taskgroup": lambda crew, agents: asyncio.run(taskgroup(crew, agents)),
    "threads": threads,
    "threads_under_asyncio": lambda crew, agents: asyncio.run(threads_under_asyncio(crew, agents)),
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=MODES)
    parser.add_argument("--agents", type=int, default=8)
    parser.add_argument("--client", choices=["httpx", "httpx2"], default="httpx2")
    parser.add_argument("--stream", action="store_true")
    asked = parser.parse_args()
    crew = Crew(asked.client, stream=asked.stream)
    MODES[asked.mode](crew, list(range(asked.agents)))
    print(json.dumps(sorted(crew.told)))


if __name__ == "__main__":
    main()
