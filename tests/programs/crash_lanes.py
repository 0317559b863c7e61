"""Four lanes that ask without a pause, and note every exchange whose end they have seen.

`crash_lanes.py tasks|threads`, with a `CrashProvider` at BASE_URL. The notes go to the file NOTES:
the process id, then a line an exchange: its path, how it ended, hashes of what was asked and told.
Each line is one write past every buffer, so that the system has it when the program is killed. A
lane goes on until an answer tells it to stop.
"""

import asyncio
import hashlib
import json
import os
import random
import sys
import threading

import httpx

LANES = 4
NOTES = os.open(os.environ["NOTES"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
URL = os.environ["BASE_URL"]
SIZES = [100] * 20 + [3_000] * 8 + [50_000] * 2 + [400_000]
"""Bytes in a request, which are twice as many characters: mostly few, now and then a long frame."""
LEAVE_EVERY = 5
"""Each fifth answer is left after its first chunk."""


class Lane:
    """What one lane asks, and what it has seen."""

    def __init__(self, name):
        self.name = name
        self.number = 0
        self.told = ""
        self.seen = hashlib.sha256()
        self.goes_on = True

    def ask(self):
        """Make the next question: its path and its body, which quotes what was told before."""
        self.number += 1
        chance = random.Random(f"{self.name}/{self.number}")
        context = chance.randbytes(chance.choice(SIZES)).hex()
        self.path = f"/lane/{self.name}/ask/{self.number}"
        self.asked = json.dumps({"model": "m", "told": self.told, "context": context}).encode()
        self.seen = hashlib.sha256()
        return {"method": "POST", "url": URL + self.path, "content": self.asked}

    def take(self, chunk):
        """Take a chunk; whether to go on reading."""
        self.seen.update(chunk)
        return self.number % LEAVE_EVERY != 0

    def note(self, response, how):
        """Note an exchange whose end was seen: only now, and so that it is not lost any more."""
        self.told = self.seen.hexdigest()
        self.goes_on = response.headers["x-go-on"] == "yes"
        asked = hashlib.sha256(self.asked).hexdigest()
        os.write(NOTES, f"{self.path} {how} {asked} {self.told}\n".encode())


def talk(client, lane):
    while lane.goes_on:
        with client.stream(**lane.ask()) as response:
            how = "eof"
            for chunk in response.iter_raw():
                if not lane.take(chunk):
                    how = "closed"
                    break
        lane.note(response, how)


async def talk_async(client, lane):
    while lane.goes_on:
        async with client.stream(**lane.ask()) as response:
            how = "eof"
            async for chunk in response.aiter_raw():
                if not lane.take(chunk):
                    how = "closed"
                    break
        lane.note(response, how)


async def tasks():
    async with httpx.AsyncClient(timeout=60, verify=False) as client:
        await asyncio.gather(*(talk_async(client, Lane(name)) for name in range(LANES)))


def threads():
    with httpx.Client(timeout=60, verify=False) as client:
        lanes = [threading.Thread(target=talk, args=(client, Lane(name))) for name in range(LANES)]
        for lane in lanes:
            lane.start()
        for lane in lanes:
            lane.join()


if __name__ == "__main__":
    os.write(NOTES, b"%d\n" % os.getpid())
    threads() if sys.argv[1] == "threads" else asyncio.run(tasks())
