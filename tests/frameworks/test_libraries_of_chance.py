"""numpy and uuid_utils: what they draw is drawn again, and their seeds mean what they mean."""

import json

import pytest

from tests.frameworks.conftest import program, record


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return record(tmp_path_factory.mktemp("chance"), program("chance", "chance_draws.py"), {})


def test_each_lane_draws_its_own_and_the_same_again(drawn):
    drawn.check_replays(3)
    said = json.loads(drawn.stdout)
    for source in said["lanes"][0]:
        assert len({lane[source] for lane in said["lanes"]}) == 5, f"{source}: drawn twice"


def test_threads_of_a_seeded_program_draw_by_its_seed_and_not_by_the_run(drawn, tmp_path):
    other = record(tmp_path, drawn.command, {})
    one, another = (json.loads(run.stdout) for run in (drawn, other))
    by_seed = ("rand", "bound", "integers", "ranf")
    assert all(
        lane[name] == again[name]
        for lane, again in zip(one["seeded"], another["seeded"], strict=True)
        for name in by_seed
    )
    assert one["lanes"] != another["lanes"]
