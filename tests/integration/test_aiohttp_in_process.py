"""aiohttp in sessions of this very process: callers, loops, threads, and what is put back after."""

import asyncio
import gc
import threading
from types import ModuleType

import aiohttp
import httpx
import pytest
from aiohttp import web

import agentvcr
from agentvcr.cassette.reader import load_run
from agentvcr.errors import DivergenceError
from agentvcr.inside.exchange import ReplayHalt
from agentvcr.inside.interceptors.aiohttp import install
from agentvcr.inside.interceptors.aiohttp_answers import Answer
from tests.support.counter_server import CounterServer
from tests.support.peculiar_server import TEXT, PeculiarServer

CHAT = {"model": "m", "messages": [{"role": "user", "content": "the same for all"}]}
TASKS = 200


async def ask(client, url):
    async with client.post(url, json=CHAT) as response:
        return (await response.json())["choices"][0]["message"]["content"]


async def in_a_group(url):
    connector = aiohttp.TCPConnector(limit=40)
    async with aiohttp.ClientSession(connector=connector) as client, asyncio.TaskGroup() as group:
        tasks = [group.create_task(ask(client, url)) for _ in range(TASKS)]
        await asyncio.wait(tasks)
    return [task.result() for task in tasks]


async def gathered(url):
    async with aiohttp.ClientSession() as client, aiohttp.ClientSession() as other:
        asked = [ask(one, url) for _ in range(20) for one in (client, other)]
        return await asyncio.gather(*asked)


def in_threads(url):
    answers = [None] * 8

    async def work(place):
        async with aiohttp.ClientSession() as client:
            answers[place] = [await ask(client, url), await ask(client, url)]

    threads = [
        threading.Thread(target=lambda place=place: asyncio.run(work(place)))
        for place in range(len(answers))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.mark.parametrize(
    "fan_out",
    [lambda url: asyncio.run(in_a_group(url)), lambda url: asyncio.run(gathered(url)), in_threads],
    ids=["200_in_a_group", "gathered_on_two_sessions", "a_loop_in_each_thread"],
)
def test_each_caller_gets_its_own_answer_again(fan_out, tmp_path):
    with CounterServer(jitter_ms=(1, 30)) as server:
        url = server.base_url + "/v1/chat/completions"
        with agentvcr.record(tmp_path / "x.avcr"):
            told = fan_out(url)
        asked = server.count
    with agentvcr.replay(tmp_path / "x.avcr") as session:
        again = fan_out(url)
    assert again == told
    assert len({str(answer) for answer in told}) == len(told)
    assert len(load_run(tmp_path / "x.avcr").exchanges) == asked
    assert session.divergences == ()
    assert session.diff.same


def test_a_session_from_before_the_recording_is_recorded_while_it_lasts(tmp_path):
    async def asks(base_url):
        async with aiohttp.ClientSession(base_url) as client:
            await client.get("/json")
            with agentvcr.record(tmp_path / "x.avcr"):
                async with client.get("/json") as response:
                    told = await response.json()
            await client.get("/json")
        return told

    with PeculiarServer() as server:
        assert asyncio.run(asks(server.base_url)) == {"ok": True}
        assert server.count == 3
    assert len(load_run(tmp_path / "x.avcr").exchanges) == 1


def test_everything_is_put_back(tmp_path):
    from aiohttp.http_parser import DeflateBuffer

    def there():
        return (
            aiohttp.ClientSession._request,
            aiohttp.BaseConnector.connect,
            DeflateBuffer.feed_data,
        )

    before = there()
    with agentvcr.record(tmp_path / "x.avcr"):
        assert not set(there()) & set(before)
    assert there() == before


def test_an_aiohttp_without_middlewares_is_refused_by_name():
    old = ModuleType("aiohttp")
    old.__version__ = "3.11.18"
    with pytest.raises(RuntimeError, match=r"aiohttp 3\.11\.18 .* 3\.12 is the first"):
        install(old)


async def read_some(url, count):
    async with aiohttp.ClientSession() as client, client.get(url) as response:
        return [await response.content.readline() for _ in range(count)]


def test_reading_on_is_an_overrun_and_comes_through_the_library(tmp_path):
    with PeculiarServer() as server:
        url = server.base_url + "/sse?events=9&gap_ms=30"
        with agentvcr.record(tmp_path / "x.avcr"):
            asyncio.run(read_some(url, 1))
    session = agentvcr.replay(tmp_path / "x.avcr")
    halted = pytest.raises(ReplayHalt)
    with pytest.raises(DivergenceError, match="reads on after"), session, halted:
        asyncio.run(read_some(url, 20))
    assert [one.kind for one in session.divergences] == ["overrun"]


def test_a_miss_comes_through_tasks_and_the_handlers_of_errors(tmp_path):
    async def asks(url):
        async with aiohttp.ClientSession() as client:
            try:
                await client.get(url)
            except Exception:  # noqa: BLE001 - as programs do that retry
                return "swallowed"

    with PeculiarServer() as server:
        url = server.base_url + "/json"
        with agentvcr.record(tmp_path / "x.avcr"):
            asyncio.run(asks(url))
    session = agentvcr.replay(tmp_path / "x.avcr")
    halted = pytest.raises(ReplayHalt)
    with pytest.raises(DivergenceError, match="no recorded exchange"), session, halted:
        asyncio.run(asks(url + "?other=1"))


def test_a_stream_may_outlive_the_recording(tmp_path):
    async def reads(url):
        async with aiohttp.ClientSession() as client:
            with agentvcr.record(tmp_path / "x.avcr"):
                response = await client.get(url)
                first = await response.content.readline()
            return first + await response.read()

    with PeculiarServer() as server:
        told = asyncio.run(reads(server.base_url + "/sse?events=4"))
    assert told.count(b"data:") == 4
    (exchange,) = load_run(tmp_path / "x.avcr").exchanges
    assert exchange.ending.kind == "cut"


def test_a_recording_of_aiohttp_answers_httpx_and_the_other_way_round(tmp_path):
    paths = ["/json", "/gzip", "/encoded?coding=br", "/sse?events=3", "/moved", "/until-close"]

    async def with_aiohttp(base_url):
        async with aiohttp.ClientSession(base_url) as client:
            told = []
            for path in paths:
                async with client.get(path) as response:
                    told.append((response.status, await response.read()))
            return told

    def with_httpx(base_url):
        options = {"follow_redirects": True, "verify": False, "trust_env": False}
        with httpx.Client(base_url=base_url, **options) as client:
            responses = [client.get(path) for path in paths]
        return [(response.status_code, response.content) for response in responses]

    def asking(base_url):
        return asyncio.run(with_aiohttp(base_url))

    with PeculiarServer() as server:
        url = server.base_url
        with agentvcr.record(tmp_path / "a.avcr"):
            told = asking(url)
        with agentvcr.record(tmp_path / "h.avcr"):
            assert with_httpx(url) == told
    with agentvcr.replay(tmp_path / "a.avcr") as session:
        assert with_httpx(url) == told
    assert session.divergences == ()
    with agentvcr.replay(tmp_path / "h.avcr") as session:
        assert asking(url) == told
    assert session.divergences == ()
    assert told[2] == (200, TEXT)


def test_a_body_that_waits_to_be_wanted_is_sent_when_it_is(tmp_path):
    """With `expect100` the server says when; a body from a generator has been read by then."""

    async def told(request):
        return web.json_response({"body": (await request.read()).decode()})

    async def body():
        yield b"wanted"

    async def asks(url):
        async with aiohttp.ClientSession() as client:
            response = await client.post(url, data=body(), expect100=True)
            return await response.json()

    async def live():
        app = web.Application()
        app.router.add_post("/", told)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        try:
            with agentvcr.record(tmp_path / "x.avcr"):
                return url, await asks(url)
        finally:
            await runner.cleanup()

    url, recorded = asyncio.run(live())
    with agentvcr.replay(tmp_path / "x.avcr") as session:
        assert asyncio.run(asks(url)) == recorded == {"body": "wanted"}
    assert session.diff.same


def test_a_fast_server_waits_for_a_slow_program(tmp_path):
    """Nothing is read ahead of the program beyond what the library itself keeps."""
    size = 40_000_000

    async def asks(url):
        async with aiohttp.ClientSession() as client, client.get(url) as response:
            first = await response.content.read(10)
            for _ in range(50):
                await asyncio.sleep(0.01)
            held = response.content.total_bytes
            rest = await response.read()
            return len(first) + len(rest), held

    with PeculiarServer() as server:
        url = f"{server.base_url}/large?bytes={size}"
        with pytest.warns(RuntimeWarning, match="not sealed"), agentvcr.record(tmp_path / "x.avcr"):
            total, held = asyncio.run(asks(url))
    assert total == size
    assert held < size / 4


@pytest.mark.filterwarnings("ignore:Unclosed:ResourceWarning")  # as without us
@pytest.mark.parametrize("how", ["read whole", "left in the middle"])
def test_nothing_of_a_served_answer_is_kept_when_its_response_is_gone(how, tmp_path):
    async def ask_and_forget(url):
        async with aiohttp.ClientSession() as client:
            response = await client.post(url, json={**CHAT, "stream": True})
            await (response.content.readline() if how == "left in the middle" else response.read())
            del response

    with CounterServer() as server:
        url = f"{server.base_url}/chat/completions"
        with agentvcr.record(tmp_path / "x.avcr"):
            asyncio.run(ask_and_forget(url))
    with agentvcr.replay(tmp_path / "x.avcr"):
        asyncio.run(ask_and_forget(url))
        gc.collect()
        assert [one for one in gc.get_objects() if type(one) is Answer] == []
