"""GitHub's annotations, as its runner reads them."""

from __future__ import annotations

from pathlib import PurePath

from agentvcr.reporters.failure import render_failure
from agentvcr.reporters.github import (
    MOST,
    Folders,
    annotation,
    annotations_of,
    without_commands,
)
from tests.golden.make_failures import FAILURES
from tests.support.github_runner import Command, commands
from tests.unit.reporters.reported import EVIL, evil_failure, failing, report


def read(lines):
    return commands("\n".join(lines))


def test_what_failed_is_an_error_and_what_only_differs_a_warning():
    found = read(annotations_of(report().cases))
    told = [(one.name, one.properties["title"], one.properties["file"]) for one in found]
    assert told == [
        ("error", "regression: called", "cassettes/trip.avcr"),
        ("error", "error: hung", "cassettes/hung.avcr"),
        ("warning", "benign: said", "cassettes/trip.avcr"),
    ]
    assert found[0].data == render_failure(FAILURES["tool_call"])
    assert found[0].properties["line"] == "1"


def test_a_recording_starts_no_command_of_its_own():
    found = read(annotations_of([failing(EVIL, evil_failure())]))
    assert [one.name for one in found] == ["error"]
    assert sorted(found[0].properties) == ["file", "line", "title"]


def test_names_of_files_begin_at_the_root_of_the_repository():
    case = failing("a", FAILURES["tool_call"], verdict="error")
    inner = Folders(root=PurePath("/repo"), here=PurePath("/repo/app"))
    assert "file=app/cassettes/trip.avcr," in next(annotations_of([case], inner))
    outside = Folders(root=PurePath("/elsewhere"), here=PurePath("/repo/app"))
    assert "file=cassettes/trip.avcr," in next(annotations_of([case], outside))


def test_of_very_many_the_last_annotation_names_the_rest():
    cases = [failing(f"c{n}", FAILURES["tool_call"]) for n in range(200)]
    found = read(annotations_of(cases))
    assert len(found) == MOST
    assert found[-1].properties == {"title": "and 191 more cassettes"}
    assert found[-1].data.startswith("regression: c9\nregression: c10\n")
    assert found[-1].data.endswith("\nand 151 more")
    assert len(read(annotations_of(cases[:MOST]))) == MOST


def test_a_message_is_cut_where_the_runner_would():
    found = read([annotation("error", "x" * 5_000, title="t" * 300)])[0]
    assert (len(found.data), len(found.properties["title"])) == (4_000, 250)


def test_between_the_two_lines_nothing_is_a_command():
    text = "fine\n  ::error::x\n##[error]y\n::stop::\n"
    lines = list(without_commands(text, "a1b2"))
    assert read(lines) == []
    assert read([*lines, "::error::mine"]) == [Command("error", {}, "mine")]
    assert len(commands(text)) == 2  # it would be, without them
