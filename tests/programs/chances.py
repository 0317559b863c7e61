"""Draw from every source of chance in every kind of lane, with a provider at BASE_URL.

Each lane asks the provider with what it drew, as prompt and as idempotency key. Prints a JSON
object: what each lane drew, by its name here.
"""

import asyncio
import json
import multiprocessing
import os
import random
import secrets
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import httpx

WORDS = ("scout", "writer", "critic", "cashier", "planner", "judge")


def drawn():
    """Draw from each source once; the clocks in uuid1 are others'."""
    return {
        "random": random.random(),
        "choice": random.choice(range(10**9)),
        "instance": random.Random().getrandbits(64),
        "system": random.SystemRandom().random(),
        "secrets": secrets.token_hex(8),
        "urandom": os.urandom(8).hex(),
        "long": hash_free(os.urandom(1000)),
        "uuid4": str(uuid.uuid4()),
        "sequence": uuid.uuid1().clock_seq,
        "file": next(tempfile._get_candidate_names()),
    }


def hash_free(data):
    """Say much in little, without `hash`, which is a source of its own."""
    return [len(data), sum(data), data[:8].hex()]


def shared():
    """What is the same for a whole program, and another in the next run of it."""
    return {
        "order": sorted(WORDS, key=hash),
        "local": time.strftime("%c %Z", time.localtime(1_700_000_000)),
        "zone": [time.tzname, time.timezone],
    }


def agent(*_):
    """Draw, and ask with what was drawn."""
    own = drawn()
    url = os.environ["BASE_URL"] + "/v1/chat/completions"
    body = {"model": "counter", "messages": [{"role": "user", "content": json.dumps(own)}]}
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    with httpx.Client(timeout=60, verify=False) as client:
        files = {"file": ("drawn.json", b"{}")}
        own["told"] = client.post(url, json=body, headers=headers).json()["choices"][0]["message"]
        client.post(url, files=files)  # whose boundary is drawn
    return own


def into(queue):
    queue.put([agent(), shared()])


async def tasks():
    async def one():
        own = drawn()
        await asyncio.sleep(0)
        return {**own, **{f"{name} again": value for name, value in drawn().items()}}

    return await asyncio.gather(*[one() for _ in range(3)])


def threads():
    found = [None] * 3

    def work(place):
        found[place] = agent()

    running = [threading.Thread(target=work, args=(place,)) for place in range(3)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return found


def process(method):
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    child = context.Process(target=into, args=(queue,))
    child.start()
    own, told = queue.get()
    child.join()
    return own, told


def command():
    """Run a Python with an environment of its own."""
    code = "import random, uuid; print(random.random(), uuid.uuid4(), sorted('abcd', key=hash))"
    done = subprocess.run([sys.executable, "-c", code], env={}, capture_output=True, check=True)
    return done.stdout.decode()


def main():
    lanes = {"main": agent(), "main again": drawn(), "shared": [shared()], "node": uuid.getnode()}
    lanes.update((f"task {place}", own) for place, own in enumerate(asyncio.run(tasks())))
    lanes.update((f"thread {place}", own) for place, own in enumerate(threads()))
    with ThreadPoolExecutor(2) as pool:
        lanes.update((f"item {place}", own) for place, own in enumerate(pool.map(agent, range(4))))
    for method in ("fork", "spawn"):
        lanes[f"process {method}"], told = process(method)
        lanes["shared"].append(told)
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as pool:
            for place, own in enumerate(pool.map(agent, range(4))):
                lanes[f"work {method} {place}"] = own
    lanes["command"] = command()
    print(json.dumps(lanes))


if __name__ == "__main__":
    main()
