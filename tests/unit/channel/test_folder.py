"""Private folders: made, removed, and cleared away after an engine that was killed."""

import os
import socket
import stat
from pathlib import Path

import pytest

from agentvcr.channel.folder import private_folder, remove_folder


@pytest.fixture
def base(tmp_path_factory, monkeypatch):
    """Have folders made in a place of our own, with a name short enough for a socket."""
    folder = tmp_path_factory.mktemp("f")
    monkeypatch.setenv("TMPDIR", str(folder))
    if len(str(folder)) > 70:
        pytest.skip("the temporary folder's name is too long for a socket")
    return folder


def left_by(base, *, age_s, listening=False):
    """Make the folder of an engine, as a kill leaves it."""
    folder = Path(private_folder())
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(folder / "s"))
    if listening:
        server.listen()
    else:
        server.close()
    then = folder.stat().st_mtime - age_s
    os.utime(folder, (then, then))
    return folder, server


def test_a_folder_is_private_and_goes_with_what_is_ours(base):
    folder = Path(private_folder())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert folder.parent == base
    (folder / "gone").touch()
    remove_folder(str(folder))
    assert not folder.exists()


def test_what_a_killed_engine_left_is_cleared_by_the_next(base):
    folder, _ = left_by(base, age_s=120)
    assert folder.exists()
    private_folder()
    assert not folder.exists()


def test_the_folder_of_a_living_engine_stays(base):
    folder, server = left_by(base, age_s=120, listening=True)
    private_folder()
    server.close()
    assert folder.exists()


def test_a_young_folder_stays(base):
    folder, _ = left_by(base, age_s=0)
    private_folder()
    assert folder.exists()


def test_a_folder_of_that_name_that_is_not_ours_stays_with_what_is_in_it(base):
    other = base / "agentvcr-notes"
    other.mkdir()
    (other / "s").write_text("precious")
    os.utime(other, (1, 1))
    (base / "agentvcr-file").touch()
    private_folder()
    assert (other / "s").read_text() == "precious"
