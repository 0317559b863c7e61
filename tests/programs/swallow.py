"""A program that no exception stops: what a replay has to end all the same.

`swallow.py MODE`, with a chat provider at BASE_URL and the prompt in PROMPT, so that a test makes a
divergence by changing PROMPT. Prints `swallowed` when it swallowed something.
"""

import asyncio
import contextlib
import os
import signal
import sys
import time

import httpx2

URL = os.environ["BASE_URL"] + "/v1/chat/completions"
BODY = {"model": "m", "messages": [{"role": "user", "content": os.environ.get("PROMPT", "first")}]}


def ask():
    """Ask once, with a client of its own."""
    with httpx2.Client(timeout=30, verify=False) as client:
        return client.post(URL, json=BODY).json()["choices"][0]["message"]["content"]


async def ask_async():
    """Ask once, with a client of its own."""
    async with httpx2.AsyncClient(timeout=30, verify=False) as client:
        response = await client.post(URL, json=BODY)
        return response.json()["choices"][0]["message"]["content"]


def retry():
    """Ask until there is an answer, whatever happens."""
    while True:
        try:
            print(ask())
        except BaseException:  # noqa: BLE001 - the very thing to be shown
            print("swallowed", flush=True)
            time.sleep(0.05)
        else:
            return


def stubborn():
    """As `retry`, deaf to the polite signals too."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    retry()


async def gather():
    """Take exceptions for answers and be content with them."""
    for answer in await asyncio.gather(*(ask_async() for _ in range(4)), return_exceptions=True):
        print("swallowed" if isinstance(answer, BaseException) else answer)


async def gather_forever():
    """As `gather`, again and again until all four are answers."""
    answers = [BaseException()]
    while any(isinstance(answer, BaseException) for answer in answers):
        answers = await asyncio.gather(*(ask_async() for _ in range(4)), return_exceptions=True)
    print(*answers, sep="\n")


def quiet():
    """Swallow once and end as if all were well."""
    with contextlib.suppress(BaseException):
        print(ask())
    sys.exit(0)


MODES = {
    "gather": lambda: asyncio.run(gather()),
    "gather_forever": lambda: asyncio.run(gather_forever()),
    "quiet": quiet,
    "retry": retry,
    "stubborn": stubborn,
}

if __name__ == "__main__":
    MODES[sys.argv[1]]()
