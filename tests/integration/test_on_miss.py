"""A replay of code that has changed: what it shows when it goes on after a miss.

The provider counts, and is gone before a replay that may not ask it.
"""

from collections import Counter

import pytest

from agentvcr.cassette.reader import load_run
from agentvcr.diff.rundiff import diff
from tests.support.command_line import agentvcr, python
from tests.support.counter_server import CounterServer
from tests.support.proxy_server import ProxyServer
from tests.support.shell import needs
from tests.support.two_minds import of_two_minds, script

JITTER_MS = (1, 20)


class Crew:
    """A recorded run of `prompted.py`, to be replayed as if its code had changed."""

    def __init__(self, folder, *options, server):
        self.folder = folder
        self.options = options
        self.server = server
        self.env = {"BASE_URL": server.base_url}
        done = self._agentvcr("record", "-o", "x.avcr", "--", *self.command, env=self.env)
        assert done.returncode == 0, done.stderr.decode()
        self.told = done.stdout.decode().splitlines()

    @property
    def command(self):
        return python("prompted.py", *self.options)

    def _agentvcr(self, *words, env):
        return agentvcr(*words, cwd=self.folder, env=env)

    def replay(self, *options, change="", cassette="x.avcr", **env):
        return self._agentvcr(
            "replay", cassette, *options, env={**self.env, "CHANGE": change, **env}
        )

    def run(self, name="x.last.avcr"):
        return load_run(self.folder / name)

    def diff(self, name="x.last.avcr"):
        """What differs, as status and the agent whose step it is."""
        result = diff(self.run("x.avcr"), self.run(name))
        return [
            (one.status, (one.a or one.b).lane) for one in result.entries if one.status != "same"
        ]


@pytest.fixture
def server():
    with CounterServer(jitter_ms=JITTER_MS) as provider:
        yield provider


WRITER = "main/main#0/work#1"


@pytest.mark.parametrize("options", [(), ("--conversation",)], ids=["apart", "conversation"])
def test_a_changed_prompt_under_nearest_names_each_touched_step_once_and_no_other(
    tmp_path, server, options
):
    crew = Crew(tmp_path, *options, server=server)
    server.stop()
    done = crew.replay("--on-miss", "nearest", change="prompt")
    assert done.returncode == 1, done.stderr.decode()
    assert crew.diff() == [("changed", WRITER)] * 4
    assert done.stdout.decode().splitlines() == crew.told
    assert done.stderr.count(b"answered by the nearest exchange:") == 4
    assert b"--on-miss nearest answers" not in done.stderr


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("insert", [("added", WRITER)]),
        ("remove", [("removed", WRITER)]),
        ("swap", [("changed", WRITER)]),
        ("model", [("changed", WRITER)] * 4),
    ],
)
def test_a_call_inserted_removed_or_swapped_or_another_model_is_all_that_differs(
    tmp_path, server, change, expected
):
    crew = Crew(tmp_path, server=server)
    server.stop()
    done = crew.replay("--on-miss", "nearest", change=change)
    assert done.returncode == 1, done.stderr.decode()
    assert crew.diff() == expected
    again, told = Counter(done.stdout.decode().splitlines()), Counter(crew.told)
    lost, gained = told - again, again - told
    assert (lost.total(), gained.total()) == {
        "insert": (0, 1),
        "remove": (1, 0),
        "swap": (0, 0),
        "model": (0, 0),
    }[change]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("prompt+remove", ["changed", "removed", "changed", "changed"]),
        ("prompt+insert", ["changed", "added", "changed", "changed", "changed"]),
    ],
)
def test_a_changed_prompt_hides_no_call_inserted_or_removed(tmp_path, server, change, expected):
    crew = Crew(tmp_path, server=server)
    server.stop()
    done = crew.replay("--on-miss", "nearest", change=change)
    assert done.returncode == 1, done.stderr.decode()
    assert crew.diff() == [(status, WRITER) for status in expected]


def test_what_nothing_is_like_is_answered_with_an_error_in_the_providers_words(tmp_path, server):
    crew = Crew(tmp_path, server=server)
    server.stop()
    done = crew.replay("--on-miss", "nearest", change="topic")
    assert done.returncode == 1, done.stderr.decode()
    said = [line for line in done.stdout.decode().splitlines() if line.startswith("writer")]
    assert len(said) == 4
    assert all(
        "agentvcr has no recorded answer" in one and "invalid_request" in one for one in said
    )
    assert done.stderr.count(b"answered with an error:") == 4
    assert b"--on-miss nearest answers" not in done.stderr
    assert [one.response.status for one in crew.run().exchanges if one.lane == WRITER] == [400] * 4


@pytest.mark.parametrize("client", ["httpx2", "httpx", "requests", "aiohttp"])
def test_live_asks_what_is_new_and_records_it_so_that_it_replays(tmp_path, server, client):
    crew = Crew(tmp_path, "--client", client, server=server)
    asked = server.count
    done = crew.replay("--on-miss", "live", "-o", "new.avcr", change="insert")
    assert done.returncode == 1, done.stderr.decode()
    assert server.count == asked + 1
    assert f"writer: This is answer {asked + 1}." in done.stdout.decode()
    assert done.stderr.count(b"asked of the real service:") == 1
    server.stop()
    again = crew.replay(cassette="new.avcr", change="insert")
    assert again.returncode == 0, again.stderr.decode()
    assert again.stdout == done.stdout
    assert b"sk-test" not in (tmp_path / "new.avcr").read_bytes()
    told = [dict(one.request.headers) for one in crew.run("new.avcr").exchanges]
    assert not any(b"sk-test" in repr(one).encode() for one in told)


def test_live_lets_nothing_out_but_what_a_recorded_client_asks(tmp_path, server):
    program = tmp_path / "program.py"
    program.write_text(
        "import os, socket, sys, httpx2\n"
        "url = os.environ['BASE_URL']\n"
        "chat = url + '/v1/chat/completions'\n"
        "print(httpx2.post(chat, json={'model': sys.argv[1]}).status_code)\n"
        "if len(sys.argv) > 2:\n"
        "    socket.create_connection(('127.0.0.1', int(url.rpartition(':')[2])))\n"
    )
    env = {"BASE_URL": server.base_url}
    run = [*python("prompted.py")[:1], str(program)]
    agentvcr("record", "-o", "x.avcr", "--", *run, "a", cwd=tmp_path, env=env)
    done = agentvcr(
        "replay", "x.avcr", "--on-miss", "live", "--", *run, "b", "more", cwd=tmp_path, env=env
    )
    assert done.stdout == b"200\n"
    assert done.returncode == 4
    assert b"past every recorded client" in done.stderr


TOOL = """
    import os, sys, httpx2, agentvcr
    url = os.environ["BASE_URL"] + "/v1/chat/completions"

    @agentvcr.tool
    def look(what: str) -> str:
        told = httpx2.post(url, json={"model": "m", "what": what}).json()
        return told["choices"][0]["message"]["content"]

    print(look(os.environ["WHAT"]))
"""
ASK = """
    import os, httpx2
    url = os.environ["BASE_URL"] + "/v1/chat/completions"
    told = httpx2.post(url, json={"model": "m", "what": os.environ["WHAT"]}).json()
    print(told["choices"][0]["message"]["content"])
"""


def test_a_function_that_was_not_called_so_runs_and_what_it_asks_is_its_own(tmp_path, server):
    _, live = of_two_minds(tmp_path, server, script(tmp_path, TOOL))
    assert (live.returncode, live.stdout) == (1, b"This is answer 2.\n"), live.stderr.decode()
    assert server.count == 2
    told = load_run(tmp_path / "new.avcr").exchanges
    assert [(one.client, one.internal) for one in told] == [
        ("agentvcr.tool", False),
        ("httpx2", True),
    ]


def test_a_timeout_behind_a_live_answer_is_no_shorter_than_it_says(tmp_path, server):
    """What the lane read of a clock then may lie behind: its timers begin at what time it is."""
    text = """
        import asyncio, os, anyio, httpx2
        url = os.environ["BASE_URL"] + "/v1/chat/completions"

        async def ask(client, what):
            async with client.stream("POST", url, json={"model": "m", "what": what}) as told:
                return [piece async for piece in told.aiter_bytes()]

        async def late(client, what, gate):
            await gate.wait()
            await ask(client, what)
            if what == "thing 0":
                await asyncio.sleep(5)
            with anyio.move_on_after(2):
                return len(await ask(client, what + " again"))
            return "in vain"

        async def main(what):
            gate = asyncio.Event()
            async with httpx2.AsyncClient() as client:
                told = asyncio.create_task(late(client, what, gate))
                if what == "thing 1":
                    await asyncio.sleep(5)
                gate.set()
                print(await told)

        asyncio.run(main(os.environ["WHAT"]))
    """
    recorded, live = of_two_minds(tmp_path, server, script(tmp_path, text))
    assert (recorded.stdout, live.stdout) == (b"1\n", b"1\n"), live.stderr.decode()


def test_threads_that_sleep_behind_a_live_answer_go_on_in_the_same_order(tmp_path, server):
    text = """
        import os, time, httpx2
        from concurrent.futures import ThreadPoolExecutor, as_completed
        url = os.environ["BASE_URL"] + "/v1/chat/completions"

        def ask(what):
            told = httpx2.post(url, json={"model": "m", "what": what}).json()
            return told["choices"][0]["message"]["content"]

        def work(name):
            if name == "two" and os.environ["WHAT"] == "thing 1":
                for number in range(3):
                    ask(f"anew {number}")
                    time.sleep(0.1)
                return "gave up"
            return ask(name)

        with ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(work, name) for name in ("one", "two", "three", "four")]
            told = [one.result() for one in as_completed(asked)]
        print(ask(" | ".join(told)), told)
    """
    _, live = of_two_minds(tmp_path, server, script(tmp_path, text))
    assert live.returncode == 1, live.stderr.decode()


def test_what_goes_live_goes_through_the_programs_proxy(tmp_path, server):
    with ProxyServer() as proxy:
        env = {"HTTP_PROXY": proxy.url, "NO_PROXY": "", "no_proxy": ""}
        _, live = of_two_minds(tmp_path, server, script(tmp_path, ASK), **env)
        assert live.stdout == b"This is answer 2.\n", live.stderr.decode()
        assert len(proxy.forwarded) == 2


def test_what_another_program_asks_goes_live_through_the_gateway(tmp_path, server):
    needs("curl")
    ask = 'curl -s $OPENAI_BASE_URL/chat/completions -d \'{"model":"m","q":"\'"$WHAT"\'"}\''
    _, live = of_two_minds(tmp_path, server, ["sh", "-c", ask])
    assert b"This is answer 2." in live.stdout, live.stderr.decode()
    assert server.count == 2


def test_without_live_nothing_new_is_asked_by_anybody(tmp_path, server):
    program = script(tmp_path, ASK)
    env = {"BASE_URL": server.base_url}
    for words in (("record", "-o", "x.avcr", "--", *program), ("replay", "x.avcr")):
        done = agentvcr(*words, cwd=tmp_path, env={**env, "WHAT": words[0]})
    assert (done.returncode, server.count) == (4, 1)
    assert b"--on-miss nearest answers it with that exchange and goes on" in done.stderr


def test_an_sdk_does_not_repeat_what_nothing_is_like(tmp_path, server):
    text = """
        import os, openai
        client = openai.OpenAI(base_url=os.environ["BASE_URL"] + "/v1", api_key="sk-test-000000")
        try:
            said = [{"role": "user", "content": os.environ["WHAT"] * 20}]
            client.chat.completions.create(model="m", messages=said)
        except openai.BadRequestError as error:
            print(error.code)
    """
    command = script(tmp_path, text)
    env = {"BASE_URL": server.base_url}
    for words in (
        ("record", "-o", "x.avcr", "--", *command),
        ("replay", "--on-miss", "nearest", "x.avcr"),
    ):
        done = agentvcr(*words, cwd=tmp_path, env={**env, "WHAT": words[0]})
    assert (done.returncode, done.stdout) == (1, b"agentvcr_not_recorded\n"), done.stderr.decode()
    assert len(load_run(tmp_path / "x.last.avcr").exchanges) == 1
