"""Which side a merge of two cassettes takes."""

import pytest

from agentvcr.cassette.seal import seal
from agentvcr.session.merging import merge_cassettes
from tests.unit.build import chat, run
from tests.unit.recorded import write_journal


@pytest.fixture
def sides(tmp_path, monkeypatch):
    """Three versions under the names that git gives them, in its folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GIT_PREFIX", raising=False)
    found = [tmp_path / f".merge_file_{name}" for name in ("base", "ours", "theirs")]
    for path, text in zip(found, ("oaks", "limes", "beeches"), strict=True):
        write_journal(path, run(chat(text)))
        seal(path)
    return found


def test_the_side_that_changed_is_taken_where_the_other_did_not(sides):
    base, ours, theirs = sides
    before = ours.read_bytes()
    assert not merge_cassettes(base, ours, base, "a.avcr").is_conflict
    assert ours.read_bytes() == before
    assert not merge_cassettes(ours, ours, theirs, "a.avcr").is_conflict
    assert ours.read_bytes() == theirs.read_bytes()
    assert not merge_cassettes(base, ours, theirs, "a.avcr").is_conflict


def test_a_cassette_that_both_added_is_a_choice(sides):
    base, ours, theirs = sides
    base.write_bytes(b"")
    merge = merge_cassettes(base, ours, theirs, "a.avcr")
    assert (merge.is_conflict, "limes" in merge.difference) == (True, True)


@pytest.mark.parametrize("percent", range(5, 100, 15))
@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_damage_anywhere_is_a_conflict_that_names_the_side(sides, side, percent):
    base, ours, theirs = sides
    damaged = {"ours": ours, "theirs": theirs}[side]
    data = bytearray(damaged.read_bytes())
    data[len(data) * percent // 100] ^= 1
    damaged.write_bytes(data)
    before = ours.read_bytes()
    merge = merge_cassettes(base, ours, theirs, "a.avcr")
    assert merge.is_conflict
    assert [one.partition(":")[0] for one in merge.unreadable] == [side]
    assert ".merge_file" not in merge.unreadable[0]
    assert ours.read_bytes() == before


def test_the_command_is_told_only_where_it_ran_in_the_folder_that_git_was_called_in(
    sides, monkeypatch
):
    base, ours, theirs = sides
    merge = merge_cassettes(base, ours, theirs, "agents/a.avcr")
    assert (merge.path, merge.command) == ("agents/a.avcr", ("python", "trip.py"))
    monkeypatch.setenv("GIT_PREFIX", "agents/")
    merge = merge_cassettes(base, ours, theirs, "agents/a.avcr")
    assert (merge.path, merge.command) == ("a.avcr", ())
