from __future__ import annotations

import io
import json
import re
from pathlib import Path

import msgspec
import pytest

from agentvcr.errors import CassetteForeignError
from agentvcr.interop.vcrpy_yaml import read_cassette
from agentvcr.model.events import Event
from agentvcr.providers.body import decoded
from agentvcr.reporters import jsonl
from agentvcr.steps.events import events
from tests.unit.build import chat, exchange, response, run, tool
from tests.unit.event_text import bytes_of

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "jsonl-events.md"


def lines(*exchanges):
    out = io.StringIO()
    jsonl.render(events(run(*exchanges)), out)
    text = out.getvalue()
    assert text.endswith("\n")
    return [json.loads(line) for line in text.removesuffix("\n").split("\n")]


def test_each_event_is_one_line_and_the_first_names_the_schema():
    first, one, two, last = lines(chat("a\nb"), tool("/x", b"\xff\n\x00"))
    assert next(iter(first)) == "schema"
    assert first["schema"] == "agentvcr.events/1"
    assert [line["event"] for line in (first, one, two, last)] == ["run", "step", "step", "run_end"]
    assert one["inputs"]["body"]["value"]["messages"][0]["content"] == "a\nb"
    assert two["outputs"]["body"] == {
        "kind": "binary",
        "encoding": "backslash",
        "bytes": 3,
        "value": "\\xff\n\x00",
    }


def test_events_are_written_as_they_come():
    out = io.StringIO()

    def two():
        found = list(events(run(chat("a"))))
        yield found[0]
        assert out.getvalue().count("\n") == 1
        yield found[1]

    jsonl.render(two(), out)
    assert out.getvalue().count("\n") == 2


def as_exchange(one):
    answer = one.response
    told = response(answer.body, status=answer.status, headers=answer.headers)
    return exchange(one.request, told)


def assert_nothing_lost(body, headers, sent):
    content = decoded(headers, sent)
    assert body["bytes"] == len(sent)
    if body["kind"] == "json":
        assert body["value"] == json.loads(content)
    else:
        assert bytes_of(body["value"], body["encoding"]) == content


def test_no_byte_of_a_real_body_is_lost(corpora):
    kinds = set()
    for path in sorted(corpora.rglob("*.yaml*")):
        try:
            interactions = read_cassette(path).interactions
        except CassetteForeignError:
            continue  # that these are three is tests/unit/interop's matter
        told = lines(*[as_exchange(one) for one in interactions])
        for line, one in zip(told[1:-1], interactions, strict=True):
            asked, answered = line["inputs"]["body"], line["outputs"]["body"]
            assert_nothing_lost(asked, one.request.headers, one.request.body)
            assert_nothing_lost(answered, one.response.headers, one.response.body)
            kinds |= {asked["kind"], answered["kind"]}
    assert kinds == {"json", "events", "text", "binary", "empty"}


def structs(kind, found):
    """Give every struct that a type mentions, by following its fields."""
    for part in getattr(kind, "__args__", ()):
        structs(part, found)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind not in found:
        found.add(kind)
        for field in msgspec.structs.fields(kind):
            structs(field.type, found)
    return found


@pytest.mark.parametrize(
    "kind", sorted(structs(Event, set()), key=lambda k: k.__name__), ids=lambda k: k.__name__
)
def test_every_field_is_documented(kind):
    words = set(re.findall(r"`(\w+)`", PAGE.read_text(encoding="utf-8")))
    assert {field.encode_name for field in msgspec.structs.fields(kind)} <= words
