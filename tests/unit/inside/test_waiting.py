"""A piece of an answer waits for what this process has to be served before."""

import asyncio
import threading

import pytest

from agentvcr.inside import waiting
from agentvcr.inside.exchange import Serve


@pytest.fixture(autouse=True)
def _nothing_served():
    waiting.forget_served()
    yield
    waiting.forget_served()


def gated(**gates):
    return Serve(
        status=200,
        reason=b"",
        http_version=b"",
        headers=[],
        chunks=[],
        delays_ns=[],
        end_kind="eof",
        failure=None,
        gates={int(name[1:]): number for name, number in gates.items()},
    )


def test_a_gate_opens_when_its_exchange_is_served():
    async def main():
        task = asyncio.create_task(waiting.async_wait(gated(_1=7), 1))
        for number in (3, 0):
            await asyncio.sleep(0)
            waiting.note_served(number)
        await asyncio.sleep(0)
        was_open = task.done()
        waiting.note_served(7)
        await task
        return was_open

    assert asyncio.run(main()) is False


def test_a_gate_opens_from_another_thread():
    async def main():
        task = asyncio.create_task(waiting.async_wait(gated(_0=7), 0))
        await asyncio.sleep(0)
        threading.Thread(target=waiting.note_served, args=(7,)).start()
        await task

    asyncio.run(main())


def test_what_is_served_between_looking_and_waiting_is_not_missed(monkeypatch):
    class ServedMeanwhile(set):
        def __contains__(self, number):
            found = set.__contains__(self, number)
            self.add(number)  # as another thread does, too early to wake who does not wait yet
            return found

    monkeypatch.setattr(waiting, "_served", ServedMeanwhile())
    asyncio.run(asyncio.wait_for(waiting.async_wait(gated(_0=7), 0), 30))


def test_a_position_without_a_gate_waits_for_nothing():
    waiting.wait(gated(_1=7), 0)
    asyncio.run(waiting.async_wait(gated(_1=7), 2))


def test_synchronous_code_waits_too():
    waiter = threading.Thread(target=waiting.wait, args=(gated(_0=7), 0))
    waiter.start()
    waiting.note_served(7)
    waiter.join()


def test_a_loop_that_is_closed_wakes_nobody():
    async def main():
        task = asyncio.create_task(waiting.async_wait(gated(_0=7), 0))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(main())
    waiting.note_served(7)
