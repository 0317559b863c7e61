"""Threads are seen to end, whoever began them."""

import threading
import time

import agentvcr
from agentvcr.inside.order import world as worlds
from agentvcr.inside.order.strands import strand_here


def wait_a_moment():
    time.sleep(0.001)


wait_a_moment.__module__ = "asyncio.base_events"


def test_a_thread_of_the_machinery_that_was_seen_waiting_is_at_work_no_more_behind_its_end(
    tmp_path,
):
    """As an event loop's that ends its workers: what it handed over last waits for nobody."""
    with agentvcr.record(tmp_path / "x.avcr"):
        thread = threading.Thread(target=wait_a_moment)
        thread.start()
        thread.join()
        assert worlds.active.active == {strand_here()}
