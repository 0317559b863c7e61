"""The SDKs' own ways out of trouble come out the same: retries, timeouts, streams left halfway."""

import pytest

from tests.support.command_line import agentvcr, python
from tests.support.counter_server import CounterServer
from tests.support.troubles import TroubledProvider

REPLAYS = 3


@pytest.mark.parametrize("how", ["sync", "async"])
@pytest.mark.parametrize("sdk", ["openai", "anthropic"])
def test_an_sdk_in_trouble_does_the_same_in_each_replay(sdk, how, tmp_path):
    program = python("sdk_troubles.py", sdk, how)
    with TroubledProvider() as provider:
        env = {"BASE_URL": provider.base_url}
        recorded = agentvcr("record", "-o", "x.avcr", "--", *program, cwd=tmp_path, env=env)
    assert recorded.returncode == 0, recorded.stderr.decode()
    for _ in range(REPLAYS):
        replayed = agentvcr("replay", "x.avcr", cwd=tmp_path, env=env)
        assert replayed.returncode == 0, replayed.stderr.decode()
        assert replayed.stdout == recorded.stdout


@pytest.mark.parametrize("library", ["openai", "httpx"])
def test_a_stream_whose_client_is_closed_while_it_is_read_ends_as_it_did(library, tmp_path):
    """An agent fails, and `async with` closes the client under the one beside it."""
    (tmp_path / "program.py").write_text(CLOSED)
    command = ["-o", "x.avcr", "--", *python(tmp_path / "program.py"), library]
    with CounterServer(jitter_ms=(1200, 1200)) as provider:
        env = {"BASE_URL": provider.base_url}
        recorded = agentvcr("record", *command, cwd=tmp_path, env=env)
    assert recorded.returncode == 1, recorded.stderr.decode()
    assert b"ValueError: a fault of the program" in recorded.stderr
    replayed = agentvcr("replay", "x.avcr", "--times", REPLAYS, cwd=tmp_path, env=env)
    assert replayed.returncode == 0, replayed.stderr.decode()
    assert replayed.stdout == recorded.stdout * REPLAYS


CLOSED = """
import asyncio, os, sys
import httpx, openai

URL = os.environ["BASE_URL"] + "/v1"
BODY = {"model": "counter", "stream": True, "messages": [{"role": "user", "content": "the same"}]}

async def pieces_of_httpx(client):
    async with client.stream("POST", URL + "/chat/completions", json=BODY) as answer:
        async for piece in answer.aiter_raw():
            yield piece

async def pieces_of_openai(client):
    async for piece in await client.chat.completions.create(**BODY):
        yield piece

async def agent(client, fails):
    pieces = 0
    try:
        async for _ in globals()["pieces_of_" + sys.argv[1]](client):
            pieces += 1
            if fails:
                raise ValueError("a fault of the program")
    except BaseException as error:
        print(fails, pieces, type(error).__name__)
        raise

async def main():
    if sys.argv[1] == "openai":
        client = openai.AsyncOpenAI(base_url=URL, api_key="sk-test-none")
    else:
        client = httpx.AsyncClient()
    async with client:
        await asyncio.gather(agent(client, False), agent(client, True))

asyncio.run(main())
"""
