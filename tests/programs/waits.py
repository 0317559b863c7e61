"""Agents that mostly wait: `waits.py SCENE [SECONDS]`, with a provider at BASE_URL.

`/slow` there answers late. SECONDS is what one unit of waiting takes. Prints what happened.
"""

import asyncio
import concurrent.futures
import datetime as dt
import json
import os
import queue
import sys
import threading
import time

import httpx

BASE_URL = os.environ["BASE_URL"]
URL = BASE_URL + "/v1/chat/completions"
UNIT_S = float(sys.argv[2]) if len(sys.argv) > 2 else 0.05


def body(text):
    return {"model": "counter", "messages": [{"role": "user", "content": text}]}


def said(response):
    return response.json()["choices"][0]["message"]["content"]


def ask(client, text):
    return said(client.post(URL, json=body(text)))


async def ask_async(client, text):
    return said(await client.post(URL, json=body(text)))


async def tasks():
    """A late tool is asked twice, what fails is tried again later and later, and a heart beats."""
    log, beats = [], []

    async def beat():
        while True:
            await asyncio.sleep(UNIT_S / 5)
            beats.append(1)

    async def charge(client):
        response = await client.get(BASE_URL + "/slow", timeout=30)
        log.append(["charged", response.json()["number"]])

    async with httpx.AsyncClient(timeout=30, verify=False) as client:
        heart = asyncio.create_task(beat())
        first = asyncio.create_task(charge(client))
        try:
            await asyncio.wait_for(asyncio.shield(first), UNIT_S)
        except TimeoutError:
            log.append(["late", len(beats)])
            await charge(client)
        for attempt in range(4):
            async with asyncio.timeout(30):
                now = dt.datetime.now(tz=dt.UTC)
                log.append([attempt, await ask_async(client, f"{now} {attempt} {len(beats)}")])
            await asyncio.sleep(UNIT_S * 2**attempt)
        await first
        heart.cancel()
    return log, len(beats)


def threads():
    """The same by threads, with a queue that stays empty."""
    log, beats, over = [], [], threading.Event()

    def beat():
        while not over.wait(UNIT_S / 5):
            beats.append(1)

    def charge(client):
        log.append(["charged", client.get(BASE_URL + "/slow", timeout=30).json()["number"]])

    heart = threading.Thread(target=beat)
    heart.start()
    with (
        httpx.Client(timeout=30, verify=False) as client,
        concurrent.futures.ThreadPoolExecutor(2) as pool,
    ):
        first = pool.submit(charge, client)
        try:
            first.result(timeout=UNIT_S)
        except concurrent.futures.TimeoutError:
            log.append(["late", len(beats)])
            charge(client)
        try:
            queue.Queue().get(timeout=UNIT_S)
        except queue.Empty:
            log.append(["empty", len(beats)])
        for attempt in range(4):
            now = dt.datetime.now(tz=dt.UTC)
            log.append([attempt, ask(client, f"{now} {attempt} {len(beats)}")])
            time.sleep(UNIT_S * 2**attempt)
        first.result(timeout=30)
    over.set()
    heart.join()
    return log, len(beats)


def locked():
    """Get a lock, which others hold while they ask a late tool, in time; or ask without it."""
    log, lock = [], threading.Lock()

    def work(client, number, patience):
        time.sleep(UNIT_S / 5 * number)
        began = time.monotonic()
        if not lock.acquire(timeout=UNIT_S * patience):
            log.append([number, "without", ask(client, "the same"), time.monotonic() - began])
            return
        try:
            late = client.get(BASE_URL + "/slow", timeout=30).json()["number"]
            log.append([number, "with", late, None])
        finally:
            lock.release()

    with httpx.Client(timeout=30, verify=False) as client:
        patiences = [100, 4, 100, 4, 9, 4]
        threads = [
            threading.Thread(target=work, args=(client, number, patience))
            for number, patience in enumerate(patiences)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return log, 0


def long():
    """Wait for 60 units: half of it in a thread, half of it in an event loop."""
    log = []

    async def patient(client):
        for number in range(30):
            await asyncio.sleep(UNIT_S)
            log.append(await ask_async(client, f"task {number} {time.time()}"))

    async def main():
        async with httpx.AsyncClient(timeout=30, verify=False) as client:
            await patient(client)

    with httpx.Client(timeout=30, verify=False) as client:
        for number in range(30):
            time.sleep(UNIT_S)
            log.append(ask(client, f"thread {number} {time.time()}"))
    asyncio.run(main())
    return log, 0


SCENES = {"tasks": lambda: asyncio.run(tasks()), "threads": threads, "locked": locked, "long": long}


if __name__ == "__main__":
    print(json.dumps(SCENES[sys.argv[1]]()))
