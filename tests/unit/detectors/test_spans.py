import pytest

from agentvcr.detectors.spans import differing, is_reordered, occurrences, overlaps, values, whole


def pieces(before, after):
    return [before[start:end] for start, end in differing(before, after)]


def test_only_the_words_that_differ_are_pieces():
    assert pieces("at 12:30 in room 5", "at 12:45 in room 6") == ["30", "5"]


def test_what_was_put_in_between_is_an_empty_piece_at_its_place():
    assert differing("a b", "a x b") == [(2, 2)]


def test_pieces_of_one_value_are_put_together_and_others_stay_apart():
    before = "on 2026-11-26 23:38:01 by agent number 4711"
    after = "on 2028-01-01 04:45:12 by agent number 4712"
    joined = [before[start:end] for start, end in values(differing(before, after))]
    assert joined == ["2026-11-26 23:38:01", "4711"]


def test_long_texts_are_one_piece_between_what_they_share():
    before = "start " + "a b " * 900 + "end"
    (piece,) = pieces(before, "start " + "c d " * 900 + "end")
    assert piece.startswith("a b")
    assert not piece.endswith("end")


def test_an_empty_piece_touches_and_others_overlap():
    assert overlaps((2, 2), (2, 5))
    assert not overlaps((0, 2), (2, 5))
    assert occurrences("a.", "a. ab a.") == [(0, 2), (6, 8)]


def test_the_same_words_in_another_order_are_reordered():
    assert is_reordered("a, b", "b, a")
    assert not is_reordered("a, b", "a, c")
    assert not is_reordered("a, b", "a, b")


@pytest.mark.parametrize(
    ("before", "after", "value"),
    [
        ("saved at 2026-11-27 17:49:21.384 by us", "saved at 2026-11-27 17:49:22.384 by us", 2),
        ("read /tmp/run-1/notes.txt, please", "read /tmp/run-2/notes.txt, please", 1),
    ],
)
def test_a_piece_of_a_value_stands_for_all_of_it(before, after, value):
    told = [before[start:end] for start, end in whole(differing(before, after), before)]
    assert max(told, key=len) == {2: "2026-11-27 17:49:21.384", 1: "/tmp/run-1/notes.txt"}[value]
