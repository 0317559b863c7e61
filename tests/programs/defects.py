"""Pipelines that each have one defect, by which no two runs of them ask the same.

The line of the defect is marked with its name: `# here: NAME`. `clean` has none.
"""

import asyncio
import os
import random
import secrets
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime

import httpx

URL = os.environ["BASE_URL"] + "/v1/chat/completions"
client = httpx.Client()


def body(text):
    return {"model": "m", "messages": [{"role": "user", "content": text}]}


def text_of(response):
    return response.json()["choices"][0]["message"]["content"]


def ask(text):
    return text_of(client.post(URL, json=body(text)))


async def ask_async(session, text):
    return text_of(await session.post(URL, json=body(text)))


def clock():
    ask("good morning")
    ask(f"It is {datetime.now():%H:%M:%S}, what now?")  # noqa: DTZ005  # here: clock


def waits():
    print("work begins", flush=True)
    ask("good morning")
    time.sleep(600)


def day():
    started = time.time()
    today = date.today()  # noqa: DTZ011  # here: day
    ask(f"What happened on {today}?")
    print(f"took {time.time() - started:.3f} s")


def duration():
    started = time.monotonic()
    ask("first")
    spent = time.monotonic() - started  # here: duration
    ask(f"That took {spent:.4f} s, go on")


def uuid4():
    run = uuid.uuid4()  # here: uuid4
    ask(f"run {run.hex}: begin")
    ask(f"run {run.hex}: go on")


def unseeded():
    ask(f"a number: {random.random()}")  # here: unseeded


def token():
    ask(f"session {secrets.token_urlsafe(12)}")  # here: token


def shuffled():
    words = ["a", "b", "c", "d", "e", "f", "g", "h"]
    random.shuffle(words)  # here: shuffled
    ask(" ".join(words))


def coin():
    ask("first")
    for number in range(12):
        if random.random() < 0.5:  # here: coin
            ask(f"extra {number}")


def names():
    tools = {"search", "fetch", "summarise", "write"}
    listed = ", ".join(tools)  # here: names
    ask(f"You have these tools: {listed}")


def two_names():
    found = set()
    for name in ("left", "right"):
        found.add(name)
    ask(f"Which of {list(found)}?")  # here: two_names


class Agent:
    pass


def address():
    ask(f"You are {Agent()}")  # here: address


def number_of_object():
    agent = Agent()
    ask(f"You are agent {id(agent)}")  # here: number_of_object


def process():
    ask(f"worker {os.getpid()} begins")  # here: process


def environment():
    team = os.environ["TEAM_NAME"]  # here: environment
    ask(f"You work for {team}.")


def race():
    lines = []

    def work(name):
        ask(f"research {name}")  # here: race
        lines.append(name)

    threads = [threading.Thread(target=work, args=(one,)) for one in ("trains", "boats", "planes")]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    ask("Sum up: " + ", ".join(lines))


async def completed():
    async with httpx.AsyncClient() as session:
        tasks = [
            asyncio.create_task(ask_async(session, f"research {name}"))
            for name in ("trains", "boats")
        ]
        found = [await one for one in asyncio.as_completed(tasks)]  # here: completed
        await ask_async(session, "Sum up: " + " / ".join(found))


async def clean():
    random.seed(7)
    started = time.time()
    words = sorted({"search", "fetch", "summarise"})
    ask(f"number {random.random()}, tools {words}")
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(ask, ["trains", "boats", "planes"]))
    ask("Sum up: " + ", ".join(found))
    async with httpx.AsyncClient() as session:
        again = await asyncio.gather(*[ask_async(session, f"check {n}") for n in range(3)])
        await asyncio.sleep(0.01)
        await ask_async(session, "Sum up: " + ", ".join(again))
    print(uuid.uuid4(), time.ctime(), time.time() - started, hash("x"), id(words))


if __name__ == "__main__":
    scene = globals()[sys.argv[1]]
    if asyncio.iscoroutinefunction(scene):
        asyncio.run(scene())
    else:
        scene()
