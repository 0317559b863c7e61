"""`agentvcr test`: a folder of cassettes, of which each is judged."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import junitparser
import pytest

from agentvcr.demo import story
from tests.support.command_line import agentvcr, python, refused
from tests.support.github_runner import commands
from tests.unit.build import chat, run
from tests.unit.recorded import write_journal

# Of each cassette: the settings that it was recorded with, those of now, and what that comes to.
SAME = ({}, {}, "identical", None)
SCENES = {
    "added": ({}, {"publish": True}, "regression", "added"),
    "ending": ({}, {"status": 3}, "regression", "ending"),
    "missing": (
        {"look_up": ["oak", "elm", "ash"]},
        {"look_up": ["oak", "ash"]},
        "regression",
        "missing",
    ),
    "order": ({"look_up": ["oak", "elm"]}, {"look_up": ["elm", "oak"]}, "regression", "order"),
    "output": ({}, {"says": "ready"}, "benign", "output"),
    "same": SAME,
    "setting": (
        {"messages": ["Trees?"]},
        {"messages": ["Trees?"], "model": "demo-2"},
        "regression",
        "setting",
    ),
    "structure": (
        {"messages": ["Trees?"]},
        {"messages": ["Trees?", "In town?"]},
        "regression",
        "structure",
    ),
    "tool_call": ({"look_up": ["oak"]}, {"look_up": ["elm"]}, "regression", "tool_call"),
    "wording": ({}, {"prompts": ["Name one tree."]}, "benign", "wording"),
}
ALONE = {"damaged": "error", "gone": "error", "imported": "skipped"}
FAILING = [name for name, scene in SCENES.items() if scene[2] == "regression"]


def settle(folder, name, settings):
    (folder / f"{name}.json").write_text(json.dumps(settings))


def record(folder, name, provider):
    command = python("suited.py", f"{name}.json")
    words = ("record", "--force", "-o", f"cassettes/{name}.avcr", "--", *command)
    done = agentvcr(*words, cwd=folder, env={"PROVIDER": provider})
    assert done.returncode == 0, done.stderr.decode()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Record every scene; nobody writes here afterwards."""
    folder = tmp_path_factory.mktemp("suite")
    (folder / "cassettes").mkdir()
    (folder / ".git").mkdir()
    for name, (before, *_) in SCENES.items():
        settle(folder, name, before)
    with story._provider() as provider, ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda name: record(folder, name, provider), SCENES))
    for name, (_, now, *_) in SCENES.items():
        settle(folder, name, now)
    return folder


@pytest.fixture
def project(recorded, tmp_path):
    """Give a function that makes a project of some of the cassettes."""

    def made(*names):
        folder = tmp_path / "project"
        (folder / "cassettes").mkdir(parents=True)
        (folder / ".git").mkdir()
        for name in names:
            shutil.copy(recorded / "cassettes" / f"{name}.avcr", folder / "cassettes")
            shutil.copy(recorded / f"{name}.json", folder)
        return folder

    return made


def add_odd_ones(folder):
    """Add a cassette that is damaged, one of a command that is gone, and one without any."""
    cassettes = folder / "cassettes"
    (cassettes / "damaged.avcr").write_bytes(b"no cassette")
    write_journal(cassettes / "gone.avcr", run(chat("a"), argv=("no-such-command",)))
    write_journal(cassettes / "imported.avcr", run(chat("a"), argv=()))


def reported(folder, name="report.json"):
    return json.loads((folder / name).read_text())


def verdicts(report):
    return {pathlib.Path(case["path"]).stem: case["verdict"] for case in report["cases"]}


def kinds(report):
    return {
        pathlib.Path(case["path"]).stem: case["failure"] and case["failure"]["kind"]
        for case in report["cases"]
    }


def test_each_cassette_is_judged_and_every_report_says_so(project):
    folder = project(*SCENES)
    add_odd_ones(folder)
    page = folder / "page.md"
    page.write_text("before\n")
    on_github = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(page)}
    reports = [
        word for ending in ("json", "xml", "md") for word in ("--report", f"report.{ending}")
    ]
    done = agentvcr("test", "-j", 2, *reports, cwd=folder, env=on_github)
    assert done.returncode == 1, done.stderr.decode()

    report = reported(folder)
    names = [case["name"] for case in report["cases"]]
    assert names == sorted(f"cassettes/{name}.avcr" for name in (*SCENES, *ALONE))
    assert verdicts(report) == {name: scene[2] for name, scene in SCENES.items()} | ALONE
    assert kinds(report) == {name: scene[3] for name, scene in SCENES.items()} | {
        "damaged": "error",
        "gone": "error",
        "imported": None,
    }
    # What differs is kept, under the name that the report gives; nothing else is.
    kept = {path.name for path in (folder / "cassettes").glob("*.last.avcr")}
    assert kept == {
        f"{name}.last.avcr" for name, scene in SCENES.items() if scene[2] != "identical"
    }
    wording = next(case for case in report["cases"] if case["name"] == "cassettes/wording.avcr")
    assert wording["failure"]["compare"] == [
        *("agentvcr", "diff", "cassettes/wording.avcr", "cassettes/wording.last.avcr")
    ]
    assert agentvcr(*wording["failure"]["compare"][1:], cwd=folder).returncode == 1

    found = junitparser.JUnitXml.fromfile(str(folder / "report.xml"))
    assert (found.tests, found.failures, found.errors) == (13, len(FAILING) + 2, 2)
    errors = [one for one in commands(done.stdout.decode()) if one.name == "error"]
    assert len(errors) == 10  # of eleven: GitHub shows no more
    assert errors[0].properties["file"] == "cassettes/added.avcr"
    assert page.read_text().startswith("before\n# agentvcr test: ")
    assert (folder / "report.md").read_text() == page.read_text().removeprefix("before\n")


def test_a_person_reads_what_failed_and_then_a_line_for_each(project):
    folder = project("same", "tool_call")
    done = agentvcr("test", cwd=folder)
    assert done.returncode == 1
    lines = done.stdout.decode().splitlines()
    assert lines[0] == "regression: cassettes/tool_call.avcr"
    assert lines[2] == "  look_up calls a tool otherwise"
    assert "    oak                                  | elm" in lines
    assert [line.split()[:2] for line in lines[-3:-1]] == [
        ["identical", "cassettes/same.avcr"],
        ["regression", "cassettes/tool_call.avcr"],
    ]
    assert lines[-1].startswith("1 regression, 1 identical in ")
    assert done.stderr == b""


def test_shards_have_each_cassette_once_and_make_one_report(project):
    folder = project("same", "tool_call", "wording")
    add_odd_ones(folder)
    parts = []
    for number in (1, 2):
        report = f"{number}.json"
        done = agentvcr("test", "--shard", f"{number}/2", "--report", report, cwd=folder)
        parts.append(reported(folder, report))
        assert done.returncode == int(any(not case["passed"] for case in parts[-1]["cases"]))
    assert all(part["cases"] for part in parts)

    done = agentvcr("test", "--merge", "1.json", "2.json", "--report", "all.json", cwd=folder)
    assert done.returncode == 1
    whole = reported(folder, "all.json")
    names = [case["name"] for part in parts for case in part["cases"]]
    assert [case["name"] for case in whole["cases"]] == sorted(names)
    assert verdicts(whole) == {
        "same": "identical",
        "tool_call": "regression",
        "wording": "benign",
        **ALONE,
    }

    missing = agentvcr("test", "--merge", "2.json", cwd=folder)
    refused(missing, 2, "bad-option")
    assert b"the report of shard 1/2 is missing" in missing.stderr
    twice = agentvcr("test", "--merge", "1.json", "2.json", "1.json", cwd=folder)
    refused(twice, 2, "bad-option")


def test_it_stops_at_the_first_failure_and_names_what_was_not_run(project):
    folder = project("ending", "same", "tool_call")
    done = agentvcr("test", "-x", "-j", 1, "--report", "report.json", cwd=folder)
    assert done.returncode == 1
    assert verdicts(reported(folder)) == {
        "ending": "regression",
        "same": "not_run",
        "tool_call": "not_run",
    }
    assert b"not run     cassettes/same.avcr" in done.stdout


def test_what_fails_is_a_matter_of_configuration(project):
    folder = project("same", "tool_call", "wording")
    policy = '[test]\nbenign = "pass"\ntreat = { tool_call = "benign" }\n'
    (folder / "agentvcr.toml").write_text(policy)
    done = agentvcr("test", "--report", "report.json", cwd=folder)
    assert done.returncode == 0, done.stdout.decode()
    assert verdicts(reported(folder))["tool_call"] == "benign"

    words = ("--treat", "tool_call=ignore", "--benign", "fail", "--regression", "warn")
    done = agentvcr("test", *words, "--report", "report.json", cwd=folder)
    assert done.returncode == 1
    expected = {"same": "identical", "tool_call": "identical", "wording": "benign"}
    assert verdicts(reported(folder)) == expected
    kept = {path.name for path in (folder / "cassettes").glob("*.last.avcr")}
    assert kept == {"wording.last.avcr"}


def test_a_replay_that_may_not_go_on_is_stopped_and_says_why(project):
    folder = project("wording")
    done = agentvcr("test", "--on-miss", "fail", "--report", "report.json", cwd=folder)
    assert done.returncode == 1
    (case,) = reported(folder)["cases"]
    assert (case["verdict"], case["failure"]["kind"]) == ("regression", "stopped")
    assert case["failure"]["where"] == "request.messages[0].content"


def test_a_report_that_cannot_be_written_is_told_and_what_was_found_is_shown(project):
    folder = project("same")
    refused(agentvcr("test", "--report", "report.txt", cwd=folder), 2, "bad-option")
    refused(agentvcr("test", "--report", "no/report.md", cwd=folder), 2, "target-unwritable")
    (folder / "report.md").mkdir()
    done = agentvcr("test", "--report", "report.md", cwd=folder)
    assert done.returncode == 2
    assert done.stdout.startswith(b"identical   cassettes/same.avcr")
    assert b"[target-unwritable]" in done.stderr


def test_where_nothing_can_be_replayed_nothing_passes(tmp_path):
    refused(agentvcr("test", cwd=tmp_path), 3, "cassette-missing")
    (tmp_path / "cassettes").mkdir()
    refused(agentvcr("test", cwd=tmp_path), 3, "cassette-missing")
    write_journal(tmp_path / "cassettes" / "imported.avcr", run(chat("a"), argv=()))
    done = agentvcr("test", cwd=tmp_path)
    assert done.returncode == 3
    assert b"skipped     cassettes/imported.avcr" in done.stdout


def test_a_cassette_from_elsewhere_runs_nothing_unasked(project, tmp_path):
    folder = project("same")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.move(folder / "cassettes" / "same.avcr", elsewhere)
    words = ("test", elsewhere, "--report", "report.json")
    assert agentvcr(*words, cwd=folder).returncode == 1
    (case,) = reported(folder)["cases"]
    assert case["verdict"] == "error"
    assert case["why"].endswith("[untrusted-cassette]")
    assert agentvcr(*words, "--trust", cwd=folder).returncode == 0


# --- replays that hang ----------------------------------------------------------------------------

_LOOK_S = 0.05
_PATIENCE_S = 60


def is_there(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def ended(pids):
    """Wait until processes are gone, as long as that may take."""
    until = time.monotonic() + _PATIENCE_S
    while any(map(is_there, pids)) and time.monotonic() < until:
        time.sleep(_LOOK_S)
    return not any(map(is_there, pids))


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_replay_that_hangs_is_ended_with_all_that_it_started(project):
    folder = project("same")
    settle(folder, "same", {"pids": "pids.json"})
    words = ("test", "--timeout-s", "4", "--report", "report.json")
    done = agentvcr(*words, cwd=folder, env={"MY_API_KEY": "q7Xw2Lm9Rt4Kp8Zs"})
    assert done.returncode == 1
    (case,) = reported(folder)["cases"]
    assert case["verdict"] == "error"
    assert case["why"] == "it took longer than 4 s and was ended"
    if (folder / "pids.json").exists():  # a slow machine may not have come so far
        assert ended(json.loads((folder / "pids.json").read_text()))
        assert "\nmy key is redacted-" in case["failure"]["text"]
    assert "q7Xw2" not in str(case)
    assert b"q7Xw2" not in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_an_interrupted_suite_ends_what_runs_and_reports_what_it_has(project):
    folder = project("same", "wording")
    settle(folder, "wording", {"pids": "pids.json"})
    command = [sys.executable, "-m", "agentvcr", "test", "-j", "1", "--report", "report.json"]
    suite = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, env=dict(os.environ))
    until = time.monotonic() + _PATIENCE_S
    while not (folder / "pids.json").exists() and time.monotonic() < until:
        time.sleep(_LOOK_S)
    suite.send_signal(signal.SIGINT)
    said, _ = suite.communicate(timeout=_PATIENCE_S)
    assert suite.returncode == 130
    assert ended(json.loads((folder / "pids.json").read_text()))
    assert verdicts(reported(folder)) == {"same": "identical", "wording": "not_run"}
    assert b"stopped before its end\n" in said
