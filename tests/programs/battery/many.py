"""Many calls at once, all of them the same. Not a program by itself."""

import asyncio
import json
import threading

from tests.programs.battery.asking import CA, H2, JSON, URL, needs, streamed, told
from tests.programs.battery.client import Options

CALLERS = 200
THREADS = 16
STREAMS = 40


async def fan_out(kind):
    """Many callers ask the same, and again about what each was told: who got what."""
    if kind.waits:
        async with kind(Options(timeout_s=60)) as client:
            return await asyncio.gather(*(_conversation(client) for _ in range(CALLERS)))
    async with kind(Options(timeout_s=60)) as shared:

        async def some(place):
            client = shared if kind.is_shared else kind(Options(timeout_s=60))
            places = range(place, CALLERS, THREADS)
            seen = [[caller, *await _conversation(client)] for caller in places]
            if client is not shared:
                await client.close()
            return seen

        calls = [lambda place=place: some(place) for place in range(THREADS)]
        return await _at_once(kind, calls)


@needs("http2", "multiplexing")
async def many_on_one_connection(kind):
    """Streams of one connection, whose answers come in another order."""
    async with kind(Options(ca=CA, http2=True)) as client:
        return await _at_once(kind, [lambda: told(client, f"{H2}/json")] * STREAMS)


async def _conversation(client):
    """Ask what all ask, ask it again when an answer has come, and then about both answers.

    The second time comes in the order of the answers, which a replay has otherwise: the caller
    alone tells these requests apart.
    """
    question = {"method": "POST", "headers": JSON}
    plan = b'{"say": "plan"}'
    both = [await told(client, f"{URL}/turn", body=plan, **question) for _ in range(2)]
    again = json.dumps({"say": "plan", "said": [one["body"] for one in both]}).encode()
    if "streams" in client.without:
        last = await told(client, f"{URL}/turn", body=again, **question)
    else:
        last = await streamed(client, f"{URL}/turn?stream=1&events=1", body=again, **question)
    return [*both, last]


async def _at_once(kind, calls):
    """Run calls together: tasks where the client waits, threads where it does not."""
    if kind.waits:
        return await asyncio.gather(*(call() for call in calls))
    results = [None] * len(calls)

    def work(place, call):
        results[place] = kind.run(call())

    threads = [threading.Thread(target=work, args=both) for both in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
