"""A file in its place, whole or not at all."""

from __future__ import annotations

import os

import pytest

from agentvcr.errors import TargetExistsError, TargetUnwritableError
from agentvcr.session.in_place import check_target, in_place_of


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_was_written_takes_the_place_when_the_block_ends(tmp_path):
    target = tmp_path / "new" / "x"
    with in_place_of(target) as beside:
        beside.write_text("whole")
        assert not target.exists()
        assert beside.parent == target.parent
    assert target.read_text() == "whole"
    assert names(target.parent) == ["x"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_nothing_is_left_and_nothing_changed_when_the_block_fails(tmp_path, error):
    target = tmp_path / "x"
    target.write_text("old")

    def fail():
        with in_place_of(target) as beside:
            beside.write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert target.read_text() == "old"
    assert names(tmp_path) == ["x"]


def test_a_full_disk_is_told_with_its_reason(tmp_path):
    with pytest.raises(TargetUnwritableError, match="No space left"), in_place_of(tmp_path / "x"):
        raise OSError(28, "No space left on device")
    assert names(tmp_path) == []


def test_two_who_write_to_one_place_do_not_mix_and_the_last_stays(tmp_path):
    target = tmp_path / "x"
    with in_place_of(target) as first:
        first.write_text("first")
        with in_place_of(target) as second:
            second.write_text("second")
        assert target.read_text() == "second"
    assert target.read_text() == "first"
    assert names(tmp_path) == ["x"]


def test_a_link_goes_on_pointing_to_its_file(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there/real").write_text("old")
    (tmp_path / "link").symlink_to("there/real")
    with in_place_of(tmp_path / "link") as beside:
        beside.write_text("new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there/real").read_text() == "new"


def test_a_file_is_written_over_only_by_force(tmp_path):
    (tmp_path / "x").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    check_target(tmp_path / "new", force=False)
    check_target(tmp_path / "x", force=True)
    for name in ("x", "dangling"):
        with pytest.raises(TargetExistsError):
            check_target(tmp_path / name, force=False)


def test_what_is_no_regular_file_is_not_replaced_even_by_force(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    (tmp_path / "folder").mkdir()
    for name, reason in (
        ("pipe", "no regular file"),
        ("link", "no regular file"),
        ("folder", "folder"),
    ):
        with pytest.raises(TargetUnwritableError, match=reason):
            check_target(tmp_path / name, force=True)


def test_a_file_in_the_path_is_told(tmp_path):
    (tmp_path / "x").touch()
    with pytest.raises(TargetUnwritableError), in_place_of(tmp_path / "x" / "y") as beside:
        beside.touch()
