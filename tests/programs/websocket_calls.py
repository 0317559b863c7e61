"""One way to open a WebSocket: `websocket_calls.py CASE URL`."""

import asyncio
import sys


def say(*words):
    print(*words, flush=True)


async def websockets_asyncio(url):
    from websockets.asyncio.client import connect

    async with connect(url) as socket:
        await socket.send("one")
        say(await socket.recv())


async def websockets_awaited(url):
    import websockets

    socket = await websockets.connect(url)
    await socket.send("one")
    say(await socket.recv())
    await socket.close()


async def websockets_again(url):
    from websockets.asyncio.client import connect

    async for socket in connect(url):
        await socket.send("one")
        say(await socket.recv())
        break


async def aiohttp(url):
    import aiohttp

    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        await socket.send_str("one")
        say((await socket.receive()).data)


async def tornado(url):
    from tornado.websocket import websocket_connect

    socket = await websocket_connect(url)
    await socket.write_message("one")
    say(await socket.read_message())
    socket.close()


def websockets_sync(url):
    from websockets.sync.client import connect

    with connect(url) as socket:
        socket.send("one")
        say(socket.recv())


def with_raw_sockets(url):
    """A WebSocket, and then a bare connection of which nobody knows what it says."""
    import socket
    import urllib.parse

    websockets_sync(url)
    parts = urllib.parse.urlsplit(url)
    socket.create_connection((parts.hostname, parts.port)).close()


def of_its_own(_):
    """A server of the program's own, and a client of it."""
    import threading

    from websockets.sync.server import serve

    with serve(lambda peer: [peer.send("echo " + text) for text in peer], "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever).start()
        port = server.socket.getsockname()[1]
        websockets_sync(f"ws://127.0.0.1:{port}/own")
        server.shutdown()


def refused(url):
    """Nobody listens there."""
    from websockets.sync.client import connect

    try:
        connect("ws://127.0.0.1:1/none", legacy=True)
    except OSError as error:
        say(type(error).__name__)


if __name__ == "__main__":
    case, address = globals()[sys.argv[1]], sys.argv[2]
    if asyncio.iscoroutinefunction(case):
        asyncio.run(case(address))
    else:
        case(address)
