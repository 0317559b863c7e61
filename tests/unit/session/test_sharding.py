"""Who gets which cassette, where several machines share a suite."""

import random

import pytest

from agentvcr.errors import BadOptionError
from agentvcr.session.sharding import Shard, part_of, read_shard


def parts(durations_s, total):
    names = [f"c{number:03}" for number in range(len(durations_s))]
    return [
        part_of(names, Shard(number, total), names=names, durations_s=durations_s)
        for number in range(1, total + 1)
    ]


@pytest.mark.parametrize("total", [1, 2, 3, 8, 50])
def test_every_cassette_is_in_one_part_and_the_parts_are_about_as_long(total):
    chance = random.Random(total)
    durations_s = [chance.uniform(0, 60) for _ in range(40)]
    found = parts(durations_s, total)
    assert sorted(name for part in found for name in part) == [f"c{n:03}" for n in range(40)]
    loads = [sum(durations_s[int(name[1:])] + 1 for name in part) for part in found]
    assert max(loads) - min(loads) <= 61  # no more than one cassette's worth


def test_cassettes_without_a_duration_are_shared_out_too():
    assert [len(part) for part in parts([0.0] * 10, 3)] == [4, 3, 3]


def test_the_parts_do_not_depend_on_the_order_in_which_files_are_found():
    names, durations_s = ["a", "b", "c", "d"], [3.0, 1.0, 3.0, 2.0]
    told = {"names": names, "durations_s": durations_s}
    back = {"names": names[::-1], "durations_s": durations_s[::-1]}
    for number in (1, 2):
        shard = Shard(number, 2)
        assert part_of(names, shard, **told) == part_of(names[::-1], shard, **back)[::-1]


def test_a_part_is_written_as_two_numbers():
    assert read_shard("2/8") == Shard(2, 8)
    assert str(Shard(2, 8)) == "2/8"


@pytest.mark.parametrize("text", ["", "2", "0/8", "9/8", "a/b", "1/0", "-1/2", "1/2/3", "²/8"])
def test_what_is_no_part_is_refused(text):
    with pytest.raises(BadOptionError):
        read_shard(text)
