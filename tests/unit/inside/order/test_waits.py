"""What a thread waits on: it does all that the real thing does."""

import copy
import pickle
import subprocess
import sys
import threading

import pytest

from agentvcr.inside.order import world as worlds
from agentvcr.inside.order.locks import Lock, RLock
from agentvcr.inside.order.waits import Waiter
from agentvcr.inside.order.world import World


@pytest.fixture
def world():
    made = World(tell=lambda _: None)
    worlds.activate(made)
    yield made
    worlds.activate(None)


def test_a_waiter_is_taken_given_and_taken_again(world):
    waiter = Waiter(world, None)
    assert waiter.acquire()
    assert waiter.locked()
    assert not waiter.acquire(blocking=False)
    assert not waiter.acquire(timeout=0)
    waiter.release()
    assert waiter.acquire(timeout=3600)
    assert not waiter.acquire(timeout=0.001)


def test_a_waiter_wakes_whoever_waits(world):
    waiter, log = Waiter(world, None), []
    waiter.acquire()
    thread = threading.Thread(target=lambda: log.append(waiter.acquire()))
    thread.start()
    waiter.release()
    thread.join()
    assert log == [True]


@pytest.mark.parametrize("kind", [Lock, RLock])
def test_a_stand_in_for_a_lock_behaves_as_one(world, kind):
    lock, real = kind(), kind._real
    assert isinstance(lock, kind)
    assert isinstance(lock._inner, kind), "a real one is of the class too"
    assert type(lock._inner) is real
    with lock:
        again = lock.acquire(blocking=False)
        assert again is (kind is RLock)
        if again:
            lock.release()
    with pytest.raises(RuntimeError):
        lock.release()
    with pytest.raises(ValueError, match="timeout"):
        lock.acquire(blocking=False, timeout=1)
    for make in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="pickle"):
            make(lock)


def test_without_a_world_the_stand_ins_make_real_locks():
    assert type(Lock()) is Lock._real
    assert type(RLock()) is RLock._real


PICKLING = """
import pickle, sys, threading
print(pickle.loads(pickle.dumps(threading.Lock)) is threading.Lock)
sys.stdout.flush()
sys.stdout.buffer.write(pickle.dumps(threading.Lock))
"""


def test_a_pickled_lock_class_is_pythons_elsewhere(tmp_path):
    command = [sys.executable, "-m", "agentvcr", "record", "-o", "x.avcr", "--"]
    run = subprocess.run(
        [*command, sys.executable, "-c", PICKLING], cwd=tmp_path, capture_output=True, check=True
    )
    said, _, pickled = run.stdout.partition(b"\n")
    assert said == b"True"
    assert pickle.loads(pickled) is threading.Lock


PURE_PYTHON_LOCK = """
import threading
lock, log = threading._RLock(), []

def work():
    with lock:
        log.append(1)

with lock:
    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
for thread in threads:
    thread.join()
print(len(log))
"""


def test_a_lock_that_is_no_wait_of_a_condition_stays_one(tmp_path):
    """Python's own RLock in Python makes its lock as a Condition makes what it waits on."""
    command = [sys.executable, "-m", "agentvcr", "record", "-o", "x.avcr", "--"]
    run = subprocess.run(
        [*command, sys.executable, "-c", PURE_PYTHON_LOCK],
        cwd=tmp_path,
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert run.stdout == b"5\n"
