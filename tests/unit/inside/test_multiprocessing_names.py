"""Who starts a process names it; what chance or `multiprocessing` itself starts takes no number."""

import multiprocessing.pool
from concurrent.futures import process
from types import SimpleNamespace

import pytest

from agentvcr.inside import lanes, processes


@pytest.fixture(autouse=True)
def _session():
    token = lanes.start("main")
    yield
    lanes.leave(token)


def lane_of(target):
    return processes._lane_of(SimpleNamespace(_target=target))


def test_workers_of_pools_are_numbered_apart():
    targets = [print, process._process_worker, multiprocessing.pool.worker, None]
    found = [lane_of(target) for target in targets]
    assert found == ["main/proc0", "main/worker0", "main/worker1", "main/proc1"]


def test_workers_belong_to_the_process_and_not_to_who_happens_to_start_them():
    token = lanes.enter(lanes.current().child("thread"))
    found = lane_of(process._process_worker), lane_of(print)
    lanes.leave(token)
    assert found == ("main/worker0", "main/thread0/proc0")
