"""Runs are read, and snapshots are kept and compared, for whoever writes tests."""

import pytest

import agentvcr
from agentvcr.assertions import CheckedRun, ExpectationFailed
from agentvcr.errors import CassetteMissingError, TargetUnwritableError
from tests.unit.build import chat
from tests.unit.build import run as built

ONE = "# agentvcr steps 1\nllm gpt-4o-mini -> text\n"


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def told(run, path, **options):
    with pytest.raises(ExpectationFailed) as failed:
        agentvcr.assert_snapshot(run, path, **options)
    return str(failed.value)


def test_a_snapshot_is_written_when_that_is_asked_for_and_compared_from_then_on(tmp_path):
    run, place = built(chat("Why?")), tmp_path / "kept" / "one.steps.txt"
    assert (
        told(run, place)
        == """\
expected a snapshot in kept/one.steps.txt, found none
  in the run trip.avcr
  to make it: assert_snapshot(…, update=True)"""
    )
    assert not place.parent.exists()
    agentvcr.assert_snapshot(run, place, update=True)
    assert place.read_bytes() == ONE.encode()
    written = place.stat().st_ino
    agentvcr.assert_snapshot(run, place, update=True)
    assert place.stat().st_ino == written
    agentvcr.assert_snapshot(run, place)
    place.write_bytes(ONE.replace("\n", "\r\n").encode())  # as git may check it out
    agentvcr.assert_snapshot(run, place)
    assert [one.name for one in place.parent.iterdir()] == ["one.steps.txt"]


def test_other_steps_are_told_with_what_to_do():
    agentvcr.assert_snapshot(built(chat("a"), chat("b"), chat("c")), "a.steps.txt", update=True)
    assert (
        told(built(chat("a"), chat("b")), "a.steps.txt", how="pytest --agentvcr-update x::y")
        == """\
expected the steps of a.steps.txt, found others
  in the run trip.avcr
  - kept, + found:
    @@ -2,3 +2,2 @@
     llm gpt-4o-mini -> text
     llm gpt-4o-mini -> text
    -llm gpt-4o-mini -> text
  if that is meant: pytest --agentvcr-update x::y"""
    )


def test_a_snapshot_of_another_form_is_told_as_such():
    run = built(chat("a", "Because."))
    agentvcr.assert_snapshot(run, "a.steps.txt", update=True)
    assert told(run, "a.steps.txt", wording=True).startswith(
        "expected a snapshot that begins with # agentvcr steps 1, with wording, found\n"
        "  another in a.steps.txt\n"
    )
    agentvcr.assert_snapshot(run, "a.steps.txt", update=True, wording=True)
    agentvcr.assert_snapshot(run, "a.steps.txt", wording=True)


def test_a_place_that_cannot_be_written_is_an_error_in_our_words(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(TargetUnwritableError):
        agentvcr.assert_snapshot(built(), tmp_path / "file" / "a.steps.txt", update=True)


def test_a_file_that_is_no_text_is_another_snapshot(tmp_path):
    (tmp_path / "a.steps.txt").write_bytes(b"\xff\x00\x1b[2J")
    assert "\\x1b[2J" in told(built(), "a.steps.txt")


def test_a_run_is_loaded_with_its_assertions():
    with agentvcr.record("a.avcr") as session, agentvcr.step("plan"):
        pass
    run = agentvcr.load("a.avcr")
    assert isinstance(run, CheckedRun)
    assert run == session.run
    assert run.step("plan").kind == "agent"
    with pytest.raises(CassetteMissingError):
        agentvcr.load("b.avcr")
