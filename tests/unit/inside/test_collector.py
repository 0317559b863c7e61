"""Whether the collector runs the running code: in its thread, from its beginning to its end."""

import gc
import threading

import pytest

from agentvcr.inside import collector


@pytest.fixture
def listened():
    """What listeners to the collector are told, who are there before us and come behind us."""
    told = []

    def listen(name):
        def listener(phase, info):
            told.append((name, phase, collector.ident == threading.get_ident()))

        gc.callbacks.append(listener)
        return listener

    listeners = [listen("before")]
    collector.watch()
    listeners.append(listen("behind"))
    yield told
    collector.stop()
    for one in listeners:
        gc.callbacks.remove(one)


def test_every_listener_is_within_whenever_it_came(listened):
    gc.collect()
    listened.clear()
    gc.collect()
    assert listened == [
        (name, phase, True) for phase in ("start", "stop") for name in ("before", "behind")
    ]
    assert collector.ident == 0


def test_a_finalizer_is_within_where_the_collector_runs_it_and_else_is_not(listened):
    seen = []

    class Left:
        def __del__(self):
            seen.append(collector.ident == threading.get_ident())

    one = Left()
    del one
    in_a_cycle = Left()
    in_a_cycle.itself = in_a_cycle
    del in_a_cycle
    gc.collect()
    assert seen == [False, True]


def test_another_thread_is_not_within(listened):
    seen = []
    gone, looked = threading.Event(), threading.Event()

    def look():
        gone.wait(10)
        seen.append(collector.ident == threading.get_ident())
        looked.set()

    class Left:
        def __del__(self):
            gone.set()
            looked.wait(10)

    thread = threading.Thread(target=look)
    thread.start()
    one = Left()
    one.itself = one
    del one
    gc.collect()
    thread.join()
    assert seen == [False]


def test_nothing_is_left_behind():
    before = list(gc.callbacks)
    collector.watch()
    collector.watch()
    assert len(gc.callbacks) == len(before) + 2
    collector.stop()
    assert gc.callbacks == before
