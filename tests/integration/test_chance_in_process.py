"""Chance in a block: the same again on replay, and everything as it was behind it."""

import asyncio
import os
import random
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from os import urandom
from pathlib import Path
from random import choice, shuffle

import pytest

import agentvcr
from agentvcr.cassette.reader import load_run


@pytest.fixture(autouse=True)
def _own_state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    before = random.getstate()
    yield
    random.setstate(before)
    monkeypatch.undo()
    time.tzset()


def drawn():
    words = list("abcdef")
    shuffle(words)
    return [
        *(random.random(), random.Random().random(), random.SystemRandom().random()),
        *(choice(range(10**9)), urandom(8), os.urandom(200), uuid.uuid4(), uuid.uuid1().clock_seq),
        *(uuid.getnode(), words, random.gauss(0, 1)),
    ]


async def one():
    return drawn()


async def several():
    return await asyncio.gather(one(), one())


def everything():
    found = [drawn(), asyncio.run(several())]
    with ThreadPoolExecutor(2) as pool:
        found.append(list(pool.map(lambda _: drawn(), range(3))))
    thread = threading.Thread(target=lambda: found.append(drawn()))
    thread.start()
    thread.join()
    return found


def recorded(work=everything):
    with agentvcr.record("x.avcr", force=True):
        return work()


def replayed(work=everything):
    with agentvcr.replay("x.avcr") as session:
        found = work()
    assert not session.divergences
    return found


def test_a_replayed_block_draws_what_the_recorded_one_drew():
    first = recorded()
    random.seed(99)  # another state, as in another process
    assert replayed() == first
    assert recorded() != first


def test_a_replay_can_be_replayed():
    first = recorded()
    with agentvcr.replay("x.avcr", target="y.avcr"):
        everything()
    random.seed(99)
    with agentvcr.replay("y.avcr"):
        assert everything() == first


def test_a_program_that_was_seeded_before_the_block_draws_on_in_it():
    random.seed(4)
    bare = [random.random() for _ in range(6)]
    random.seed(4)
    random.random()
    found = recorded(lambda: [random.random() for _ in range(2)])
    assert [*found, random.random()] == bare[1:4]
    random.seed(5)
    assert replayed(lambda: [random.random() for _ in range(2)]) == found


def test_a_block_that_seeds_draws_by_its_seed():
    def work():
        random.seed(6)
        return random.random()

    assert recorded(work) == replayed(work) == random.Random(6).random()


def test_a_replay_leaves_the_program_s_own_generator_as_it_was():
    recorded()
    random.seed(8)
    replayed()
    assert random.random() == random.Random(8).random()


@pytest.mark.parametrize("session", [recorded, replayed])
def test_everything_is_put_back_behind_a_block(session):
    recorded()
    names = (*vars(random).values(), os.urandom, urandom, choice, uuid.uuid1, uuid.getnode)
    seed = random.Random.seed
    session()
    again = (*vars(random).values(), os.urandom, urandom, choice, uuid.uuid1, uuid.getnode)
    assert all(one is other for one, other in zip(names, again, strict=True))
    assert random.Random.seed is seed
    assert os.urandom(8) != os.urandom(8)


def test_a_block_has_the_local_times_of_the_recorded_one(monkeypatch):
    def clock():
        return time.strftime("%H %Z", time.localtime(1_700_000_000))

    first = recorded(clock)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    assert replayed(clock) == first != clock()
    assert os.environ["TZ"] == "Asia/Tokyo"


def test_a_block_that_draws_nothing_keeps_no_state():
    recorded(lambda: None)
    kinds = {part.kind for part in load_run(Path("x.avcr")).world}
    assert "chance" in kinds
    assert not kinds & {"random", "numpy.random"}


def test_chance_is_left_alone_where_it_is_switched_off(monkeypatch):
    monkeypatch.setenv("AGENTVCR_OFF", "clock,chance")
    ours = os.urandom
    assert recorded(lambda: os.urandom) is ours
    kinds = {part.kind for part in load_run(Path("x.avcr")).world}
    assert not kinds & {"chance", "random", "numpy.random"}
