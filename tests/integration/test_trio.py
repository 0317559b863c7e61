"""A loop that is put in no order: trio's. Nothing hangs, and each caller has its answer."""

import anyio
import httpx
import pytest

import agentvcr

pytestmark = pytest.mark.usefixtures("own_folder")
BODY = {"model": "counter", "messages": [{"role": "user", "content": "the same"}]}


async def work(url):
    """Ask for one answer a caller, the callers equal but for when they ask; wait around it."""
    told = {}
    await anyio.sleep(0.02)
    async with httpx.AsyncClient() as client:

        async def one(number):
            await anyio.sleep(0.03 * number)
            answer = await client.post(url, json={**BODY, "user": str(number)})
            told[number] = answer.json()["choices"][0]["message"]["content"]

        async with anyio.create_task_group() as group:
            for number in range(3):
                group.start_soon(one, number)
    with anyio.move_on_after(0.03) as scope:
        await anyio.sleep(60)
    assert scope.cancelled_caught
    await anyio.sleep(0.02)
    return told


def test_each_caller_has_its_answer_again(counter_url):
    def run():
        return anyio.run(work, counter_url, backend="trio")

    with agentvcr.record("x.avcr"):
        recorded = run()
    assert len(set(recorded.values())) == 3
    for _ in range(2):
        with agentvcr.replay("x.avcr") as session:
            assert run() == recorded
        session.raise_for_divergence()


MARKED = """
import anyio

@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request):
    return request.param

@pytest.mark.agentvcr
@pytest.mark.anyio
async def test_asking():
    await anyio.sleep(0.02)
    async with httpx.AsyncClient() as client:
        print("told", told(await client.post(URL, json=body("a"))))
    await anyio.sleep(0.02)
"""


def test_a_marked_test_of_both_backends_is_replayed(project):
    project.write(MARKED)
    first = project.pytest("-s", "--agentvcr-mode=once")
    assert first.returncode == 0, first.stdout
    again = project.pytest("-s")
    assert again.returncode == 0, again.stdout
    assert "2 replayed" in again.stdout
    told = [[one for one in run.stdout.split("\n") if "told" in one] for run in (first, again)]
    assert len(told[0]) == 2
    assert told[0] == told[1]
