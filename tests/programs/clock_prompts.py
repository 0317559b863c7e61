# The clocks that know no time zone are meant.
# ruff: noqa: DTZ005, DTZ011
"""Agents that put the time into their prompts, and say it in their logs.

`clock_prompts.py MODE`, with a chat provider at BASE_URL; prints what each agent was told,
and when.
"""

import asyncio
import concurrent.futures
import datetime as dt
import json
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time

import httpx2

LOG = logging.getLogger("crew")
AGENTS = 4


def prompt(name):
    now = dt.datetime.now()
    text = f"{name} at {now.isoformat()} of {dt.date.today()}, {time.time()}"
    return {"model": "counter", "messages": [{"role": "user", "content": text}]}


def told(name, began, response):
    text = response.json()["choices"][0]["message"]["content"]
    return [name, text, time.perf_counter() - began, response.elapsed.total_seconds()]


def ask(name):
    began = time.perf_counter()
    with httpx2.Client(base_url=os.environ["BASE_URL"], timeout=60, verify=False) as client:
        first = client.post("/v1/chat/completions", json=prompt(name))
        second = client.post("/v1/chat/completions", json=prompt(f"{name} again"))
    return told(name, began, first) + told(name, began, second)


async def ask_async(name):
    began = time.perf_counter()
    async with httpx2.AsyncClient(base_url=os.environ["BASE_URL"], verify=False) as client:
        first = await client.post("/v1/chat/completions", json=prompt(name))
        second = await client.post("/v1/chat/completions", json=prompt(f"{name} again"))
    return told(name, began, first) + told(name, began, second)


def alone():
    return [ask("alone")]


def tasks():
    async def crew():
        return await asyncio.gather(*(ask_async(f"task {one}") for one in range(AGENTS)))

    return asyncio.run(crew())


def threads():
    found = []
    work = [
        threading.Thread(target=lambda one=one: found.append(ask(f"thread {one}")))
        for one in range(AGENTS)
    ]
    for one in work:
        one.start()
    for one in work:
        one.join()
    return found


def executor():
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return list(pool.map(ask, [f"item {one}" for one in range(AGENTS)]))


def spawned():
    with concurrent.futures.ProcessPoolExecutor(
        2, mp_context=multiprocessing.get_context("spawn")
    ) as pool:
        return list(pool.map(ask, [f"item {one}" for one in range(AGENTS)]))


def forked():
    with concurrent.futures.ProcessPoolExecutor(
        2, mp_context=multiprocessing.get_context("fork")
    ) as pool:
        return list(pool.map(ask, [f"item {one}" for one in range(AGENTS)]))


def terminated():
    """Leave the block of a pool, which kills its workers."""
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        return pool.map(ask, [f"item {one}" for one in range(AGENTS)])


def telling():
    """The same without an exchange."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return [pool.apply(tell) for _ in range(AGENTS)]


def tell():
    return [time.time(), dt.datetime.now().isoformat()]


def busy():
    """Spin for a time, as a rate limiter does, and say how long that was."""
    began, end, turns = time.monotonic(), time.monotonic() + 0.2, 0
    while time.monotonic() < end:
        turns += 1
    found = ask("busy")
    return [found, turns, time.monotonic() - began]


def killed():
    found = ask("killed")
    print(json.dumps(found), time.time_ns(), flush=True)
    ask("killed later")
    os.kill(os.getpid(), signal.SIGKILL)


def replaced():
    """Tell the time, and go on as another program."""
    print(dt.datetime.now(), time.time_ns(), flush=True)
    os.execv(sys.executable, [sys.executable, __file__, "alone"])


def left():
    """End without the interpreter's own end."""
    print(dt.datetime.now(), time.time_ns(), flush=True)
    os._exit(7)


if __name__ == "__main__":
    logging.basicConfig(
        format="%(asctime)s.%(msecs)03d %(relativeCreated)d %(message)s",
        stream=sys.stdout,
        level=logging.WARNING,
    )
    LOG.warning("began %s", time.strftime("%H:%M:%S"))
    outcome = globals()[sys.argv[1]]()
    print(json.dumps(sorted(outcome) if sys.argv[1] != "busy" else outcome))
    LOG.warning("ended %s", time.ctime())
