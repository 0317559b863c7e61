"""Damaged at any byte, a cassette gives what was written or a clear error, and never a wrong word.

Reading, verifying and repairing are tried on each damaged file, in a process that may take 256 MB.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentvcr.cassette import pack
from agentvcr.cassette.checking import verify
from agentvcr.cassette.seal import seal
from agentvcr.cassette.sealed import SealedFile
from tests.programs.damage import small_groups
from tests.support.command_line import PROGRAMS
from tests.unit.cassette.damaged import quiet, sample, told_by
from tests.unit.cassette.stepped import stepped, write_journal

ROOT = Path(__file__).parents[3]
TURNS = {"journal": 1, "sealed": 2, "groups": 7}


@pytest.fixture
def make(tmp_path, monkeypatch):
    for name in ("GROUP", "ONE_FRAME", "BLOCK"):
        monkeypatch.setattr(pack, name, getattr(pack, name))

    def made(kind):
        path, whole = tmp_path / "whole.avcr", stepped(sample(TURNS[kind]))
        write_journal(path, whole, each=True)
        assert told_by(path) == whole
        if kind == "groups":
            small_groups()
        if kind != "journal":
            seal(path)
            assert told_by(path) == whole
        assert verify(path, quiet).is_whole
        return path

    return made


def judged(path, *words):
    """Have `programs/damage.py` damage a file; gives its complaints."""
    command = [sys.executable, PROGRAMS / "damage.py", path, path.with_name("x.avcr"), *words]
    search = os.pathsep.join([os.environ.get("PYTHONPATH", ""), str(ROOT)])
    done = subprocess.run(
        [str(word) for word in command],
        env={**os.environ, "PYTHONPATH": search},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    *lines, end = done.stdout.splitlines()
    assert end == "done"
    return lines


KINDS = ["journal", "sealed", "groups"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_flipped_bit_changes_nothing_that_is_read(make, kind, rounds):
    path, count = make(kind), 100 * rounds
    groups = ["--groups"] if kind == "groups" else []
    repairs = max(1, count // (20 * rounds))
    assert judged(path, "--flips", 7, count, "--repairs", repairs, *groups) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_at_any_byte_changes_nothing_that_is_read(make, kind, rounds):
    path = make(kind)
    groups = ["--groups"] if kind == "groups" else []
    repairs = max(1, path.stat().st_size // (20 * rounds))
    often = ["--verifies", max(1, 12 // rounds)]
    assert judged(path, "--cuts", 1, *often, "--repairs", repairs, *groups) == []


def test_the_larger_file_has_several_groups_of_each_kind(make):
    with SealedFile(make("groups")) as sealed:
        directory = sealed.directory
    for groups in (directory.blobs, directory.rows, directory.keys):
        assert len(groups) > 2
