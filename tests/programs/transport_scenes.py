"""One scene with an HTTP client, for what takes a whole run to show: how it ends, and when.

`python -m tests.programs.transport_scenes CLIENT HALF SCENE`, with a server at BASE_URL.
"""

import asyncio
import importlib
import os
import signal
import sys
import threading

from tests.programs.transport_client import URL, Async, Sync, drained, whole

READ = int(os.environ.get("READ", "-1"))
HALVES = {"sync": Sync, "async": Async}
kept = []


async def reads_some(f):
    """Read READ chunks of the answer, or all; close; say so."""
    async with f.client() as client:
        response = await f.send(client, client.build_request("GET", "/sse?events=5"))
        told = await drained(f, response, most=None if READ < 0 else READ)
        await f.close(response)
    print("read", len(told["chunks"]))


async def waits_at_gates(f):
    """Ask for the next chunk's release only when the one before it has arrived."""
    async with f.client() as client:
        response = await f.send(client, client.build_request("GET", "/gated"))
        pieces = f.pieces(response)
        print("head", flush=True)
        for number in range(4):
            await f.ask(client, "POST", "/release")
            print(number, await f.next(pieces), flush=True)
        await f.ask(client, "POST", "/release")
        print(await f.next(pieces))


async def takes_its_time(f):
    """An answer with gaps; then one whose head is slow."""
    async with f.client() as client:
        response = await f.send(client, client.build_request("GET", "/sse?events=3&gap_ms=120"))
        print(await drained(f, response))
        print(await whole(f, client, "GET", "/json?slow_ms=120"))


async def fails_unhandled(f):
    """An exception that nobody catches ends the program."""
    async with f.client() as client:
        await f.ask(client, "GET", "/truncated?declared=10&sent=4")


async def exits_in_mid_stream(f):
    """A signal's handler ends the program, with a status, while it waits for a chunk."""
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(3))
    async with f.client() as client:
        response = await f.send(client, client.build_request("GET", "/sse?events=2&then=hang"))
        pieces = f.pieces(response)
        print(await f.next(pieces), await f.next(pieces), flush=True)
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        print(await f.next(pieces))


async def dies_in_mid_stream(f):
    """Killed, right after what it read was used."""
    async with f.client() as client:
        response = await f.send(
            client, client.build_request("GET", "/sse?events=6&cut=pair&gap_ms=0&then=hang")
        )
        pieces = f.pieces(response)
        for _ in range(3):
            print(await f.next(pieces), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)


async def dies_after_the_head(f):
    """Killed, with the head seen and no chunk yet."""
    async with f.client() as client:
        response = await f.send(client, client.build_request("GET", "/sse?events=0&then=hang"))
        print(response.status_code, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)


async def leaves_it_open(f):
    """Come to the program's end with a stream half read."""
    client = (f.lib.Client if isinstance(f, Sync) else f.lib.AsyncClient)(verify=False)
    response = await f.send(client, client.build_request("GET", URL + "/sse?events=3&then=hang"))
    pieces = f.pieces(response)
    print(await f.next(pieces))
    kept.extend([client, response, pieces])


async def leaves_a_task_behind(f):
    """The program ends while a task in the background waits for its head."""
    client = f.lib.AsyncClient(verify=False)
    kept.append(asyncio.create_task(client.get(URL + "/hang")))
    async with f.client() as other:
        print(await whole(f, other, "GET", "/json?slow_ms=100"))


async def leaves_a_thread_behind(f):
    """The program ends while a daemon thread waits for its answer."""

    def ask():
        with f.lib.Client(verify=False) as client:
            print("not to be seen", client.get(URL + "/hang"))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(0.3)
    async with f.client() as client:
        print(await whole(f, client, "GET", "/json"))


async def switches_protocols(f):
    """Upgrade, and talk over the connection that is then the program's own."""
    wanted = {"Connection": "Upgrade", "Upgrade": "echo"}
    async with f.client() as client:
        request = client.build_request("GET", "/upgrade", headers=wanted)
        response = await f.send(client, request)
        print(response.status_code, response.headers["upgrade"], flush=True)
        connection = response.extensions["network_stream"]
        for word in (b"one", b"two"):
            written = connection.write(word)
            if isinstance(f, Async):
                await written
            read = connection.read(100)
            print(await read if isinstance(f, Async) else read, flush=True)
        await f.close(response)


async def counts_connections(f):
    """Say on which connection each request arrived: kept alive, or a new one after a break."""
    async with f.client() as client:
        told = [(await f.ask(client, "GET", "/line")).json() for _ in range(3)]
        response = await f.send(client, client.build_request("GET", "/sse?events=3"))
        await drained(f, response)
        told.append((await f.ask(client, "GET", "/line")).json())
        response = await f.send(client, client.build_request("GET", "/sse?events=3&then=hang"))
        await drained(f, response, most=1)
        await f.close(response)
        told.append((await f.ask(client, "GET", "/line")).json())
    print(told)


async def reads_on_after_close(f):
    """The chunks came together, so the client still has some when the answer is closed."""
    async with f.client() as client:
        response = await f.send(client, client.build_request("GET", "/burst"))
        pieces = f.pieces(response)
        print(await f.next(pieces))
        await f.close(response)
        try:
            print(await f.next(pieces), await f.next(pieces), await f.next(pieces))
        except f.lib.TransportError as error:
            print(type(error).__name__)
        await f.leave(pieces)


async def iterates_one_stream_twice(f):
    """Below the response, a stream is iterated, left, and iterated again."""
    async with f.client() as client:
        response = await f.send(client, client.build_request("GET", "/sse?events=4"))
        for most in (2, 4):
            pieces = response.stream.__aiter__() if isinstance(f, Async) else iter(response.stream)
            got = []
            try:
                while len(got) < most and (piece := await f.next(pieces)) is not None:
                    got.append(piece)
            except f.lib.TransportError as error:
                got.append(type(error).__name__)
            print(got, flush=True)
            kept.append(pieces)
        await f.close(response)


SCENES = {
    name: scene
    for name, scene in globals().items()
    if asyncio.iscoroutinefunction(scene) and scene.__module__ == __name__
}


def main():
    client, half, scene = sys.argv[1:]
    f = HALVES[half](importlib.import_module(client))
    f.run(SCENES[scene](f))


if __name__ == "__main__":
    main()
