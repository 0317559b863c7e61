"""A program on uvloop is put in order and in virtual time, however it comes by its loop."""

import pytest

from tests.frameworks.conftest import program, record
from tests.frameworks.provider import Provider


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    with Provider() as provider:
        keys = {"OPENAI_BASE_URL": provider.base_url}
        return record(tmp_path_factory.mktemp("uvloop"), program("uvloop", "with_uvloop.py"), keys)


def test_each_caller_has_its_answers_again_in_the_same_order_at_the_same_time(recorded):
    assert recorded.stdout.count(b"timed out True") == 5
    recorded.check_replays(3)


def test_a_program_that_keeps_its_own_loop_is_recorded_without_order(tmp_path):
    with Provider() as provider:
        keys = {"OPENAI_BASE_URL": provider.base_url, "AGENTVCR_OFF": "order"}
        run = record(tmp_path, program("uvloop", "with_uvloop.py"), keys)
    assert len(run.steps()) == len(provider.asked)
