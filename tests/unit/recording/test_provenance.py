"""What a process tells of itself becomes records, each file once, named as on any machine."""

import json

import pytest

from agentvcr.inside.exchange import SURROUNDINGS
from agentvcr.recording.provenance import Provenance
from agentvcr.redaction.digest import Digest

KEY = b"k" * 32


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = tmp_path / "home" / "project"
    folder.mkdir(parents=True)
    return folder


def provenance(root, clean=str, recorded=()):
    return Provenance(root, Digest(KEY), clean, recorded)


def take(desk, **told):
    parts = desk.take(SURROUNDINGS, json.dumps(told).encode())
    return {kind: json.loads(data) for kind, data in parts if kind != "key"}


def write(path, text="text"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def test_files_are_named_by_the_project_then_by_the_home_then_as_they_are(root, tmp_path):
    paths = [write(root / "a.md"), write(root.parent / "b.md"), write(tmp_path / "c.md")]
    assert list(take(provenance(root), files=paths)["files"]) == [paths[2], "a.md", "~/b.md"]


def test_each_file_is_told_once_as_it_was_first(root):
    desk, path = provenance(root), write(root / "a.md", "one")
    first = take(desk, files=[path])
    write(root / "a.md", "two")
    assert take(desk, files=[path]) == {}
    assert take(provenance(root), files=[path]) != first


def test_a_source_that_was_opened_too_is_a_source(root):
    path = write(root / "a.py")
    assert list(take(provenance(root), sources=[path], files=[path])) == ["sources"]


def test_what_another_process_wrote_before_is_no_input(root):
    desk, path = provenance(root), write(root / "a.md")
    take(desk, written=[path])
    assert take(desk, files=[path]) == {}


def test_modules_in_a_folder_of_installed_packages_are_no_sources(root):
    site = root / "vendored"
    path = write(site / "lib" / "__init__.py")
    write(site / "lib-1.0.dist-info" / "RECORD", "lib/__init__.py,,")
    desk = provenance(root)
    assert take(desk, sources=[path], paths=[str(root / "nowhere"), str(site)]) == {}
    assert {kind: json.loads(data) for kind, data in desk.rest()} == {"packages": {"lib": "1.0"}}


def test_a_replay_looks_at_what_it_did_not_read(root):
    path = write(root / "a.md")
    write(root / "b.md")
    write(root.parent / "c.md")
    desk = provenance(root, recorded=["a.md", "b.md", "~/c.md", "gone.md"])
    take(desk, files=[path])
    found = json.loads(dict(desk.rest())["unread"])
    assert list(found) == ["b.md", "gone.md", "~/c.md"]
    assert found["gone.md"] == ""
    assert found["b.md"] == found["~/c.md"] != ""


def test_a_name_is_cleaned_of_credentials(root):
    desk = provenance(root, clean=lambda name: name.replace("hunter2", "redacted"))
    assert list(take(desk, files=[write(root / "hunter2.md")])["files"]) == ["redacted.md"]


def test_so_many_files_are_kept_and_no_more(root):
    paths = [write(root / f"{n}.md") for n in range(2005)]
    desk = provenance(root)
    told = take(desk, files=paths[:1500])["files"] | take(desk, files=paths[1500:])["files"]
    assert len(told) == 2000


@pytest.mark.parametrize("data", [b"", b"\xff", b"[]", b'{"files": 3}'])
def test_what_makes_no_sense_is_dropped(root, data):
    assert list(provenance(root).take(SURROUNDINGS, data)) == []


def test_other_parts_pass_as_they_are(root):
    assert list(provenance(root).take("order", b"\xff")) == [("order", b"\xff")]
