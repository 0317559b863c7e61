"""What is given to a pool has the lane of who gave it, wherever it arrives."""

import functools
import multiprocessing.pool
import pickle
import sys
from concurrent.futures import process
from types import SimpleNamespace

import pytest

from agentvcr.inside import lanes, pools


@pytest.fixture(autouse=True)
def _hooked():
    token = lanes.start("main")
    for name, hook in lanes.HOOKS.items():
        __import__(name)
        hook(sys.modules[name])
    yield
    lanes.uninstall()
    lanes.leave(token)


def name(*_):
    return lanes.current().name


def sent(function, *args):
    """What an executor puts into its queue for one call."""
    item = process._WorkItem(None, function, args, {})
    return pickle.dumps(process._CallItem(1, item.fn, item.args, item.kwargs))


def done(data):
    """Do in this process what a worker does with an item."""
    item = pickle.loads(data)
    answer = item.fn(*item.args, **item.kwargs)
    process._ResultItem(item.work_id, result=answer)
    return answer


def test_an_item_is_done_in_the_lane_that_was_named_when_it_was_submitted():
    items = [sent(name) for _ in range(3)]
    assert [done(items[number]) for number in (2, 0, 1)] == [
        "main/work2",
        "main/work0",
        "main/work1",
    ]
    assert name() == "main"


def test_each_item_of_a_chunk_has_its_own_lane():
    chunk = functools.partial(process._process_chunk, name)
    assert done(sent(chunk, ((1,), (2,)))) == ["main/work0", "main/work1"]
    assert done(sent(chunk, ((3,),))) == ["main/work2"]
    assert name() == "main"


def test_an_item_is_the_root_of_its_process_while_it_lasts():
    pickle.loads(sent(name))
    assert lanes.process().name == "main/work0"
    process._ResultItem(1)
    assert lanes.process().name == "main"


def test_an_item_that_follows_another_without_an_answer_goes_back_as_far():
    first, second = sent(name), sent(name)
    pickle.loads(first)
    assert done(second) == "main/work1"
    assert name() == "main"


def test_who_is_not_recorded_can_do_the_item_too():
    data = sent(name, 1)
    assert b"agentvcr.inside" not in data.replace(b"tests.unit.inside", b"")
    lanes.uninstall()
    item = pickle.loads(data)
    assert (item.fn, item.args, item.kwargs) == (name, (1,), {})
    assert lanes.current().name == "main"


def test_the_hooks_leave_nothing_behind():
    lanes.uninstall()
    assert "__setstate__" not in process._CallItem.__dict__
    assert process._WorkItem(None, name, (), {}).fn is name
    assert multiprocessing.pool.worker.__code__.co_filename == multiprocessing.pool.__file__


class Queue:
    """A pool's queue whose two ends are here."""

    def __init__(self):
        self.sent = []
        self._writer = SimpleNamespace(send_bytes=self.sent.append)
        self._reader = SimpleNamespace(recv_bytes=lambda: bytes(self.sent.pop(0)))
        self._rlock = multiprocessing.get_context("spawn").RLock()


def put(*tasks):
    """Send tasks; gives the worker's view of what was sent."""
    queue = Queue()
    into = pools._PutPickled(queue, lambda task: queue.sent.append(pickle.dumps(task)))
    for task in tasks:
        into(task)
    return pools._Arrivals(queue, (multiprocessing.pool.mapstar,)), queue


def carried(function, *items):
    call = lanes.current().child("work")
    return pools.Carried(function, [call.child(item) for item in items])


def test_a_task_takes_its_lanes_behind_the_pickle():
    chunk = (name, (1, 2))
    arrivals, _ = put(
        (7, 0, carried(name, "work"), (), {}),
        (7, 1, carried(multiprocessing.pool.mapstar, "work", "work"), (chunk,), {}),
        None,
    )
    job, index, function, args, options = arrivals.get()
    assert (job, index, function, args, options) == (7, 0, name, (), {})
    assert name() == "main/work0/work0"
    function, args = arrivals.get()[2:4]
    assert name() == "main"
    assert function(*args) == ["main/work1/work0", "main/work1/work1"]
    assert arrivals.get() is None
    assert name() == "main"


def test_who_knows_nothing_of_lanes_reads_the_task_alone():
    _, queue = put((7, 0, carried(name, "work"), (1,), {}))
    assert pickle.loads(queue.sent[0]) == (7, 0, name, (1,), {})


@pytest.mark.parametrize("lane", ["a\nb", "\u00e9\U0001f9ca", "\udfff", "a b'c"])
def test_a_lane_of_any_name_arrives(lane):
    arrivals, _ = put((7, 0, carried(name, lane), (), {}), None)
    arrivals.get()
    assert name() == f"main/work0/{lane}0"
    arrivals.get()


def test_a_function_that_nobody_unpacks_is_still_that_function():
    wrapped = carried(max, "work")
    assert wrapped(1, 3, 2) == 3
    assert pickle.loads(pickle.dumps(wrapped))(1, 3, 2) == 3


def test_threads_of_a_pool_work_in_the_lanes_of_their_items():
    with multiprocessing.pool.ThreadPool(2) as pool:
        assert pool.apply(name) == "main/work0"
        assert pool.map(name, range(5)) == [f"main/work1/work{number}" for number in range(5)]
        assert pool.starmap(name, [(1, 2)]) == ["main/work2/work0"]
        assert list(pool.imap(name, range(3), 2)) == [f"main/work3/work{one}" for one in range(3)]
        assert pool.apply_async(func=name).get() == "main/work4"
    assert name() == "main"


def test_the_size_of_a_pool_of_threads_shifts_no_other_number():
    found = []
    for size in (1, 3):
        token = lanes.start("main")
        with multiprocessing.pool.ThreadPool(size):
            found.append(lanes.current().child("thread").name)
        lanes.leave(token)
    assert found[0] == found[1]
