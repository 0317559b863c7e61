"""The golden cassettes of version 1, which every AgentVCR to come reads.

`make_golden.py` made them once. They never change: where this test fails, what reads them is wrong.
"""

import base64
import hashlib
import json
import os
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest

from agentvcr.cassette import format as fmt
from agentvcr.cassette.checking import verify
from agentvcr.cassette.frame_file import Group
from agentvcr.cassette.frames import decode_row, read_frame, records
from agentvcr.cassette.journal_reader import JournalReader
from agentvcr.cassette.opening import open_cassette
from agentvcr.cassette.reader import load_run
from agentvcr.cassette.seal import seal
from agentvcr.cassette.world import WorldRecord
from agentvcr.steps import steps_of
from tests.golden.make_golden import (
    NAMES,
    SAYS,
    STEPS_NAMES,
    STEPS_SAYS,
    WORLD_NAMES,
    WORLD_SAYS,
    kind_of,
    told,
)
from tests.unit.cassette.damaged import quiet

GOLDEN = Path(__file__).parent
JOURNAL, SEALED, GROUPS = (GOLDEN / name for name in NAMES)
STEPS_JOURNAL, STEPS_SEALED = (GOLDEN / name for name in STEPS_NAMES)
WORLD_JOURNAL, WORLD_SEALED = (GOLDEN / name for name in WORLD_NAMES)
SHA_256 = {
    "v1-journal.avcr": "4621ba914165c70c50dd504d623f3cb23560e628c156bffc3401b0518e02d800",
    "v1-sealed.avcr": "9e1380240be28a89ee131bda1c92e642abfc23f2550c196179f0a216ead98fa4",
    "v1-sealed-groups.avcr": "80ee2490b5a0019d608ef94c2f3e756fe68ac3c2f37b9a6884eb9b4d780d6786",
    "v1.json": "e75be613efdeb9e9246ba5d8b79f021b3ee75089bb83b764ee9de200807d942b",
    "v1-steps-journal.avcr": "441242ea3cf04157441aa302ca123ea071483505e844d6366ebd060aef5d89be",
    "v1-steps-sealed.avcr": "31b0c63e263bd2fd7dd61431b27215488d07fe47759f8cedb2d74466aa4df52b",
    "v1-steps.json": "143a30e744a4803d87f997c68a334475fa82db9512e57b7a2882ea8c674fe9bd",
    "v1-world-journal.avcr": "62d57b9ab981bf47c8c07b4146e5f7a0a25c47ff3283df9e157c0e4a058b07a2",
    "v1-world-sealed.avcr": "8d467cb422216a1f856fcbd18eb0d0512ad91c5c63e00e2777ea8cf8164d86a8",
    "v1-world.json": "1caeaca50ce8248fd9efbd33d6ffa5eb794c9d2afabd82c76b7e3e26bd437a51",
}
"""Of each file; they never change."""
MOST_BYTES = 60_000


EVERY = [
    *((name, SAYS) for name in NAMES),
    *((name, STEPS_SAYS) for name in STEPS_NAMES),
    *((name, WORLD_SAYS) for name in WORLD_NAMES),
]
EXCHANGES = {SAYS: 15, STEPS_SAYS: 7, WORLD_SAYS: 1}
APPENDED = {"place": ""}
"""Fields of an exchange that came after `v1.json` was written, with their defaults."""


def records_in(path):
    """Yield the records of a file; of groups of rows the rows too, with what stands in them."""
    file, state = open_cassette(path)
    with file:
        if state == "journal":
            yield from JournalReader(file)
            return
    data, offset = path.read_bytes(), len(fmt.SEALED)
    while offset < len(data) - fmt.TRAILER.size:
        raw, offset = read_frame(lambda at, size: data[at : at + size], offset)
        for record in records(raw):
            yield record
            if isinstance(record, fmt.Rows):
                group = Group(record)
                for row in (decode_row(group.parts(at, 1)) for at in range(len(record.sizes))):
                    yield from (row, row.answer, row.closing)


def types_in(path):
    """Give the types of record in a file."""
    known = {*fmt.TYPES.values(), *fmt.SEALED_TYPES.values()}
    return {type(one) for one in records_in(path)} & known


def as_said(name, says):
    """Give what a file tells, in the words of when it was written."""
    said = told(GOLDEN / name)
    if says != WORLD_SAYS:
        assert said.pop("world") == []
    if says == SAYS:
        assert said.pop("steps") == []
        for one in said["exchanges"]:
            assert {field: one.pop(field) for field in APPENDED} == APPENDED
    return said


@pytest.mark.parametrize(("name", "says"), EVERY)
def test_what_was_written_is_read(name, says):
    expected = json.loads(says.read_text(encoding="utf-8"))
    assert as_said(name, says) == expected
    assert verify(GOLDEN / name, quiet).problems == ()
    assert len(expected["exchanges"]) == EXCHANGES[says]


@pytest.mark.parametrize(("name", "says"), EVERY)
def test_each_exchange_is_found_by_its_number_and_its_fingerprint(name, says):
    expected = json.loads(says.read_text(encoding="utf-8"))["exchanges"]
    found = load_run(GOLDEN / name).exchanges
    for one, key in zip(expected, found.list_keys(), strict=True):
        exchange, fingerprint = found.numbered(one["number"]), base64.b64decode(one["fingerprint"])
        assert exchange.fingerprint == fingerprint == key.fingerprint
        assert (key.number, key.lane, key.internal) == (one["number"], one["lane"], one["internal"])
        assert key.place == one.get("place", "")
        if "journal" not in name:
            assert found.matching(fingerprint) == [one["number"]]
            assert key.kind == kind_of(exchange)


@pytest.mark.parametrize("name", STEPS_NAMES)
def test_the_steps_are_a_tree(name):
    steps = steps_of(load_run(GOLDEN / name))
    assert [(one.id, one.parent, one.kind, one.agent) for one in steps] == [
        ("plan", None, "agent", "planner"),
        ("plan/llm[0]", "plan", "llm", "planner"),
        ("plan/search", "plan", "tool", "planner"),
        ("plan/search/tool[0]", "plan/search", "tool", "planner"),
        ("plan/pay", "plan", "tool", "planner"),
        ("plan/handoff[0]", "plan", "handoff", "planner"),
        ("plan/state[0]", "plan", "state", "planner"),
        ("plan/proc0/wörk%2F1", "plan", "tool", "planner"),
        ("order:42", None, "run", None),
        ("order:42/review", "order:42", "check", "critic"),
        ("order:42/review/task0/llm[0]", "order:42/review", "llm", "critic"),
        ("tool[0]", None, "tool", None),
        ("draft", None, "llm", None),
        ("draft/llm[0]", "draft", "llm", None),
    ]


@pytest.mark.parametrize("name", SHA_256)
def test_the_files_never_change(name):
    assert hashlib.sha256((GOLDEN / name).read_bytes()).hexdigest() == SHA_256[name]
    assert name.endswith(".json") or (GOLDEN / name).stat().st_size < MOST_BYTES


def test_they_hold_something_of_every_type():
    later = {*fmt.OF_STEP, WorldRecord}
    assert types_in(JOURNAL) == set(fmt.TYPES.values()) - later
    of_story = set(fmt.OF_STORY) - later
    assert types_in(SEALED) == types_in(GROUPS) == of_story | set(fmt.SEALED_TYPES.values())
    of_steps = set(fmt.OF_STORY) - {WorldRecord}
    assert types_in(STEPS_JOURNAL) == set(fmt.TYPES.values()) - {WorldRecord}
    assert types_in(STEPS_SEALED) == of_steps | set(fmt.SEALED_TYPES.values())
    assert WorldRecord in types_in(WORLD_JOURNAL) & types_in(WORLD_SEALED)


def test_every_field_says_something_in_one_of_them():
    told_of, said = set(), set()
    for record in chain.from_iterable(records_in(GOLDEN / name) for name, _ in EVERY):
        for field in getattr(record, "__struct_fields__", ()):
            told_of.add((type(record).__name__, field))
            if getattr(record, field):
                said.add((type(record).__name__, field))
    assert told_of - said == set()
    assert {("Row", "place"), ("Answer", "sizes"), ("Closing", "failure_type")} <= said


def test_each_journal_is_sealed_without_a_loss_today(tmp_path):
    for journal in (JOURNAL, STEPS_JOURNAL, WORLD_JOURNAL):
        path = tmp_path / journal.name
        path.write_bytes(journal.read_bytes())
        seal(path)
        assert told(path) == told(journal)
        places = [
            [key.place for key in load_run(one).exchanges.list_keys()] for one in (path, journal)
        ]
        assert places[0] == places[1]


def test_the_script_that_made_them_refuses_to_make_them_again():
    before = {name: (GOLDEN / name).read_bytes() for name in SHA_256}
    script = [sys.executable, str(GOLDEN / "make_golden.py")]
    done = subprocess.run(script, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "golden files never change" in done.stderr
    assert {name: (GOLDEN / name).read_bytes() for name in before} == before
    assert {path.name for path in GOLDEN.glob("v1*")} == set(SHA_256)
