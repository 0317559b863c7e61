"""Calls that go well: bodies, encodings, redirects, retries. Not a program by itself."""

import asyncio
import gzip
import json
import threading

import brotli

from tests.programs.battery.asking import JSON, OTHER, URL, from_pieces, needs, shown, told
from tests.programs.battery.client import Ask, Options

MOST_TRIES = 5
MOST_PIECES = 2
_HOPS = "/redirect?code=302&to=%2Fredirect%3Fcode%3D303%26to%3D%2Fjson%3Flast"
_DECODERS = {"gzip": gzip.decompress, "br": brotli.decompress}


async def plain(kind):
    """Each method that programs use."""
    async with kind(Options()) as client:
        return [
            await told(client, f"{URL}/json?b=2&a=1"),
            await told(client, f"{URL}/json", method="HEAD"),
            await told(client, f"{URL}/json", method="DELETE"),
            await told(client, f"{URL}/missing"),
        ]


async def post_json(kind):
    async with kind(Options()) as client:
        body = json.dumps({"b": [1, 2.5, None], "a": "é"}).encode()
        return [
            await told(client, f"{URL}/echo", method="POST", headers=JSON, body=body),
            await told(client, f"{URL}/echo", method="PUT", body=bytes(range(256))),
        ]


async def same_request_again(kind):
    """Equal requests of one caller, whose answers differ."""
    async with kind(Options()) as client:
        return [await told(client, f"{URL}/json") for _ in range(5)]


async def events(kind):
    """Events that are cut in the middle of a character."""
    async with kind(Options()) as client:
        return [await from_pieces(client, f"{URL}/sse"), await told(client, f"{URL}/sse?events=1")]


async def encoded_gzip(kind):
    return await _decoded(kind, "gzip")


async def encoded_brotli(kind):
    return await _decoded(kind, "br")


async def _decoded(kind, encoding):
    async with kind(Options()) as client:
        answer = await client.ask(
            Ask(url=f"{URL}/{encoding}", headers={"Accept-Encoding": encoding})
        )
    body = answer.body
    return shown(answer, body if encoding in kind.decodes else _DECODERS[encoding](body))


@needs("streams")
async def events_in_gzip(kind):
    async with kind(Options()) as client, client.stream(Ask(url=f"{URL}/gzip-sse")) as answer:
        got = [piece async for piece in answer.pieces]
    if "gzip" not in kind.decodes:
        return gzip.decompress(b"".join(got)).decode()
    texts = [piece.decode("latin-1") for piece in got]
    return "".join(texts) if "pieces" in kind.without else texts


@needs("parts")
async def chunked_upload(kind):
    async with kind(Options()) as client:
        parts = [b"a" * 3, b"b", b"c" * 70_000]
        return await told(client, f"{URL}/echo", method="POST", parts=parts)


async def multipart_upload(kind):
    """The boundary is another in each run."""
    files = {"one": b"text\r\n--x", "two": b"\x00\xff\x80"}
    async with kind(Options()) as client:
        return [
            await told(client, f"{URL}/echo", method="POST", files=files),
            await told(client, f"{URL}/echo", method="POST", files={**files, "one": b"other"}),
        ]


@needs("redirects")
async def redirects(kind):
    async with kind(Options()) as client:
        return [
            await told(client, f"{URL}/redirect?code=301&to={_HOPS}", follows=True),
            await told(client, f"{URL}/redirect?code=307&to={OTHER}/json?there", follows=True),
            await told(client, f"{URL}/redirect?code=302&to=/json"),
        ]


@needs("redirects")
async def redirected_posts(kind):
    """303 makes a GET of it, 307 does not."""
    async with kind(Options()) as client:
        ask = {"method": "POST", "headers": JSON, "body": b'{"a": 1}', "follows": True}
        return [
            await told(client, f"{URL}/redirect?code={code}&to=/echo", **ask)
            for code in (301, 302, 303, 307, 308)
        ]


@needs("retries")
async def own_retries(kind):
    async with kind(Options(retries=3)) as client:
        return [
            await told(client, f"{URL}/retry?of={code}&times=2&code={code}&after=0", method="POST")
            for code in (429, 529)
        ]


async def retries_of_the_program(kind):
    async with kind(Options()) as client:
        return [await _until_answered(client, code) for code in (429, 529)]


async def _until_answered(client, code):
    url, seen = f"{URL}/retry?of=mine{code}&times=2&code={code}&after=0.01", []
    while len(seen) < MOST_TRIES:
        answer = await client.ask(Ask(url=url, method="POST", body=b"{}", headers=JSON))
        seen.append(shown(answer))
        if answer.status == 200:
            break
        after = {name.lower(): value for name, value in answer.headers}["retry-after"]
        await asyncio.sleep(float(after)) if client.waits else threading.Event().wait(float(after))
    return seen


async def kept_alive(kind):
    """On which connection each of several requests went."""
    async with kind(Options()) as client:
        return [await told(client, f"{URL}/line") for _ in range(5)]


async def without_a_body(kind):
    async with kind(Options()) as client:
        return [await told(client, f"{URL}/empty?code={code}") for code in (204, 200, 304)]


async def odd_answers(kind):
    """Headers in all shapes, a word before the answer, an answer that ends with its connection."""
    async with kind(Options()) as client:
        paths = ("odd-headers", "hints", "until-close", "json")
        return [await told(client, f"{URL}/{path}") for path in paths]


async def large_bodies(kind):
    async with kind(Options()) as client:
        body = b"x" * 3_000_000
        return await told(client, f"{URL}/large?bytes=3000000", method="POST", body=body)


@needs("streams")
async def asks_while_streaming(kind):
    """What is asked between two pieces of an answer is asked by the program."""
    async with kind(Options()) as client, kind(Options()) as other:
        whole, seen = b"", []
        async with client.stream(Ask(url=f"{URL}/sse?events=5")) as answer:
            async for piece in answer.pieces:
                if len(seen) < MOST_PIECES:
                    seen.append(await told(other, f"{URL}/json?between"))
                whole += piece
        return [whole.decode(), *seen, await told(client, f"{URL}/json")]


async def several_clients(kind):
    """Clients that live at once, each with connections of its own."""
    async with kind(Options()) as one, kind(Options()) as two:
        seen = [await told(client, f"{URL}/line") for client in (one, two, one, two)]
        async with kind(Options()) as three:
            return [*seen, await told(three, f"{URL}/line"), await told(one, f"{URL}/line")]
