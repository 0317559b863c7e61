"""Tools that ask, start processes and call each other, and tools that fail; for tests.

As a program: does all of it once and says what came of it. Takes a server's base URL.
"""

import asyncio
import itertools
import json
import subprocess
import sys
import threading
import urllib.request

import httpx

import agentvcr

COUNT = itertools.count(1)


@agentvcr.tool
def count(question: str, *, times: int = 1) -> int:
    """Give another number to each call, however equal."""
    return next(COUNT) * times


@agentvcr.tool
async def count_later(question: str) -> int:
    await asyncio.sleep(0.001)
    return next(COUNT)


@agentvcr.tool
def look_up(url: str) -> dict:
    """Ask over HTTP with two clients, one of them in a thread of the tool's own."""
    found = {"mine": httpx.get(url + "/json", verify=False).json()}

    def plainly() -> None:
        with urllib.request.urlopen(url + "/json?plainly=1") as answer:
            found["plain"] = json.load(answer)

    thread = threading.Thread(target=plainly)
    thread.start()
    thread.join()
    return found


@agentvcr.tool
def list_files(folder: str) -> str:
    """Start a process."""
    code = "import sys; print('in', sys.argv[1])"
    return subprocess.run(
        [sys.executable, "-c", code, folder], capture_output=True, text=True, check=True
    ).stdout


@agentvcr.tool
def research(url: str) -> list:
    """Call other tools."""
    return [look_up(url), count("inner"), list_files("src")]


class Account:
    """Methods of all three sorts."""

    @agentvcr.tool
    def balance(self, currency: str) -> int:  # noqa: ARG002  (it tells calls apart)
        return next(COUNT)

    @classmethod
    @agentvcr.tool
    def opened(cls, year: int) -> list:
        return [cls.__name__, year, next(COUNT)]

    @staticmethod
    @agentvcr.tool
    def rate(currency: str) -> int:  # noqa: ARG004  (as above)
        return next(COUNT)


def work(url: str) -> list:
    """Do everything once."""
    told = [research(url), count("a"), count("a"), asyncio.run(count_later("b"))]
    account = Account()
    told += [account.balance("EUR"), Account.opened(2020), Account.rate("EUR")]
    return [*told, httpx.get(url + "/json?last=1", verify=False).json()]


if __name__ == "__main__":
    print(json.dumps(work(sys.argv[1])))
