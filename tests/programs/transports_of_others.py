"""httpx over the transports that other libraries bring: `transports_of_others.py`, BASE_URL."""

import asyncio
import os
import sys

import httpx
import httpx_curl_cffi
from pyreqwest.compatibility.httpx import HttpxTransport, SyncHttpxTransport

URL = os.environ["BASE_URL"]
PATHS = ("/json", "/gzip", "/json?code=404", "/sse?events=4&gap_ms=1")


def told(response, body):
    coding = response.headers.get("content-encoding")
    return [response.status_code, response.reason_phrase, coding, body[:60], len(body)]


def blocking(transport):
    with httpx.Client(transport=transport) as client:
        for path in PATHS:
            with client.stream("GET", URL + path) as response:
                print(told(response, b"".join(response.iter_bytes())))
        print(client.post(URL + "/echo", json={"a": 1}).json()["text"])
        try:
            client.get("http://127.0.0.1:1/")
        except httpx.HTTPError as error:
            print(type(error).__name__, error)


async def awaited(transport):
    async with httpx.AsyncClient(transport=transport) as client:
        for path in PATHS:
            async with client.stream("GET", URL + path) as response:
                print(told(response, b"".join([part async for part in response.aiter_bytes()])))
        print((await client.post(URL + "/echo", json={"a": 1})).json()["text"])
        try:
            await client.get("http://127.0.0.1:1/")
        except httpx.HTTPError as error:
            print(type(error).__name__, error)


if __name__ == "__main__":
    if sys.argv[1] == "curl":
        blocking(httpx_curl_cffi.CurlTransport())
        asyncio.run(awaited(httpx_curl_cffi.AsyncCurlTransport()))
    else:
        from pyreqwest.client import ClientBuilder, SyncClientBuilder

        blocking(SyncHttpxTransport(SyncClientBuilder().build()))

        async def main():
            async with ClientBuilder().build() as client:
                await awaited(HttpxTransport(client))

        asyncio.run(main())
        sys.stdout.flush()
        os._exit(0)  # its threads may bring an interpreter down that ends around them
