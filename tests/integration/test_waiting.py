"""What timed out before its answer does so again, and waiting is no part of a replay."""

import json

import pytest

from tests.support import wire
from tests.support.command_line import agentvcr, python
from tests.support.counter_server import CounterServer

FEW = 3  # what `make check` has: then one round is enough


class LateServer(CounterServer):
    """A provider that has a tool, which answers late: `/slow`."""

    def answer(self, asked, line):
        if asked.path != "/slow":
            super().answer(asked, line)
            return
        number = next(self._numbers)
        line.pause(0.3)
        line.send(wire.whole_json({"number": number}))


def assert_same_again(text, folder, *, times=1):
    """Record a program, replay it, and expect the same output."""
    (folder / "program.py").write_text(text)
    with LateServer() as server:
        env = {"BASE_URL": server.base_url}
        command = ["record", "-o", "x.avcr", "--", *python(folder / "program.py")]
        recorded = agentvcr(*command, cwd=folder, env=env)
        replayed = agentvcr("replay", "x.avcr", "--times", times, cwd=folder, env=env)
    assert recorded.returncode == 0, recorded.stderr.decode()
    assert replayed.returncode == 0, replayed.stderr.decode()
    assert replayed.stdout == recorded.stdout * times


@pytest.mark.parametrize("scene", ["tasks", "threads"])
def test_timeouts_retries_and_heartbeats_come_in_the_recorded_order(scene, tmp_path, rounds):
    for seed in range(1 if rounds <= FEW else rounds):
        with LateServer(seed=seed) as server:
            env = {"BASE_URL": server.base_url}
            command = ["record", "--force", "-o", "x.avcr", "--", *python("waits.py", scene)]
            recorded = agentvcr(*command, cwd=tmp_path, env=env)
            asked = server.count
            replayed = agentvcr("replay", "x.avcr", "--times", 2, cwd=tmp_path, env=env)
            assert server.count == asked, "the replay asked the provider"
        assert recorded.returncode == 0, recorded.stderr.decode()
        log, beats = json.loads(recorded.stdout)
        assert [what for what, _ in log].count("charged") == 2, "the late tool was asked twice"
        assert [what for what, _ in log].count("late") == 1
        assert beats > 3
        assert replayed.returncode == 0, replayed.stderr.decode()
        assert replayed.stdout == recorded.stdout * 2


@pytest.mark.parametrize("clock", ["virtual", "real"])
def test_a_lock_that_was_not_got_in_time_is_not_got_again(clock, tmp_path):
    with LateServer() as server:
        env = {"BASE_URL": server.base_url}
        command = ["record", "-o", "x.avcr", "--", *python("waits.py", "locked")]
        recorded = agentvcr(*command, cwd=tmp_path, env=env)
        asked = server.count
        words = ("replay", "x.avcr", "--clock", clock, "--times", 3)
        replayed = agentvcr(*words, cwd=tmp_path, env=env)
        assert server.count == asked, "the replay asked the provider"
    assert recorded.returncode == 0, recorded.stderr.decode()
    before, _ = json.loads(recorded.stdout)
    assert "without" in [how for _, how, *_ in before]
    for line in replayed.stdout.splitlines():
        again, _ = json.loads(line)
        assert [one[:3] for one in again] == [one[:3] for one in before]
    if clock == "virtual":
        assert replayed.stdout == recorded.stdout * 3
        assert replayed.returncode == 0, replayed.stderr.decode()


def test_waits_of_threads_take_their_time_where_the_clock_is_real(tmp_path):
    (tmp_path / "program.py").write_text(REALLY)
    with LateServer() as server:
        env = {"BASE_URL": server.base_url}
        command = ["record", "-o", "x.avcr", "--", *python(tmp_path / "program.py")]
        recorded = agentvcr(*command, cwd=tmp_path, env=env)
        assert recorded.stdout == b"empty True True True\n", recorded.stderr.decode()
        for way in (("--clock", "real"), ("--pace", "1")):
            replayed = agentvcr("replay", *way, "x.avcr", cwd=tmp_path, env=env)
            assert replayed.stdout == recorded.stdout
            assert replayed.returncode == 0, replayed.stderr.decode()


REALLY = """
import os, queue, threading, time
import httpx

def late():
    answers.put(httpx.get(os.environ["BASE_URL"] + "/slow", timeout=30).json())

answers, began = queue.Queue(), time.monotonic()
thread = threading.Thread(target=late)
thread.start()
try:
    print(answers.get(timeout=0.1), end=" ")
except queue.Empty:
    print("empty", end=" ")
print(time.monotonic() - began >= 0.1, end=" ")
thread.join()
began = time.monotonic()
time.sleep(0.5)
print(time.monotonic() - began >= 0.5, end=" ")
idle = threading.Thread(target=time.sleep, args=(1,), daemon=True)
idle.start()
began = time.monotonic()
idle.join(timeout=0.4)
print(time.monotonic() - began >= 0.4)
"""


@pytest.mark.parametrize("name", ["cancelled", "pooled"])
def test_who_gives_up_waiting_does_so_when_he_did(name, tmp_path):
    assert_same_again({"cancelled": CANCELLED, "pooled": POOLED}[name], tmp_path, times=2)


# anyio cancels again in each turn of the loop, also who waits for the turn of his end.
CANCELLED = """
import os, time
import anyio, httpx

async def main():
    began = time.monotonic()
    async with httpx.AsyncClient(timeout=60) as client:
        with anyio.move_on_after(0.1) as scope:
            await client.get(os.environ["BASE_URL"] + "/slow")
        print(scope.cancelled_caught, time.monotonic() - began)

anyio.run(main)
"""

# What a pool's process has done comes through a pipe that nobody sees.
POOLED = """
import multiprocessing, os
import httpx

URL = os.environ["BASE_URL"]

def ask(number):
    return httpx.get(URL + "/slow", params={"number": number}, timeout=60).json()

if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(2) as pool:
        asked = [pool.apply_async(ask, (number,)) for number in range(3)]
        print([one.get(timeout=10) for one in asked])
        print(ask("the last"))
"""


def test_a_wait_that_was_never_over_is_none_in_a_replay(tmp_path):
    """A timeout of an hour costs neither run an hour, and a sleep is over when time has come."""
    assert_same_again(PATIENT, tmp_path)


PATIENT = """
import asyncio, os, threading
import httpx

async def main():
    async with httpx.AsyncClient(timeout=3600) as client, asyncio.timeout(3600):
        endless = [asyncio.create_task(asyncio.sleep(3600 + n)) for n in range(3)]
        patient = threading.Timer(3600, print, ["never"])
        patient.start()
        answers = [asyncio.create_task(ask(client)) for _ in range(3)]
        done, left = await asyncio.wait([*answers, *endless], timeout=0.5)
        print(len(left), sorted(answer.result() for answer in answers))
        patient.cancel()

async def ask(client):
    url = os.environ["BASE_URL"] + "/v1/chat/completions"
    body = {"model": "counter", "messages": [{"role": "user", "content": "the same"}]}
    return (await client.post(url, json=body)).json()["choices"][0]["message"]["content"]

asyncio.run(main())
"""
