"""Cases with aiohttp in which a request has a body. Not a program by itself."""

import asyncio
import io
import os
import socket
import tempfile

import aiohttp
from aiohttp.abc import AbstractResolver

from tests.programs.aiohttp_session import URL, named, session


class LostAtFirst(AbstractResolver):
    """Knows a host only when it is asked again."""

    def __init__(self):
        self.asked = 0

    async def resolve(self, host, port=0, family=0):  # noqa: ARG002 - the library's signature
        self.asked += 1
        if self.asked == 1:
            raise OSError(None, "not yet")
        ways = {"family": socket.AF_INET, "proto": 0, "flags": 0}
        return [{"hostname": host, "host": "127.0.0.1", "port": port, **ways}]

    async def close(self):
        pass


async def one_shot_body_that_no_connection_took():
    """It is still there when the program's middleware asks again."""
    told = []

    async def insists(request, handler):
        try:
            return await handler(request)
        except aiohttp.ClientConnectorError as error:
            told.append(named(error))
            return await handler(request)

    async def body():
        yield b"once"

    connector = aiohttp.TCPConnector(resolver=LostAtFirst())
    async with session(connector=connector, middlewares=[insists]) as client:
        port = URL.rpartition(":")[2]
        response = await client.put(f"http://there.test:{port}/echo", data=body())
        return [*told, (await response.json())["text"]]


def _sends(**options):
    async def case():
        async with session() as client, client.post("/echo", **options) as response:
            return await response.json()

    return case


def _sends_parts(*parts, method="POST", url="/echo", **options):
    async def case():
        async def body():
            for part in parts:
                await asyncio.sleep(0)
                yield part

        async with session() as client:
            response = await client.request(method, url, data=body(), **options)
            return await response.json()

    return case


async def body_of_files():
    """A file, a file in memory, and a pipe that can be read once."""
    told = []
    with tempfile.TemporaryFile() as file:
        file.write(b"f" * 200_000)
        file.seek(1000)
        async with session() as client:
            async with client.put("/echo", data=file) as response:
                told.append(await response.json())
            async with client.put("/echo", data=io.BytesIO(b"in memory")) as response:
                told.append(await response.json())
            reading, writing = os.pipe()
            os.write(writing, b"through a pipe")
            os.close(writing)
            with open(reading, "rb") as pipe:  # noqa: ASYNC230, PTH123 - a pipe, already full
                async with client.put("/echo", data=pipe) as response:
                    told.append(await response.json())
    return told


def form():
    made = aiohttp.FormData()
    made.add_field("field", "é")
    made.add_field("file", io.BytesIO(b"\x00\xff"), filename="ö.bin", content_type="x/y")
    return made


async def multipart():
    """Its boundary is made by chance, so that nothing but the status is said."""
    async with session() as client:
        return [(await client.post("/json", data=form())).status for _ in range(2)]


async def multipart_of_a_fixed_boundary():
    with aiohttp.MultipartWriter("mixed", boundary="fixed") as writer:
        writer.append("text")
        writer.append_json({"a": 1})
    return await _sends(data=writer)()


async def body_sent_again_on_redirect():
    async with session() as client:
        response = await client.post("/redirect?code=307&to=/echo", data=io.BytesIO(b"twice"))
        return await response.json()


async def one_shot_body_on_redirect():
    async def body():
        yield b"once"

    async with session() as client:
        try:
            await client.post("/redirect?code=307&to=/echo", data=body())
        except aiohttp.ClientPayloadError as error:
            return named(error)


async def told_on_progress():
    tracker = aiohttp.UploadTracker()
    async with session() as client:
        response = await client.post("/echo", data=b"x" * 1000, upload_tracker=tracker)
        await response.read()
        await tracker.upload_complete
        return [tracker.attempts, tracker.bytes_written]


CASES = {
    "one_shot_body_that_no_connection_took": one_shot_body_that_no_connection_took,
    "body_bytes": _sends(data=bytes(range(256))),
    "body_text": _sends(data="é"),
    "body_form": _sends(data={"a": "1", "ü": "é & ="}),
    "body_json": _sends(json={"b": [1, 2.5, None], "a": "é"}),
    "body_compressed": _sends(data=b"z" * 5000, compress="gzip"),
    "body_chunked": _sends(data=b"in chunks", chunked=True),
    "body_large": _sends(data=io.BytesIO(b"l" * 3_000_000)),
    "body_from_generator": _sends_parts(b"abc", b"d", b"efghi"),
    "body_from_generator_compressed": _sends_parts(b"z" * 3000, b"y" * 3000, compress=True),
    "body_from_empty_generator": _sends_parts(),
    "body_of_files": body_of_files,
    "multipart": multipart,
    "multipart_of_a_fixed_boundary": multipart_of_a_fixed_boundary,
    "body_sent_again_on_redirect": body_sent_again_on_redirect,
    "one_shot_body_on_redirect": one_shot_body_on_redirect,
    "told_on_progress": told_on_progress,
}
