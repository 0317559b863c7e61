"""Agents beside finalizers: what the collector runs reads the clock and draws, whenever it comes.

`collected.py`, with a chat provider at BASE_URL; prints what each agent asked and was told.
"""

import asyncio
import gc
import json
import os
import random
import time
import uuid

import httpx

URL = os.environ["BASE_URL"] + "/v1/chat/completions"
AGENTS = 40
ROUNDS = 3


class Leftover:
    """Something in a cycle, which says in its end when that is."""

    def __init__(self):
        self.itself = self

    def __del__(self):
        _ = f"{time.time()} {uuid.uuid4()} {random.random()}"


async def ask(client, name):
    said = []
    for _ in range(ROUNDS):
        Leftover()
        text = f"{name} at {time.time()} with {uuid.uuid4()} and {random.random()}"
        body = {"model": "counter", "messages": [{"role": "user", "content": text}]}
        answer = (await client.post(URL, json=body)).json()
        said.append([text, answer["choices"][0]["message"]["content"]])
    return said


async def main():
    async with httpx.AsyncClient(timeout=60, verify=False) as client:
        return await asyncio.gather(*(ask(client, name) for name in range(AGENTS)))


gc.callbacks.append(lambda _phase, _info: time.perf_counter())
gc.set_threshold(40, 2, 2)
print(json.dumps(asyncio.run(main()), indent=1))
