"""Event loops that are there before a block, and go on behind it: a suite's, or a thread's.

That nothing hangs is what is tested; a replay on another machine, whose clock stands elsewhere, is
had by moving what was recorded.
"""

import asyncio
import threading

import httpx
import pytest

import agentvcr
from agentvcr.inside import clock_tape, lanes, real
from agentvcr.inside.order import install, log

_YEAR_NS = 365 * 24 * 3600 * 10**9
_SECOND = 10**9
pytestmark = pytest.mark.usefixtures("own_folder")
BODY = {"model": "counter", "messages": [{"role": "user", "content": "the same"}]}


@pytest.fixture(params=[0, _YEAR_NS, -_SECOND], ids=["here", "up for long", "just started"])
def elsewhere(request, monkeypatch):
    """Have the recorded clock be another one than this machine's."""
    unpack = clock_tape.unpack

    def moved_order(data):
        return [
            log.Entry(one.kind, one.who, one.index, one.at_ns + request.param, one.overlap)
            for one in log.unpack(data)
        ]

    def moved_reads(data):
        (_, wall, perf), runs = unpack(data)
        for run in runs:
            run[:] = [value + request.param for value in run]
        return (0, wall - request.param, perf - request.param), runs

    monkeypatch.setattr(install, "unpack", moved_order)
    monkeypatch.setattr(clock_tape, "unpack", moved_reads)


async def ask(client, url, text):
    answer = await client.post(url, json={**BODY, "user": text})
    return answer.json()["choices"][0]["message"]["content"]


async def work(url):
    """Wait before, between and behind what is asked, and have a wait run out."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    await asyncio.sleep(0.06)
    async with httpx.AsyncClient() as client:

        async def one(number):
            await asyncio.sleep(0.01 * number)
            return await ask(client, url, "the same")

        told = await asyncio.gather(*(one(number) for number in range(4)))
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(asyncio.sleep(60), 0.03)
    await asyncio.sleep(0.05)
    return told, loop.time() - began


def block(mode):
    kind = agentvcr.record if mode == "record" else agentvcr.replay
    return kind("x.avcr")


async def left_over(done):
    """Wait for a timer that was set in a block, and for one of now."""
    await asyncio.wait_for(done.wait(), 60)
    await asyncio.sleep(0.01)


def in_a_loop_that_runs(mode, url):
    async def main():
        ticks, done = asyncio.Queue(), asyncio.Event()

        async def tick():
            while True:
                await asyncio.sleep(0.03)
                ticks.put_nowait(1)

        ticking = asyncio.create_task(tick())
        await asyncio.sleep(0.01)
        with block(mode):
            found = await work(url)
            asyncio.get_running_loop().call_later(0.05, done.set)
        await left_over(done)
        for _ in range(ticks.qsize() + 2):  # it goes on
            await asyncio.wait_for(ticks.get(), 60)
        ticking.cancel()
        return found

    return asyncio.run(main())


def in_a_loop_that_was_made(mode, url):
    loop = asyncio.new_event_loop()
    done = asyncio.Event()
    loop.run_until_complete(asyncio.sleep(0.01))
    with block(mode):
        found = loop.run_until_complete(work(url))
        loop.call_later(0.05, done.set)
    loop.run_until_complete(left_over(done))
    loop.close()
    return found


def in_a_loop_of_another_thread(mode, url):
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def run(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(60)

    run(asyncio.sleep(0.01))
    done = asyncio.Event()

    async def work_and_leave_a_timer():
        found = await work(url)
        loop.call_later(0.05, done.set)
        return found

    with block(mode):
        found = run(work_and_leave_a_timer())
    run(left_over(done))
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
    return found


WAYS = [in_a_loop_that_runs, in_a_loop_that_was_made, in_a_loop_of_another_thread]


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("way", WAYS)
def test_a_replay_is_the_run_in_a_loop_of_before(way, counter_url):
    recorded = way("record", counter_url)
    assert len(set(recorded[0])) == 4
    for _ in range(2):
        told, took_s = way("replay", counter_url)
        assert (told, round(took_s, 6)) == (recorded[0], round(recorded[1], 6))


@pytest.mark.parametrize("way", WAYS)
def test_how_time_passes_is_known_to_the_end_of_the_block(way, counter_url):
    way("record", counter_url)
    with agentvcr.replay("x.avcr") as session:
        parts = [one for one in session._recorded.world if one.kind == "order"]
    kinds = [entry.kind for part in parts for entry in log.unpack(part.data)]
    assert kinds[-1] == "X"


def test_a_clients_time_goes_on_while_its_loop_is_busy():
    async def main():
        with agentvcr.record("x.avcr"):
            loop = asyncio.get_running_loop()
            await asyncio.sleep(0.001)
            token = lanes.enter(lanes.current().under_cover())
            until = real.monotonic() + 0.02
            while real.monotonic() < until:
                pass
            seen = loop.time()
            lanes.leave(token)
        return seen >= until

    assert asyncio.run(main())
