"""The tee on a real stream: each way in which the program can stop reading has its own name."""

import asyncio

import pytest

from agentvcr.inside.course import Course
from agentvcr.inside.exchange import Forward, NullSink
from agentvcr.inside.interceptors.httpx_streams import AsyncTee


class Kept(NullSink):
    """Keeps how the stream ended."""

    def __init__(self):
        self.ended = []

    def end(self, kind, _error=None):
        self.ended.append(kind)


class Slow(Course):
    """Lets chunks in at once, and an end once `turn` is set."""

    def __init__(self):
        self.turn = asyncio.Event()
        self.waits = asyncio.Event()
        self.arrived = 0

    async def async_arrive(self, _index=None):
        self.arrived += 1
        if self.arrived == 2:
            self.waits.set()
            await self.turn.wait()


class Stream:
    async def __aiter__(self):
        yield b"all of it"

    async def aclose(self):
        pass


async def read(tee):
    try:
        return [chunk async for chunk in tee]
    finally:
        await tee.aclose()


def test_a_reader_cancelled_while_the_end_waits_for_its_turn_has_cancelled():
    """As the openai SDK does, which drains a stream for 0.1 s: the replay must not give the end."""

    async def scene():
        sink, course = Kept(), Slow()
        tee = AsyncTee(Stream(), Forward(sink))
        tee.course = course
        task = asyncio.create_task(read(tee))
        await course.waits.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return sink.ended[0]

    assert asyncio.run(scene()) == "cancelled"


def test_a_stream_read_to_its_end_is_ended():
    async def scene():
        sink = Kept()
        assert await read(AsyncTee(Stream(), Forward(sink))) == [b"all of it"]
        return sink.ended[0]

    assert asyncio.run(scene()) == "eof"
