"""What becomes of a request that the recorded program cancelled and this one does not, or else."""

import pytest

from agentvcr.cassette.reader import load_run
from tests.support.command_line import agentvcr
from tests.support.counter_server import CounterServer
from tests.support.two_minds import of_two_minds, script


@pytest.fixture
def server():
    with CounterServer(jitter_ms=(100, 120)) as provider:
        yield provider


RACE = """
    import asyncio, os, {client}
    url = os.environ["BASE_URL"] + "/v1/chat/completions"

    async def ask(client, what):
        {ask}

    async def main(what):
        async with {client}.{session}() as client:
            quick = asyncio.create_task(ask(client, "quick" if what == "thing 0" else what))
            slow = asyncio.create_task(ask(client, "slow"))
            if {is_left}:
                if what == "thing 0":
                    await asyncio.wait([slow], timeout=0.01)
                else:  # time stands still while something is asked live
                    for _ in range(50):
                        await asyncio.sleep(0)
                slow.cancel()
            told = [await quick]
            told += await asyncio.gather(slow, return_exceptions=True)
            print(await ask(client, str([str(one) for one in told])))

    asyncio.run(main(os.environ["WHAT"]))
"""
CLIENTS = {
    "httpx2": ("AsyncClient", "return (await client.post(url, json={'m': what})).text"),
    "aiohttp": (
        "ClientSession",
        "async with client.post(url, json={'m': what}) as told: return await told.text()",
    ),
}


def race(folder, client, is_left):
    session, ask = CLIENTS[client]
    return script(folder, RACE.format(client=client, session=session, ask=ask, is_left=is_left))


@pytest.mark.parametrize("client", CLIENTS)
def test_live_asks_anew_what_was_cancelled_and_is_not_any_more(tmp_path, server, client):
    program = race(tmp_path, client, 'what == "thing 0"')
    _, live = of_two_minds(tmp_path, server, program)
    assert live.returncode == 1, live.stderr.decode()
    assert b"exchange 2 of lane main/main#0/ask#1 was cancelled before it" in live.stderr


@pytest.mark.parametrize("client", CLIENTS)
def test_what_was_answered_and_is_cancelled_live_is_so_in_the_new_cassette(
    tmp_path, server, client
):
    _, live = of_two_minds(tmp_path, server, race(tmp_path, client, 'what == "thing 1"'))
    assert live.returncode == 1, live.stderr.decode()
    ends = [one.ending.kind for one in load_run(tmp_path / "new.avcr").exchanges]
    assert ends == ["eof", "cancelled", "eof"]


@pytest.mark.parametrize("client", CLIENTS)
def test_who_waits_for_what_was_cancelled_is_told_and_does_not_hang(tmp_path, server, client):
    program = race(tmp_path, client, 'what == "thing 0" and "STAY" not in os.environ')
    env = {"BASE_URL": server.base_url, "WHAT": "thing 0"}
    agentvcr("record", "-o", "x.avcr", "--", *program, cwd=tmp_path, env=env)
    done = agentvcr("replay", "x.avcr", cwd=tmp_path, env={**env, "STAY": "1"})
    assert done.returncode == 4
    assert b"waits for an answer, where the recorded one cancelled its request" in done.stderr
