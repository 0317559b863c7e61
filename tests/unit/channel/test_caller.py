"""The gateway's end of a connection does not take without end."""

import asyncio

from agentvcr.channel.gateway.caller import Caller


class Endless:
    """A program that sends one request after the other, and waits for no answer."""

    def __init__(self):
        self.given = 0

    async def read(self, size):
        await asyncio.sleep(0)
        self.given += size
        return b"x" * size


def test_what_a_program_sends_ahead_is_taken_up_to_a_point():
    async def main():
        reader = Endless()
        leaving = asyncio.ensure_future(Caller(reader, None).until_gone())
        for _ in range(1000):
            await asyncio.sleep(0)
        leaving.cancel()
        return reader.given

    assert 0 < asyncio.run(main()) <= 2 << 20
