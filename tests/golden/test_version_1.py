"""The golden cassettes of version 1, which every AgentVCR to come reads.

`make_golden.py` made them once. They never change: where this test fails, what reads them is wrong.
"""

import base64
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentvcr.cassette import format as fmt
from agentvcr.cassette.checking import verify
from agentvcr.cassette.frames import read_frame, records
from agentvcr.cassette.journal_reader import JournalReader
from agentvcr.cassette.opening import open_cassette
from agentvcr.cassette.reader import load_run
from agentvcr.cassette.seal import seal
from tests.golden.make_golden import NAMES, SAYS, told
from tests.unit.cassette.damaged import quiet

GOLDEN = Path(__file__).parent
JOURNAL, SEALED, GROUPS = (GOLDEN / name for name in NAMES)
SHA_256 = {
    "v1-journal.avcr": "4621ba914165c70c50dd504d623f3cb23560e628c156bffc3401b0518e02d800",
    "v1-sealed.avcr": "9e1380240be28a89ee131bda1c92e642abfc23f2550c196179f0a216ead98fa4",
    "v1-sealed-groups.avcr": "80ee2490b5a0019d608ef94c2f3e756fe68ac3c2f37b9a6884eb9b4d780d6786",
    "v1.json": "e75be613efdeb9e9246ba5d8b79f021b3ee75089bb83b764ee9de200807d942b",
}
"""Of each file; they never change."""
MOST_BYTES = 60_000


def types_in(path):
    """Give the types of record in a file."""
    file, state = open_cassette(path)
    with file:
        if state == "journal":
            return {type(one) for one in JournalReader(file)}
    data = path.read_bytes()
    offset, found = len(fmt.SEALED), set()
    while offset < len(data) - fmt.TRAILER.size:
        raw, offset = read_frame(lambda at, size: data[at : at + size], offset)
        found |= {type(one) for one in records(raw)}
    return found


@pytest.mark.parametrize("name", NAMES)
def test_what_was_written_is_read(name):
    expected = json.loads(SAYS.read_text(encoding="utf-8"))
    assert told(GOLDEN / name) == expected
    assert verify(GOLDEN / name, quiet).problems == ()
    assert len(expected["exchanges"]) == 15


@pytest.mark.parametrize("name", NAMES)
def test_each_exchange_is_found_by_its_number_and_its_fingerprint(name):
    expected = json.loads(SAYS.read_text(encoding="utf-8"))["exchanges"]
    found = load_run(GOLDEN / name).exchanges
    for one, key in zip(expected, found.list_keys(), strict=True):
        fingerprint = base64.b64decode(one["fingerprint"])
        assert found.numbered(one["number"]).fingerprint == fingerprint == key.fingerprint
        assert (key.number, key.lane, key.internal) == (one["number"], one["lane"], one["internal"])
        if name != JOURNAL.name:
            assert found.matching(fingerprint) == [one["number"]]
            assert key.kind == ("llm" if "chat" in one["request"]["url"] else "tool")


@pytest.mark.parametrize("name", [*NAMES, SAYS.name])
def test_the_files_never_change(name):
    assert hashlib.sha256((GOLDEN / name).read_bytes()).hexdigest() == SHA_256[name]
    assert name == SAYS.name or (GOLDEN / name).stat().st_size < MOST_BYTES


def test_they_hold_something_of_every_type():
    assert types_in(JOURNAL) == set(fmt.TYPES.values())
    of_story = set(fmt.OF_STORY)
    assert types_in(SEALED) == types_in(GROUPS) == of_story | set(fmt.SEALED_TYPES.values())


def test_the_journal_is_sealed_without_a_loss_today(tmp_path):
    path = tmp_path / "a.avcr"
    path.write_bytes(JOURNAL.read_bytes())
    seal(path)
    assert told(path) == told(JOURNAL)


def test_the_script_that_made_them_refuses_to_make_them_again():
    before = {name: (GOLDEN / name).read_bytes() for name in (*NAMES, SAYS.name)}
    script = [sys.executable, str(GOLDEN / "make_golden.py")]
    done = subprocess.run(script, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "golden files never change" in done.stderr
    assert {name: (GOLDEN / name).read_bytes() for name in before} == before
