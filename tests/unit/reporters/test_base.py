from __future__ import annotations

import pytest

from agentvcr.reporters import base


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (0, "0 ms"),
        (999.4, "999 ms"),
        (999.6, "1.00 s"),
        (59_994, "59.99 s"),
        (59_996, "1 min 00 s"),
        (125_000, "2 min 05 s"),
    ],
)
def test_a_duration_never_rounds_into_a_unit_it_does_not_name(value, shown):
    assert base.duration(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0 B"), (999, "999 B"), (3400, "3.4 kB"), (999_999, "1.0 MB")]
)
def test_sizes(value, shown):
    assert base.size(value) == shown


def test_unknown_token_counts_are_told_from_none():
    assert base.tokens(None, None) == ""
    assert base.tokens(1200, None) == "1,200 → ?"
    assert base.tokens(0, 0) == "0 → 0"


def test_control_characters_are_shown_and_text_is_left_alone():
    assert base.printable("a\n\tb é 日 🙂") == "a\n\tb é 日 🙂"
    assert base.printable("\x1b[0m\r\x9b\u202e\ud83d") == "\\x1b[0m\\r\\x9b\\u202e\\ud83d"
