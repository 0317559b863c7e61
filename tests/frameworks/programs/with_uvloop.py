"""Callers that ask the same, on loops of uvloop, had in each way; prints who got what, and when."""

import asyncio
import os
import warnings

import httpx
import uvloop

URL = os.environ["OPENAI_BASE_URL"] + "/chat/completions"
BODY = {"model": "m", "messages": [{"role": "user", "content": "the same"}]}


async def ask(client):
    answer = await client.post(URL, json=BODY, timeout=30)
    return answer.json()["choices"][0]["message"]["content"]


async def caller(client, number, began):
    loop = asyncio.get_running_loop()
    first = await ask(client)
    await asyncio.sleep(0.01 * (len(first) % 3))
    print(number, first, "|", await ask(client), "|", loop.time() - began)


async def lines_of_a_child():
    child = await asyncio.create_subprocess_exec("echo", "a child", stdout=asyncio.subprocess.PIPE)
    said, _ = await child.communicate()
    return said.decode()


async def crew(way):
    loop = asyncio.get_running_loop()
    assert isinstance(loop, uvloop.Loop)
    print(way, await lines_of_a_child())
    began = loop.time()
    async with httpx.AsyncClient() as client:
        await asyncio.gather(*(caller(client, number, began) for number in range(4)))
        late = asyncio.create_task(ask(client))
        done, _ = await asyncio.wait({late}, timeout=0.001)
        print("timed out", not done, loop.time() - began)
        print(await late)


def by_policy(policy):
    asyncio.set_event_loop_policy(policy)
    try:
        asyncio.run(crew(type(policy).__name__))
    finally:
        asyncio.set_event_loop_policy(None)


def main():
    uvloop.run(crew("run"))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(crew("factory"))
    loop = uvloop.Loop()
    loop.run_until_complete(crew("loop"))
    loop.close()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        by_policy(uvloop.EventLoopPolicy())
        uvloop.install()
        asyncio.run(crew("install"))


main()
