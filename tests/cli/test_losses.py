"""What cannot be saved is said, and nothing that somebody needs is written over."""

import json
import os
import subprocess
import sys

import pytest

from tests.unit.build import chat, run
from tests.unit.recorded import write_journal

AGENTVCR = (sys.executable, "-m", "agentvcr")
YAML = """interactions:
- request: {body: null, headers: {}, method: GET, uri: http://a.example/}
  response: {body: {string: x}, headers: {}, status: {code: 200, message: OK}}
version: 1
"""
WAITING = "import sys; print('up', flush=True); sys.stdin.read()"


def agentvcr(*words, cwd, **options):
    return subprocess.run(
        [*AGENTVCR, *words], cwd=cwd, capture_output=True, timeout=60, check=False, **options
    )


@pytest.fixture
def sealed(tmp_path):
    path = tmp_path / "a.avcr"
    write_journal(path, run(chat("one"), chat("two")))
    assert agentvcr("verify", "a.avcr", "--repair", cwd=tmp_path).returncode == 0
    (tmp_path / "a.avcr.orig").unlink()
    return path


@pytest.mark.parametrize("how", ["cut", "flipped"])
def test_a_file_of_which_nothing_can_be_saved_is_left_as_it_is(sealed, tmp_path, how):
    data = bytearray(sealed.read_bytes())
    data[len(data) // 2] ^= 1
    spoilt = bytes(data) if how == "flipped" else bytes(data[:-100])
    sealed.write_bytes(spoilt)
    done = agentvcr("verify", "a.avcr", "--repair", cwd=tmp_path)
    assert done.returncode == 3
    assert b"nothing of it can be saved" in done.stderr
    assert sealed.read_bytes() == spoilt
    assert [one.name for one in tmp_path.iterdir()] == ["a.avcr"]


def test_a_journal_that_is_broken_in_its_middle_is_saved_with_status_1(tmp_path):
    path = tmp_path / "a.avcr"
    write_journal(path, run(*(chat(f"{number}") for number in range(9))), each=True)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    done = agentvcr("verify", "a.avcr", "--repair", "--json", cwd=tmp_path)
    told = json.loads(done.stdout)["repair"]
    assert done.returncode == 1
    assert 0 < told["exchanges"] < 9
    assert told["lost_bytes"] > 0
    again = agentvcr("verify", "a.avcr.orig", "--repair", "-o", "b.avcr", cwd=tmp_path)
    assert b"that cannot be read" in again.stdout


def test_the_only_copy_is_not_repaired_away(sealed, tmp_path):
    before = sealed.read_bytes()
    done = agentvcr("verify", "a.avcr", "--repair", "-o", "a.avcr", "--force", cwd=tmp_path)
    assert (done.returncode, b"[bad-option]" in done.stderr) == (2, True)
    assert sealed.read_bytes() == before


def test_who_asks_for_a_second_file_gets_it_also_of_a_whole_one(sealed, tmp_path):
    done = agentvcr("verify", "a.avcr", "--repair", "-o", "new/b.avcr", cwd=tmp_path)
    assert done.returncode == 0
    assert (tmp_path / "new/b.avcr").read_bytes() == sealed.read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="no locks there")
def test_nothing_takes_the_place_of_a_cassette_that_is_being_recorded(tmp_path):
    (tmp_path / "x.yaml").write_text(YAML)
    write_journal(tmp_path / "b.avcr", run(chat("b")))
    command = [*AGENTVCR, "record", "-o", "a.avcr", "--", sys.executable, "-c", WAITING]
    with subprocess.Popen(
        command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as recorder:
        assert recorder.stdout.readline() == b"up\n"
        for words in (
            ("import", "x.yaml", "-o", "a.avcr", "--force"),
            ("export", "b.avcr", "--to", "yaml", "-o", "a.avcr", "--force"),
        ):
            done = agentvcr(*words, cwd=tmp_path)
            assert done.returncode != 0, words
            assert b"cassette-busy" in done.stderr + done.stdout, words
        recorder.communicate(timeout=60)
    told = json.loads(agentvcr("show", "a.avcr", "--json", cwd=tmp_path).stdout)
    assert told["run"]["state"] == "complete"
    assert told["run"]["exit_status"] == 0


@pytest.mark.parametrize("words", [("show",), ("ls", "."), ("verify",), ("diff", "a.avcr")])
def test_closed_streams_are_no_traceback(sealed, tmp_path, words):
    names = () if words[0] in ("ls", "diff") else ("a.avcr",)
    line = " ".join([*map(str, AGENTVCR), *words, *names])
    done = subprocess.run(
        ["sh", "-c", f"{line} >&-"], cwd=tmp_path, capture_output=True, timeout=60, check=False
    )
    assert b"Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text")
def test_a_name_that_is_no_text_is_told_in_json(sealed, tmp_path):
    name = os.fsdecode(b"b\xff.avcr")
    sealed.rename(tmp_path / name)
    done = agentvcr("verify", "--json", name, cwd=tmp_path)
    assert done.returncode == 0
    assert json.loads(done.stdout)["path"] == "b\\xff.avcr"
