from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest

from agentvcr.model.results import Result
from agentvcr.model.summary import RecordSummary, ReplaySummary
from agentvcr.model.verification import Verification
from agentvcr.reporters import json_reporter

ALL = ["show", "step", "tool", "ls", "diff", "same", "empty", "import"]
ALL += ["steps", "named", "model", "own"]
PAGE = Path(__file__).parents[3] / "docs" / "reference" / "json-output.md"


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("show", "agentvcr.show/1"),
        ("step", "agentvcr.step/1"),
        ("ls", "agentvcr.ls/1"),
        ("diff", "agentvcr.diff/1"),
        ("import", "agentvcr.import/1"),
    ],
)
def test_the_schema_is_named_first(drawn, name, schema):
    assert next(iter(json.loads(drawn(json_reporter, name)).items())) == ("schema", schema)


@pytest.mark.parametrize("name", ALL)
def test_what_is_written_reads_back_as_the_result(drawn, results, name):
    assert msgspec.json.decode(drawn(json_reporter, name), type=Result) == results[name]


def test_the_edges_of_the_data_flow_stand_on_both_of_their_sides(drawn):
    named, model = (json.loads(drawn(json_reporter, name)) for name in ("named", "model"))
    edge = {"source": "plan/llm[0]", "target": "plan/handoff[0]", "where": "step.input $.payload"}
    (found,) = named["comes_from"]
    assert edge.items() <= found.items()
    assert found in model["goes_into"]
    assert (named["exchange"], model["exchange"]) == (None, 1)


def test_a_step_whose_own_code_decided_otherwise_is_said_to_have(drawn):
    entries = json.loads(drawn(json_reporter, "own"))["entries"]
    assert [one["a"]["id"] for one in entries if one["own"]] == ["plan"]
    assert {one["status"] for one in entries if not one["own"]} == {"same"}


EVERYTHING = Result | Verification | RecordSummary | ReplaySummary


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
    "kind", sorted(structs(EVERYTHING, set()), key=lambda k: k.__name__), ids=lambda k: k.__name__
)
def test_every_field_is_documented(kind):
    words = set(re.findall(r"`(\w+)`", PAGE.read_text(encoding="utf-8")))
    assert {field.encode_name for field in msgspec.structs.fields(kind)} <= words
