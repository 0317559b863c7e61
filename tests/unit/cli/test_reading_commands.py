"""`show`, `ls` and `diff` on cassettes that were written for the test."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from agentvcr.cli.main import app
from agentvcr.errors import CassetteMissingError, NoSuchStepError
from tests.unit.build import chat, run, tool
from tests.unit.recorded import write_journal


def write(path, recorded):
    write_journal(path, recorded)


@pytest.fixture
def cassettes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "cassettes/trip.avcr", run(chat("a"), tool("/x"), stdout=b"hi\n"))
    write(tmp_path / "cassettes/trip.last.avcr", run(chat("a"), tool("/y"), stdout=b"hi\n"))
    return tmp_path / "cassettes"


def called(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_show_draws_the_newest_cassette(cassettes):
    result = called("show")
    assert result.exit_code == 0
    assert result.stdout.startswith("cassettes/trip.avcr\n")
    assert "llm[0]" in result.stdout


@pytest.mark.parametrize("step", ["2", "tool[0]"])
def test_show_draws_one_step_by_number_or_path(cassettes, step):
    assert "GET https://tools.example/x" in called("show", cassettes / "trip.avcr", step).stdout


def test_show_of_a_step_that_is_not_there_is_an_error(cassettes):
    result = called("show", cassettes / "trip.avcr", "9")
    assert isinstance(result.exception, NoSuchStepError)


def test_show_writes_json(cassettes):
    written = json.loads(called("show", "--json").stdout)
    assert [step["id"] for step in written["steps"]] == ["llm[0]", "tool[0]"]
    assert json.loads(called("show", cassettes / "trip.avcr", "1", "--json").stdout)["schema"] == (
        "agentvcr.step/1"
    )


def test_diff_compares_a_recording_with_its_last_replay_and_exits_with_1(cassettes):
    result = called("diff")
    assert result.exit_code == 1
    assert "First divergence: changed 2 tool[0]" in result.stdout


def test_diff_of_equal_runs_exits_with_0(cassettes):
    one = cassettes / "trip.avcr"
    result = called("diff", one, one)
    assert result.exit_code == 0
    assert "The same: 2 same" in result.stdout


def test_diff_with_a_file_that_is_missing_is_an_error(cassettes):
    assert isinstance(called("diff", "nowhere.avcr").exception, CassetteMissingError)


def test_diff_writes_json_and_keeps_its_exit_status(cassettes):
    result = called("diff", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["first"] == 1


def test_ls_lists_every_cassette_also_a_damaged_one(cassettes):
    (cassettes / "other.avcr").write_bytes(b"no cassette at all")
    (cassettes / "notes.txt").write_text("not listed")
    result = called("ls", "--json")
    assert result.exit_code == 0
    rows = {row["name"]: row for row in json.loads(result.stdout)["cassettes"]}
    assert list(rows) == ["other.avcr", "trip.avcr", "trip.last.avcr"]
    assert (rows["other.avcr"]["run"], rows["other.avcr"]["slug"]) == (None, "cassette-foreign")
    assert rows["trip.avcr"]["run"]["totals"]["llm"] == 1
    assert "cassette-foreign" in called("ls", cassettes).stdout


def test_ls_of_a_folder_that_is_missing_is_an_error(cassettes):
    assert isinstance(called("ls", "nowhere").exception, CassetteMissingError)


def test_the_commands_import_nothing_heavy_before_they_run():
    code = (
        "import sys; import agentvcr.cli.show, agentvcr.cli.ls, agentvcr.cli.diff, "
        "agentvcr.cli.console, agentvcr.cli.import_, agentvcr.cli.export; "
        "heavy = ('rich', 'msgspec', 'zstandard', 'pydantic', 'yaml'); "
        "print([m for m in heavy if m in sys.modules])"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert said.stdout.strip() == "[]"


def test_a_stream_that_knows_no_arrows_gets_escapes_and_no_traceback(cassettes, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    said = subprocess.run(
        [sys.executable, "-m", "agentvcr", "show"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert said.returncode == 0, said.stderr
    assert "\\u2192" in said.stdout
