"""Chance in a process: who draws what, and that the libraries stay what they are."""

import asyncio
import copy
import os
import pickle
import random
import secrets
import statistics
import tempfile
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from agentvcr.inside import imports, lanes
from agentvcr.inside.chance.arrival import own_seed
from agentvcr.inside.chance.install import Chance
from agentvcr.inside.lane import OpenStep

SEED = b"0123456789abcdef"
DRAWS = {
    "random": lambda: random.uniform(0, 1),
    "instance": lambda: random.Random().random(),
    "system": lambda: random.SystemRandom().random(),
    "secrets": lambda: secrets.token_bytes(9),
    "urandom": lambda: os.urandom(9),
    "uuid4": uuid.uuid4,
    "uuid1": lambda: uuid.uuid1().clock_seq,
    "file": lambda: next(tempfile._get_candidate_names()),
}
each_source = pytest.mark.parametrize("draw", DRAWS.values(), ids=list(DRAWS))


@pytest.fixture(autouse=True)
def _restored():
    before = random.getstate()
    bound = os.urandom, random.random, random.Random.seed, uuid.uuid1, uuid.getnode
    yield
    assert bound == (os.urandom, random.random, random.Random.seed, uuid.uuid1, uuid.getnode)
    random.setstate(before)


class Running:
    """Chance in place, as in a process that has just started."""

    def __init__(self, seed=SEED, lane="main"):
        self._seed, self._lane = seed, lane

    def __enter__(self):
        self._token = lanes.start(self._lane)
        for name, hook in lanes.HOOKS.items():
            imports.when_imported(name, hook)
        return Chance(self._seed)

    def __exit__(self, *_):
        lanes.uninstall()
        imports.forget()
        lanes.leave(self._token)


def twice(work, **other):
    with Running():
        first = work()
    with Running(**other):
        return first, work()


def several(draw):
    return lambda: [draw() for _ in range(3)]


# --- the same again, and otherwise elsewhere ------------------------------------------------------


@each_source
def test_a_lane_draws_the_same_in_each_run_of_one_seed(draw):
    first, second = twice(several(draw))
    assert first == second


@each_source
@pytest.mark.parametrize("other", [{"seed": b"another seed"}, {"lane": "main/proc0"}], ids=str)
def test_another_seed_or_lane_draws_otherwise(draw, other):
    first, second = twice(several(draw), **other)
    assert first != second


@each_source
def test_what_a_lane_draws_does_not_depend_on_the_others(draw):
    def apart(order):
        found = {}
        threads = [
            threading.Thread(target=lambda who=who: found.update({who: draw()})) for who in "ab"
        ]
        for thread in threads:
            thread.start()
            thread.join()
        return found if order else dict(reversed(found.items()))

    def mixed():
        found = {}
        started = threading.Event()

        def work(who):
            if who == "a":
                started.wait()
            found[who] = draw()
            started.set()

        threads = [threading.Thread(target=work, args=(who,)) for who in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return found

    with Running():
        first = apart(order=True)
    with Running():
        assert mixed() == first
    assert first["a"] != first["b"]


def test_tasks_and_items_have_numbers_of_their_own():
    async def one(turns):
        for _ in range(turns):
            await asyncio.sleep(0)
        return random.random(), os.urandom(4)

    async def both(first, second):
        return await asyncio.gather(one(first), one(second))

    def items(workers):
        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(lambda _: (random.random(), os.urandom(4)), range(6)))

    with Running():
        early, one_worker = asyncio.run(both(0, 3)), items(1)
    with Running():
        late, four_workers = asyncio.run(both(3, 0)), items(4)
    assert early == late
    assert one_worker == four_workers
    assert len({*early, *one_worker}) == 8


def test_code_without_a_lane_and_inner_workings_draw_real_chance():
    def inner():
        token = lanes.enter(lanes.current().under_cover())
        try:
            return [random.random(), os.urandom(8), random.Random().random(), uuid.uuid4()]
        finally:
            lanes.leave(token)

    with Running():
        real, drawn = inner(), [random.random(), os.urandom(8)]
    with Running():
        assert [random.random(), os.urandom(8)] == drawn, "inner workings took numbers of the lane"
        assert not set(inner()) & set(real)


def test_what_a_recorded_function_covers_draws_apart():
    def covered():
        token = lanes.enter(lanes.current().within(OpenStep("tool", "main"), covered=True))
        try:
            return [random.random(), os.urandom(8), random.Random().random()]
        finally:
            lanes.leave(token)

    with Running():
        own = covered()
        drawn = [random.random(), os.urandom(8)]
    with Running():
        assert [random.random(), os.urandom(8)] == drawn, "what is not done again took numbers"
        assert covered() == own


# --- a program that seeds -------------------------------------------------------------------------


def bare_numbers(seed, count=4):
    own = random.Random(seed)
    return [own.random() for _ in range(count)]


def test_a_seed_gives_the_numbers_that_it_gives_without_us():
    async def one():
        return random.random()

    async def main():
        random.seed(7)
        return await asyncio.gather(*[one() for _ in range(4)])

    expected = bare_numbers(7)
    with Running():
        random.random()
        random.seed(7)
        assert [random.random() for _ in range(4)] == expected
        assert asyncio.run(main()) == expected
        random.seed(7)
        assert random.Random(7).random() == random.random()


def test_a_seed_in_a_thread_gives_its_numbers_there_and_nowhere_else():
    found = {}

    def work(seed):
        random.random()  # before, it draws what is the thread's own
        random.seed(seed)
        found[seed] = [random.random() for _ in range(4)]

    with Running():
        before = random.random()
        for seed in (1, 2):
            thread = threading.Thread(target=work, args=(seed,))
            thread.start()
            thread.join()
        after = random.random()
    assert found == {seed: bare_numbers(seed) for seed in (1, 2)}
    with Running():
        assert [before, after] == [random.random(), random.random()]


def test_threads_of_a_seeded_program_draw_by_its_seed_and_not_by_the_run():
    def work():
        random.seed("crew")
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(lambda _: random.random(), range(4)))

    first, second = twice(work, seed=b"another run")
    assert first == second
    assert len(set(first)) == 4


def test_threads_of_a_seeded_program_draw_the_same_in_whatever_order():
    def work(order):
        random.seed("crew")
        found = {}
        threads = [
            threading.Thread(target=lambda who=who: found.update({who: draw()})) for who in "ab"
        ]
        turns = {who: threading.Event() for who in "ab"}

        def draw():
            who = "ab"[threads.index(threading.current_thread())]
            turns[who].wait()
            return random.random()

        for thread in threads:
            thread.start()
        for who in order:
            turns[who].set()
            threads["ab".index(who)].join()
        return found

    with Running():
        first = work("ab")
    with Running():
        assert work("ba") == first


def test_a_state_can_be_kept_and_set():
    with Running():
        state = random.getstate()
        drawn = [random.gauss(0, 1) for _ in range(3)]
        random.setstate(state)
        assert [random.gauss(0, 1) for _ in range(3)] == drawn


def test_seeding_with_nothing_is_no_seed():
    def work():
        random.seed(1)
        random.seed()
        return random.random()

    first, second = twice(work, seed=b"another run")
    assert first != second != bare_numbers(1)[0]


# --- what the libraries are -----------------------------------------------------------------------


def test_classes_and_functions_are_what_they_were():
    classes = random.Random, random.SystemRandom
    with Running():
        assert (random.Random, random.SystemRandom) == classes
        own = random.Random()
        assert isinstance(own, classes[0])
        assert pickle.loads(pickle.dumps(own)).random() == own.random()
        for function in (random.random, random.choice, os.urandom):
            assert pickle.loads(pickle.dumps(function)).__name__ == function.__name__
            assert copy.deepcopy(function).__name__ == function.__name__

        class Keeping:
            draw, pick, read = random.random, random.choice, os.urandom

        assert Keeping().pick([1]) == 1
        assert len(Keeping().read(3)) == 3
        assert 0 <= Keeping().draw() < 1


def test_a_subclass_may_seed_itself():
    class Odd(random.Random):
        def seed(self, a=None, version=2):
            super().seed(5 if a is None else a, version)

    with Running():
        assert Odd().random() == random.Random(5).random()


@pytest.mark.parametrize(("size", "error"), [(-1, ValueError), ("3", TypeError), (1.5, TypeError)])
def test_what_is_no_size_is_refused_in_the_same_words(size, error):
    with pytest.raises(error) as bare:
        os.urandom(size)
    with Running(), pytest.raises(error) as ours:
        os.urandom(size)
    assert str(ours.value) == str(bare.value)


@pytest.mark.parametrize("size", [0, 1, 64, 65, 100_000])
def test_as_many_bytes_come_as_were_asked_for(size):
    with Running():
        assert len(os.urandom(size)) == size


def test_identifiers_have_the_version_the_variant_and_the_order_that_they_should():
    safety = uuid.uuid1().is_safe
    with Running():
        ones = [uuid.uuid1() for _ in range(200)]
        assert {(one.version, one.variant, one.node) for one in ones} == {
            (1, uuid.RFC_4122, uuid.getnode())
        }
        assert [one.time for one in ones] == sorted({one.time for one in ones})
        assert uuid.uuid1(node=5, clock_seq=6).fields[3:] == (0x80, 6, 5)
        assert uuid.uuid1(0).node == 0
        assert uuid.uuid1().is_safe == safety
        assert uuid.uuid4().version == 4


def test_a_seeded_program_loses_no_number_to_an_identifier():
    with Running():
        random.seed(3)
        uuid.uuid1()
        uuid.uuid4()
        assert random.random() == bare_numbers(3)[0]


def test_what_is_drawn_is_spread_evenly():
    with Running():
        data = os.urandom(50_000) + b"".join(os.urandom(5) for _ in range(10_000))
        numbers = [random.Random().random() for _ in range(2000)]
    counts = [data.count(bytes([value])) for value in range(256)]
    expected = len(data) / 256
    chi_square = sum((count - expected) ** 2 / expected for count in counts)
    assert chi_square < 400  # of 255 degrees of freedom: one in ten million is above
    assert abs(statistics.mean(numbers) - 0.5) < 0.04


# --- processes of one name ------------------------------------------------------------------------


def test_each_process_of_one_name_has_a_seed_of_its_own_in_the_order_of_arrival(tmp_path):
    def arrivals(folder):
        folder.mkdir()
        address = f"unix:{folder}/s"
        seeds = [own_seed(SEED, "main", address) for _ in range(4)]
        return [*seeds, own_seed(seeds[1], "main", address), own_seed(SEED, "other", address)]

    first = arrivals(tmp_path / "a")
    assert first == arrivals(tmp_path / "b")
    assert first[0] == first[-1] == SEED
    assert len(set(first[:-1])) == 5


@pytest.mark.parametrize("address", ["tcp:1234", "unix:/nowhere/at/all/s"])
def test_without_a_folder_the_seed_is_the_run_s(address):
    assert own_seed(SEED, "main", address) == SEED
