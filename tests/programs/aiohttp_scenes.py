"""One scene with aiohttp, for what takes a whole run to show.

`python -m tests.programs.aiohttp_scenes SCENE`, with a server at BASE_URL.
"""

import asyncio
import os
import signal
import ssl
import sys

import aiohttp

from tests.programs.aiohttp_session import URL, head, named, session

READ = int(os.environ.get("READ", "-1"))
kept = []


async def waits_at_gates():
    """Ask for the next chunk's release only when the one before it has arrived."""
    async with session() as client, client.get("/gated") as response:
        pieces = response.content.iter_any()
        print("head", flush=True)
        for number in range(4):
            await client.post("/release")
            print(number, await anext(pieces), flush=True)
        await client.post("/release")
        print(await anext(pieces, None))


async def reads_some():
    """Read READ lines of the answer, or all; say so."""
    async with session() as client, client.get("/sse?events=5&gap_ms=40") as response:
        told = []
        while len(told) != READ and (line := await response.content.readline()):
            told.append(line)
    print("read", len(told))


async def takes_its_time():
    async with session() as client:
        async with client.get("/sse?events=3&gap_ms=120") as response:
            print(await response.read())
        async with client.get("/json?slow_ms=120") as response:
            print(await response.json())


async def fails_unhandled():
    async with session() as client, client.get("/truncated?declared=10&sent=4") as response:
        await response.read()


async def exits_in_mid_stream():
    """A signal's handler ends the program, with a status, while it waits for a chunk."""
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(3))
    async with session() as client:
        response = await client.get("/sse?events=2&then=hang&gap_ms=60")
        print(await response.content.readline(), flush=True)
        signal.setitimer(signal.ITIMER_REAL, 0.4)
        print(len(await response.read()))


async def dies_in_mid_stream():
    async with session() as client:
        response = await client.get("/sse?events=3&then=hang")
        for _ in range(6):
            print(await response.content.readline(), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)


async def dies_after_the_head():
    async with session() as client:
        response = await client.get("/sse?events=0&then=hang")
        print(response.status, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)


async def leaves_a_task_behind():
    """The program ends while a task in the background waits for its head."""
    async with session() as client:
        kept.append(asyncio.create_task(client.get("/hang")))
        async with client.get("/json?slow_ms=100") as response:
            print(await response.json())


async def over_tls():
    """A certificate that is trusted, then one that is not."""
    trusted = ssl.create_default_context(cafile=os.environ["AUTHORITY"])
    async with aiohttp.ClientSession() as client:
        async with client.get(URL + "/json", ssl=trusted) as response:
            print(head(response), await response.json())
        try:
            await client.get(URL + "/json")
        except aiohttp.ClientConnectorCertificateError as error:
            print(named(error)["error"], str(error.certificate_error), error.ssl)


async def through_a_proxy():
    """Through the proxy that the environment names: plain, or in a tunnel for TLS."""
    authority = os.environ.get("AUTHORITY")
    trusted = ssl.create_default_context(cafile=authority) if authority else True
    async with aiohttp.ClientSession(trust_env=True) as client:
        async with client.get(URL + "/json", ssl=trusted) as response:
            print(head(response), await response.json())
        try:
            await client.get(URL + "/json", proxy=os.environ["REFUSED_URL"], ssl=trusted)
        except aiohttp.ClientProxyConnectionError as error:
            print(named(error)["cause"])  # its words name the context by its address


async def over_a_unix_socket():
    connector = aiohttp.UnixConnector(os.environ["SOCKET"])
    async with aiohttp.ClientSession(connector=connector) as client:
        response = await client.get("http://localhost/json")
        print(head(response), await response.json())
    connector = aiohttp.UnixConnector(os.environ["SOCKET"] + ".none")
    async with aiohttp.ClientSession(connector=connector) as client:
        try:
            await client.get("http://localhost/json")
        except aiohttp.ClientConnectorError as error:
            print(type(error).__name__, error, error.os_error.errno, error.path)


async def speaks_over_a_websocket():
    async with aiohttp.ClientSession() as client, client.ws_connect(URL + "/ws") as socket:
        await socket.send_str("one")
        print(await socket.receive_str())


SCENES = {
    name: scene
    for name, scene in globals().items()
    if asyncio.iscoroutinefunction(scene) and scene.__module__ == __name__
}

if __name__ == "__main__":
    asyncio.run(SCENES[sys.argv[1]]())
