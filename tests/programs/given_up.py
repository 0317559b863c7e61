"""Give up on a stream that hangs, and tell the time: `given_up.py`, with a server at BASE_URL."""

import asyncio
import os
import time

import httpx

URL = os.environ["BASE_URL"] + "/sse?events=2&then=hang"


async def main():
    seen = 0
    async with httpx.AsyncClient() as client:
        try:
            async with asyncio.timeout(0.5), client.stream("GET", URL) as response:
                async for _ in response.aiter_raw():
                    seen += 1
        except TimeoutError:
            print(seen, [time.time_ns() for _ in range(3)], time.perf_counter_ns())


asyncio.run(main())
