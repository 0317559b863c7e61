from __future__ import annotations

import pytest

from agentvcr.providers.sse import event_objects, events, is_stream


def read(content: bytes) -> list[tuple[str, str]]:
    return [(event.name, event.data) for event in events(content)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_any_line_end_ends_a_line(end):
    content = end.join([b"event: delta", b"data: one", b"data: two", b"", b"data:three", b"", b""])
    assert read(content) == [("delta", "one\ntwo"), ("", "three")]


def test_comments_and_unknown_fields_are_left_out():
    assert read(b": ping\n\nid: 7\nretry: 3\ndata: x\n\n") == [("", "x")]


def test_a_line_separator_within_json_breaks_no_line():
    assert read('data: {"a": "x\u2028y\u0085z"}\n\n'.encode()) == [("", '{"a": "x\u2028y\u0085z"}')]


def test_the_last_event_of_a_cut_stream_counts_without_its_blank_line():
    assert read(b"data: one\n\ndata: two") == [("", "one"), ("", "two")]


def test_a_stream_cut_within_a_character_is_read_up_to_it():
    assert read("data: né".encode()[:-1]) == [("", "n\ufffd")]


def test_only_json_objects_are_objects():
    content = b'data: {"a": 1}\n\ndata: [DONE]\n\ndata: {"b\n\ndata: {"c": 2}\n\n'
    assert list(event_objects(content)) == [{"a": 1}, {"c": 2}]


def test_a_stream_is_known_by_type_or_by_its_first_line():
    typed = ((b"Content-Type", b"text/event-stream"),)
    assert is_stream(typed, b"")
    assert is_stream((), b": PROCESSING\n\ndata: {}\n\n")
    assert is_stream((), b"event: x\n")
    assert not is_stream((), b'{"data": 1}')
    assert not is_stream(typed, b'{"error": {"message": "no"}}')
