"""The log of events: written, read, and gone through."""

import random
import struct

import pytest

from agentvcr.inside.order.log import Entry, Log, pack, unpack

ENTRIES = [
    Entry("N", "main/thread0", 0, 5),
    Entry("S", 1, 0, 7),
    Entry("D", 1, 0, 1 << 62, overlap=True),
    Entry("T", "main/é\ud800", 3, 0),
    Entry("A", "main|main/lock0", 2, -1),
]


def facts(entries):
    return [(*one.key, one.at_ns, one.overlap) for one in entries]


def log_of(*keys):
    return Log([Entry(*key, place) for place, key in enumerate(keys)])


def test_what_is_packed_comes_back():
    assert facts(unpack(pack(ENTRIES))) == facts(ENTRIES)
    assert unpack(pack([])) == []


def test_a_name_is_written_once():
    one = len(pack([Entry("T", "main/thread0", 0, 1)]))
    two = len(pack([Entry("T", "main/thread0", n, 1) for n in range(2)]))
    assert two - one == 20


def test_every_shortening_is_refused_or_a_shorter_log():
    data = pack(ENTRIES)
    for size in range(len(data)):
        try:
            found = unpack(data[:size])
        except ValueError:
            continue
        assert facts(found) == facts(ENTRIES)[: len(found)]


def test_damage_is_a_value_error_and_nothing_else(rounds):
    data = pack(ENTRIES)
    for seed in range(200 * rounds):
        chance = random.Random(seed)
        hurt = bytearray(data)
        for _ in range(chance.randint(1, 4)):
            hurt[chance.randrange(len(hurt))] = chance.randrange(256)
        try:
            unpack(bytes(hurt))
        except ValueError:
            continue


def test_a_count_of_names_beyond_the_data_is_refused():
    with pytest.raises(ValueError, match="no log of events"):
        unpack(struct.pack("<I", 1 << 31))


def test_entries_happen_in_any_order_and_the_next_is_the_first_that_has_not():
    log = log_of(("N", "a", 0), ("N", "b", 0), ("N", "c", 0))
    log.mark(1)
    assert log.next.who == "a"
    log.mark(0)
    assert log.next.who == "c"
    log.mark(0)
    assert log.cur == 2
    log.mark(2)
    assert log.next is None


def test_an_entry_has_no_place_once_it_has_happened():
    log = log_of(("N", "a", 0), ("N", "b", 0))
    assert log.place_of(("N", "b", 0)) == 1
    assert log.place_of(("N", "b", 1)) is None
    log.mark(1)
    assert log.place_of(("N", "b", 0)) is None
    log.mark(0)
    assert log.place_of(("N", "a", 0)) is None


def test_an_exchange_that_is_over_leaves_those_of_others_and_awaited_places():
    log = log_of(("S", 1, 0), ("D", 1, 0), ("D", 2, 0), ("D", 1, 1), ("D", 1, 2))
    log.finish(1, but={3})
    assert log.next.key == ("D", 2, 0)
    log.mark(2)
    assert log.next.key == ("D", 1, 1)
    log.finish(1)
    assert log.next is None
    log.finish("unknown")
