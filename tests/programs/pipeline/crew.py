"""A crew of agents, each in another process or through another client, all at the same time.

`crew.py OTHER_PYTHON`, with a model at OPENAI_BASE_URL and perhaps an MCP server at LIBRARY_URL.
Prints a JSON object of what each agent was told. Imports late: a spawned worker imports it again.
"""

import asyncio
import json
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor

import talking

import agentvcr

POOL = range(3)


async def forked():
    import agent_urllib

    return await worker("fork", agent_urllib.tell)


async def spawned():
    import agent_requests

    return await worker("spawn", agent_requests.tell)


async def worker(method, tell):
    context = multiprocessing.get_context(method)
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=tell, args=(theirs,))
    process.start()
    theirs.close()
    told = await asyncio.to_thread(ours.recv)
    await asyncio.to_thread(process.join)
    return told


async def planner():
    import httpx

    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:

        async def ask(body):
            return (await client.post(talking.URL, json=body)).content

        return await talking.talk_async(ask)


async def reviewer():
    import aiohttp

    async with aiohttp.ClientSession() as session:

        async def ask(body):
            async with session.post(talking.URL, json=body) as response:
                return await response.read()

        return await talking.talk_async(ask)


async def pool():
    import agent_urllib3

    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as workers:
        items = [loop.run_in_executor(workers, agent_urllib3.talk, one) for one in POOL]
        return [answer for pair in await asyncio.gather(*items) for answer in pair]


async def elsewhere():
    return await program(sys.argv[1], "agent_urllib.py")


async def node():
    return await program("node", "agent.mjs")


async def curl():
    return await program("sh", "agent.sh")


async def program(*command):
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    return json.loads(said)


async def tools():
    import agent_mcp

    return await agent_mcp.tools()


async def library():
    import agent_mcp

    return await agent_mcp.library()


# A fork comes first, as long as there are no threads.
AGENTS = (forked, spawned, pool, elsewhere, node, curl, planner, reviewer, tools, library)


async def at_work(agent):
    with agentvcr.step(agent.__name__, kind="agent"):
        return await agent()


async def main():
    with agentvcr.step("crew"):
        told = await asyncio.gather(*map(at_work, AGENTS))
    print(json.dumps({agent.__name__: one for agent, one in zip(AGENTS, told, strict=True)}))


if __name__ == "__main__":
    asyncio.run(main())
