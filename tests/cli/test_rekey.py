"""`agentvcr rekey` as a user runs it."""

import io
import json
import os
import shutil

import pytest

from agentvcr.cassette.holding import held
from agentvcr.cassette.reader import load_run
from agentvcr.cassette.seal import seal
from agentvcr.reporters import rekeyed
from agentvcr.session.rekeying import rekey_cassette
from tests.support.command_line import agentvcr, files, lines, refused
from tests.unit.build import exchange, request, response, run
from tests.unit.recorded import write_journal

RULES = '[matching]\nignore = ["body.stamp"]\n'


def asked(stamp, lane="main"):
    return exchange(request({"q": "oaks", "stamp": stamp}), response({"n": stamp}), lane=lane)


@pytest.fixture(params=["sealed", "journal"])
def cassette(request, tmp_path):
    path = tmp_path / "x.avcr"
    write_journal(path, run(asked(1), asked(2), asked(3, "main/task0"), asked(1, "main/task0")))
    if request.param == "sealed":
        seal(path)
    (tmp_path / "agentvcr.toml").write_text(RULES, encoding="utf-8")
    return path


def test_it_says_what_changed_and_which_requests_became_the_same(cassette, tmp_path):
    done = agentvcr("rekey", "x.avcr", cwd=tmp_path)
    assert done.returncode == 0
    assert lines(done) == [
        "x.avcr: 1 declared rule",
        "  4 of 4 exchanges with another fingerprint",
        "  in main, exchanges 1, 2 are the same request now: served in this order",
        "  in main/task0, exchanges 3, 4 are the same request now: served in this order",
    ]
    keys = load_run(cassette).exchanges.list_keys()
    assert len({one.fingerprint for one in keys}) == 1
    assert sorted(files(tmp_path)) == ["agentvcr.toml", "x.avcr"]


def test_a_rule_that_nothing_here_has_anything_for_is_named(cassette, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rules = 'ignore = ["body.stamp", "body.stmap", "header.x-a"]\ncount = ["header.x-a"]\n'
    (tmp_path / "agentvcr.toml").write_text(f"[matching]\n{rules}", encoding="utf-8")
    result = rekey_cassette(cassette, progress=lambda _done, _count: None)
    assert result.idle == ("ignore body.stmap", "count header.x-a")
    out = io.StringIO()
    rekeyed.render(result, out)
    assert "no request has what this rule is about: ignore body.stmap\n" in out.getvalue()


def test_what_has_these_rules_already_is_left_as_it_was(cassette, tmp_path):
    agentvcr("rekey", "x.avcr", cwd=tmp_path)
    before = cassette.stat()
    os.utime(cassette, ns=(before.st_atime_ns, before.st_mtime_ns - 1))
    done = agentvcr("rekey", "x.avcr", cwd=tmp_path)
    assert lines(done) == ["x.avcr: has 1 declared rule already; left as it was"]
    after = cassette.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns - 1)


def test_rules_that_are_gone_are_taken_out(cassette, tmp_path):
    agentvcr("rekey", "x.avcr", cwd=tmp_path)
    (tmp_path / "agentvcr.toml").unlink()
    done = agentvcr("rekey", "x.avcr", cwd=tmp_path)
    assert lines(done)[0] == "x.avcr: 0 declared rules"
    assert load_run(cassette).world == ()


def test_another_file_is_written_where_one_is_named(cassette, tmp_path):
    cassette.chmod(0o640)
    before = cassette.read_bytes()
    done = agentvcr("rekey", "x.avcr", "-o", "sub/new.avcr", "--json", cwd=tmp_path)
    told = json.loads(done.stdout)
    assert told["schema"] == "agentvcr.rekey/1"
    assert (told["path"], told["written_to"]) == ("x.avcr", "sub/new.avcr")
    assert (told["exchanges"], told["changed"], told["rules"]) == (4, 4, 1)
    assert told["merged"][0] == {"lane": "main", "numbers": [1, 2]}
    assert cassette.read_bytes() == before
    new = tmp_path / "sub" / "new.avcr"
    assert new.stat().st_mode & 0o777 == 0o640
    refused(agentvcr("rekey", "x.avcr", "-o", "sub/new.avcr", cwd=tmp_path), 2, "target-exists")
    again = agentvcr("rekey", "x.avcr", "-o", "sub/new.avcr", "--force", cwd=tmp_path)
    assert again.returncode == 0


def test_a_cassette_that_is_being_recorded_is_refused(cassette, tmp_path):
    before = files(tmp_path)
    with held(cassette):
        refused(agentvcr("rekey", "x.avcr", cwd=tmp_path), 2, "cassette-busy")
        refused(agentvcr("rekey", "x.avcr", "-o", "y.avcr", cwd=tmp_path), 2, "cassette-busy")
    assert files(tmp_path) == before


def test_a_link_goes_on_pointing_to_it(cassette, tmp_path):
    real = tmp_path / "real.avcr"
    shutil.move(cassette, real)
    cassette.symlink_to(real)
    assert agentvcr("rekey", "x.avcr", cwd=tmp_path).returncode == 0
    assert cassette.is_symlink()
    assert load_run(real).world != ()


def test_what_cannot_be_done_leaves_everything_as_it_was(cassette, tmp_path):
    (tmp_path / "not.avcr").write_text("something else", encoding="utf-8")
    before = files(tmp_path)
    refused(agentvcr("rekey", "none.avcr", cwd=tmp_path), 3, "cassette-missing")
    refused(agentvcr("rekey", "not.avcr", cwd=tmp_path), 3, "cassette-foreign")
    refused(agentvcr("rekey", "x.avcr", "-o", "x.avcr", cwd=tmp_path), 2, "bad-option")
    refused(agentvcr("rekey", "x.avcr", "--force", cwd=tmp_path), 2, "bad-option")
    refused(agentvcr("rekey", "x.avcr", "-o", "not.avcr/y", cwd=tmp_path), 2, "target-unwritable")
    assert files(tmp_path) == before
    (tmp_path / "agentvcr.toml").write_text("[matching]\nids = ['']\n", encoding="utf-8")
    refused(agentvcr("rekey", "x.avcr", cwd=tmp_path), 2, "bad-option")
    assert cassette.read_bytes() == before["x.avcr"]


def test_a_damaged_cassette_is_refused(cassette, tmp_path):
    data = bytearray(cassette.read_bytes())
    data[len(data) // 2] ^= 1
    cassette.write_bytes(data)
    before = files(tmp_path)
    refused(agentvcr("rekey", "x.avcr", cwd=tmp_path), 3, "cassette-damaged")
    assert files(tmp_path) == before
