"""Sessions in the very process that asks: threads and asyncio, httpx and httpx2."""

import asyncio
import importlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import agentvcr
from agentvcr.cassette.reader import load_run
from agentvcr.errors import DivergenceError
from agentvcr.inside.exchange import ReplayHalt
from tests.support.counter_server import CounterServer
from tests.support.script_server import ScriptServer

AGENTS = 8
CHAT = {"model": "m", "messages": [{"role": "user", "content": "the same for all"}]}


@pytest.fixture(params=["httpx", "httpx2"])
def lib(request):
    return importlib.import_module(request.param)


def ask(lib, url):
    with lib.Client(verify=False, trust_env=False) as client:
        return client.post(url, json=CHAT).json()["choices"][0]["message"]["content"]


async def ask_async(lib, url):
    async with lib.AsyncClient(verify=False, trust_env=False) as client:
        return (await client.post(url, json=CHAT)).json()["choices"][0]["message"]["content"]


def in_threads(lib, url):
    answers = [None] * AGENTS

    def work(place):
        answers[place] = [ask(lib, url), ask(lib, url)]

    threads = [threading.Thread(target=work, args=(place,)) for place in range(AGENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def in_a_pool(lib, url):
    with ThreadPoolExecutor(3) as pool:
        return list(pool.map(lambda _: ask(lib, url), range(AGENTS)))


def in_tasks(lib, url):
    async def main():
        return await asyncio.gather(*(ask_async(lib, url) for _ in range(AGENTS)))

    return asyncio.run(main())


def in_threads_of_tasks(lib, url):
    async def main():
        asked = [asyncio.to_thread(ask, lib, url) for _ in range(AGENTS)]
        return await asyncio.gather(*asked)

    return asyncio.run(main())


@pytest.mark.parametrize("fan_out", [in_threads, in_a_pool, in_tasks, in_threads_of_tasks])
def test_each_caller_gets_its_own_answer_again(fan_out, lib, tmp_path):
    with CounterServer(jitter_ms=(1, 30)) as server:
        url = server.base_url + "/v1/chat/completions"
        with agentvcr.record(tmp_path / "x.avcr"):
            told = fan_out(lib, url)
    with agentvcr.replay(tmp_path / "x.avcr") as session:
        again = fan_out(lib, url)
    assert again == told
    assert len({str(answer) for answer in told}) == AGENTS
    assert session.divergences == ()
    assert session.diff.same


def test_nothing_is_recorded_before_or_after_the_block(lib, tmp_path):
    with ScriptServer() as server:
        url = server.base_url + "/json"
        lib.get(url, verify=False)
        with agentvcr.record(tmp_path / "x.avcr"):
            lib.get(url, verify=False)
        lib.get(url, verify=False)
        assert server.count == 3
    assert len(load_run(tmp_path / "x.avcr").exchanges) == 1


def ask_beside_and_again(lib, url):
    """Ask what is not recorded, then in a thread what is; gives the words of both refusals."""
    with pytest.raises(ReplayHalt) as first:
        lib.get(url + "?other=1", verify=False)
    with ThreadPoolExecutor(1) as pool, pytest.raises(ReplayHalt) as second:
        pool.submit(lib.get, url, verify=False).result()
    return str(first.value), str(second.value)


def test_the_first_miss_ends_the_replay_for_every_thread(lib, tmp_path):
    with ScriptServer() as server:
        url = server.base_url + "/json"
        with agentvcr.record(tmp_path / "x.avcr"):
            lib.get(url, verify=False)
    session = agentvcr.replay(tmp_path / "x.avcr")
    with pytest.raises(DivergenceError, match="no recorded exchange"), session:
        halts = ask_beside_and_again(lib, url)
    assert "no recorded exchange" in halts[0]
    assert len(halts) == 2
    assert [one.kind for one in session.divergences] == ["miss"]


def test_reading_on_is_an_overrun_and_a_divergence(lib, tmp_path):
    with ScriptServer() as server:
        url = server.base_url + "/sse?events=4"
        with (
            agentvcr.record(tmp_path / "x.avcr"),
            lib.Client(verify=False) as client,
            client.stream("GET", url) as response,
        ):
            assert next(response.iter_raw())
    session = agentvcr.replay(tmp_path / "x.avcr")
    with (
        pytest.raises(DivergenceError, match="reads on after"),
        session,
        lib.Client(verify=False) as client,
        pytest.raises(ReplayHalt),
        client.stream("GET", url) as response,
    ):
        response.read()
    assert [one.kind for one in session.divergences] == ["overrun"]


def test_a_stream_may_outlive_the_recording(lib, tmp_path):
    with ScriptServer() as server, lib.Client(verify=False) as client:
        request = client.build_request("GET", server.base_url + "/sse?events=4")
        with agentvcr.record(tmp_path / "x.avcr"):
            pieces = client.send(request, stream=True).iter_raw()
            next(pieces)
        assert len(list(pieces)) == 3
    (exchange,) = load_run(tmp_path / "x.avcr").exchanges
    assert exchange.ending.kind == "cut"


def test_a_stream_that_outlives_the_replay_writes_into_no_file_of_the_program(lib, tmp_path):
    size = 80_000_000  # more than the journal keeps back
    with ScriptServer() as server:
        url = f"{server.base_url}/large?bytes={size}"
        # A body that repeats itself so much stays in the journal, and is replayed from there.
        with pytest.warns(RuntimeWarning, match="not sealed"), agentvcr.record(tmp_path / "x.avcr"):
            lib.get(url, verify=False)
    with lib.Client(verify=False) as client:
        with agentvcr.replay(tmp_path / "x.avcr"):
            response = client.send(client.build_request("GET", url), stream=True)
        own = [(tmp_path / f"own-{number}").open("wb") for number in range(4)]
        assert len(response.read()) == size
    for file in own:
        file.close()
    assert [(tmp_path / f"own-{number}").stat().st_size for number in range(4)] == [0] * 4
