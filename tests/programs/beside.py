"""Agents that use what is real beside the model: `beside.py SCENE`, with a provider at BASE_URL.

Prints in which order things happened, as JSON.
"""

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import time

import httpx

URL = os.environ["BASE_URL"] + "/v1/chat/completions"


async def ask(client, text="the same"):
    body = {"model": "counter", "messages": [{"role": "user", "content": text}]}
    response = await client.post(URL, json=body)
    return response.json()["choices"][0]["message"]["content"]


async def pipes(client):
    """Children say something after a while, between a sleeper's short and long sleep."""
    log = []

    async def child(number, seconds):
        command = ["sh", "-c", f"sleep {seconds}; echo child {number}"]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        said, _ = await process.communicate()
        log.append(said.decode().strip())
        log.append(await ask(client, f"{log}"))

    async def sleeper():
        for seconds in (0.1, 0.9):
            await asyncio.sleep(seconds)
            log.append(f"slept {seconds}")
            log.append(await ask(client, f"{log}"))

    await asyncio.gather(child(0, 0.4), sleeper(), child(1, 0.5))
    return log


async def database(client):
    """Each agent leaves its answer in a table, and asks about how many were there by then."""
    table = sqlite3.connect(":memory:", check_same_thread=False)
    table.execute("create table answers(agent, answer)")

    def leave(agent, answer):
        table.execute("insert into answers values(?, ?)", (agent, answer))

    def count():
        return table.execute("select count(*) from answers").fetchone()[0]

    async def agent(name):
        await asyncio.to_thread(leave, name, await ask(client))
        await asyncio.sleep(0.01)
        return await ask(client, f"{name} {await asyncio.to_thread(count)}")

    told = await asyncio.gather(*[agent(name) for name in range(6)])
    return [told, table.execute("select * from answers").fetchall()]


async def store(client):
    """The same with a server that counts and stays live, with a timeout around each answer."""
    log = []
    reader, writer = await asyncio.open_connection("127.0.0.1", int(os.environ["STORE_PORT"]))
    turn = asyncio.Lock()

    async def add():
        async with turn, asyncio.timeout(30):
            writer.write(b"add\n")
            return int(await reader.readline())

    async def agent(name):
        await ask(client)
        count = await add()
        log.append([name, count])
        await asyncio.sleep(0.01)
        log.append(await ask(client, f"{name} {count} {len(log)}"))

    await asyncio.gather(*[agent(name) for name in range(5)])
    writer.close()
    return log


async def children(client):
    """Wait for children in each way that has a time limit, and look again and again."""
    log = []

    def waited(seconds, limit_s):
        with subprocess.Popen(["sleep", str(seconds)]) as child:
            try:
                return child.wait(limit_s)
            except subprocess.TimeoutExpired:
                child.kill()
                return "killed"

    def looked(seconds, pause_s):
        with subprocess.Popen(["sleep", str(seconds)]) as child:
            while child.poll() is None:
                time.sleep(pause_s)
            return child.returncode

    def ran(seconds):
        command = ["sh", "-c", f"sleep {seconds}; echo {seconds}"]
        return subprocess.run(command, capture_output=True, timeout=60, check=True).stdout.decode()

    async def agent(name, *steps):
        for work, *numbers in steps:
            log.append([name, await asyncio.to_thread(work, *numbers)])
            log.append([name, await ask(client)])

    await asyncio.gather(
        agent("waits", (waited, 0.3, 60), (waited, 60, 0.2)),
        agent("looks", (looked, 0.4, 0.1), (looked, 0.3, 0.001)),
    )
    await agent("runs", (ran, 0.2), (looked, 0.5, 0.02))
    return log


SCENES = {"children": children, "database": database, "pipes": pipes, "store": store}


async def main():
    async with httpx.AsyncClient(timeout=60, verify=False) as client:
        print(json.dumps(await SCENES[sys.argv[1]](client)))


if __name__ == "__main__":
    asyncio.run(main())
