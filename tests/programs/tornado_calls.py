"""One way to use tornado's HTTP clients: `tornado_calls.py CASE`, the server from BASE_URL."""

import asyncio
import json
import logging
import os
import sys

from tornado.httpclient import AsyncHTTPClient, HTTPClient, HTTPRequest

URL = os.environ.get("BASE_URL", "")
AGENTS = 12
SHORT_S = 0.2


def told(response):
    return [
        response.code,
        response.reason,
        response.body.decode("utf-8", "replace"),
        response.effective_url.removeprefix(URL),
        sorted(name for name in response.headers if name != "Date"),
        response.headers.get_list("Set-Cookie") and "cookies",
    ]


async def answers():
    client = AsyncHTTPClient()
    for path in ("/json?slow_ms=20", "/headers", "/empty", "/gzip", "/json?code=404", "/sse"):
        print(told(await client.fetch(URL + path, raise_error=False)))
    print(told(await client.fetch(URL + "/echo", method="POST", body="é", user_agent="me")))
    request = HTTPRequest(URL + "/echo?n=2", method="PUT", body=b"\x00\xff", headers={"X-A": "b"})
    print(told(await client.fetch(request)))
    print("_body=None" in repr(await client.fetch(URL + "/json?code=203")))
    request = HTTPRequest(URL + "/gzip", decompress_response=False)
    print(len((await client.fetch(request)).body) < 100)


async def redirected():
    client = AsyncHTTPClient()
    print(told(await client.fetch(URL + "/redirect?to=/json%3Fslow_ms%3D1&code=302")))
    found = await client.fetch(URL + "/redirect", follow_redirects=False, raise_error=False)
    print(told(found))


async def failures():
    client = AsyncHTTPClient()
    calls = (
        lambda: client.fetch(URL + "/json?code=500"),
        lambda: client.fetch("http://127.0.0.1:1/"),
        lambda: client.fetch("http://no.such.host.invalid/"),
        lambda: client.fetch(URL + "/json?slow_ms=5000", request_timeout=SHORT_S),
        lambda: client.fetch(URL + "/sse?then=close"),
        lambda: client.fetch(URL + "/garbage"),
        lambda: client.fetch("ftp://127.0.0.1/"),
    )
    for call in calls:
        try:
            print(told(await call()))
        except Exception as error:  # noqa: BLE001  (whatever it is, it is told)
            print(type(error).__name__, error, error.args[:2], getattr(error, "code", None))


async def gives_up():
    """The answer to what was given up comes while the next is waited for."""
    client = AsyncHTTPClient()
    try:
        print(told(await asyncio.wait_for(client.fetch(URL + "/json?slow_ms=600"), SHORT_S)))
    except TimeoutError:
        print("gave up")
    print(told(await client.fetch(URL + "/json?slow_ms=1200")))


async def together():
    client = AsyncHTTPClient()
    body = json.dumps({"messages": [{"role": "user", "content": "the same for all"}]})

    async def agent():
        first = await client.fetch(URL + "/v1/chat/completions", method="POST", body=body)
        second = await client.fetch(URL + "/v1/chat/completions", method="POST", body=body)
        return first.body.decode(), second.body.decode()

    for pair in await asyncio.gather(*(agent() for _ in range(AGENTS))):
        print(pair)


async def turns():
    """Whoever waits for an answer lets others run."""
    client, seen = AsyncHTTPClient(), []

    async def agent(name):
        seen.append(name)
        await client.fetch(URL + "/json")
        seen.append(name)

    await asyncio.gather(agent("one"), agent("two"))
    print(seen[:2])


async def streams():
    client = AsyncHTTPClient()
    parts, lines = [], []
    found = await client.fetch(URL + "/sse?events=4&gap_ms=20", streaming_callback=parts.append)
    print(told(found), b"".join(parts), found.request.streaming_callback == parts.append)
    found = await client.fetch(URL + "/headers", header_callback=lines.append)
    print(told(found), [line for line in lines if not line.startswith("Set-Cookie")])
    parts.clear()

    async def later(chunk):
        await asyncio.sleep(0)
        parts.append(chunk)

    found = await client.fetch(URL + "/redirect?to=/large", streaming_callback=later)
    print(told(found), len(b"".join(parts)))

    def asks(_):
        asked.append(client.fetch(URL + "/json?code=201"))

    async def asks_too(_):
        print((await client.fetch(URL + "/json?code=202")).code)

    asked = []
    await client.fetch(URL + "/json", streaming_callback=asks)
    print((await asked[0]).code)
    await client.fetch(URL + "/json", streaming_callback=asks_too)
    parts.clear()
    try:
        await client.fetch(URL + "/sse?then=close", streaming_callback=parts.append)
    except Exception as error:  # noqa: BLE001  (whatever it is, it is told)
        print(type(error).__name__, error, b"".join(parts)[:40])


async def stream_given_up():
    """What comes after the first piece is not waited for."""
    client, first = AsyncHTTPClient(), asyncio.Event()
    url = URL + "/sse?gap_ms=100"
    asked = asyncio.ensure_future(client.fetch(url, streaming_callback=lambda _: first.set()))
    await first.wait()
    asked.cancel()
    print(told(await client.fetch(URL + "/json?slow_ms=1000")))


async def partwise():
    client = AsyncHTTPClient()

    async def body(write):
        await write(b"made ")
        await write(b"in pieces")

    found = await client.fetch(URL + "/echo", method="POST", body_producer=body)
    print(found.code, json.loads(found.body)["text"])


async def logs():
    logging.basicConfig(level=logging.DEBUG, stream=sys.stdout, format="%(name)s %(message)s")
    await AsyncHTTPClient().fetch(URL + "/json")
    logging.getLogger("vcr.mine").warning("heard")
    print("httpx" in sys.modules, "urllib3" in sys.modules, "aiohttp" in sys.modules)


def blocking():
    client = HTTPClient()
    print(told(client.fetch(URL + "/json")))
    client.close()


CASES = {
    one.__name__: one
    for one in (
        answers,
        redirected,
        failures,
        gives_up,
        streams,
        stream_given_up,
        together,
        turns,
        partwise,
        logs,
    )
}

if __name__ == "__main__":
    if "TORNADO_CLIENT" in os.environ:
        AsyncHTTPClient.configure(os.environ["TORNADO_CLIENT"])
    if sys.argv[1] == "blocking":
        blocking()
    else:
        asyncio.run(CASES[sys.argv[1]]())
