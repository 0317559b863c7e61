"""`agentvcr init` as a user runs it, in repositories of git."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support.command_line import agentvcr, files, lines, refused
from tests.support.repository import apart, made
from tests.unit.build import chat, run
from tests.unit.recorded import write_journal

ROOT = Path(__file__).parents[2]
SETTINGS = [
    "diff.avcr.textconv",
    "diff.avcr.cachetextconv",
    "merge.avcr.name",
    "merge.avcr.driver",
    "merge.avcr.recursive",
]


@pytest.fixture
def repository(tmp_path, monkeypatch):
    apart(monkeypatch, tmp_path)
    return made(tmp_path / "project")


def everything(folder):
    """All files of a project and of its git, but for what git writes at each look."""
    found = [path for path in folder.rglob("*") if path.is_file() and path.name != "index"]
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in found}


def test_a_project_is_set_up_once_and_then_is_as_it_is(repository):
    told = agentvcr("init", "--check", cwd=repository.folder)
    assert told.returncode == 1
    assert lines(told)[0] == "would write .gitattributes"
    assert set(files_of(repository)) == {".git"}

    done = agentvcr("init", cwd=repository.folder)
    assert done.returncode == 0
    assert lines(done) == [
        "wrote .gitattributes",
        "wrote .gitignore",
        *(f"set {name}" for name in SETTINGS),
        "commit the files",
        "git takes no settings over: agentvcr init is for each other clone too, once",
    ]
    assert repository.set("diff.avcr.textconv") == "agentvcr show --text"
    assert repository.set("merge.avcr.driver") == "agentvcr merge-cassette %O %A %B %P"
    told = repository.ok("check-attr", "-a", "cassettes/a b.avcr").splitlines()
    attributes = dict(line.split(": ")[1:] for line in told)
    assert attributes.items() >= {"text": "unset", "diff": "avcr", "merge": "avcr"}.items()

    before = everything(repository.folder)
    again = agentvcr("init", "--check", cwd=repository.folder)
    assert again.returncode == 0
    again = agentvcr("init", cwd=repository.folder)
    assert again.returncode == 0
    assert [line.partition(" ")[0] for line in lines(again)[:-1]] == ["kept"] * 7
    assert lines(again)[-1] == "nothing was changed"
    assert everything(repository.folder) == before


def files_of(repository):
    return [path.name for path in repository.folder.iterdir()]


def test_what_the_program_leaves_is_ignored_and_a_cassette_is_not(repository):
    agentvcr("init", cwd=repository.folder)
    repository.commit()
    folder = repository.folder / "cassettes"
    folder.mkdir()
    left = ["a.last.avcr", "a.fork.avcr", "a.31.part.avcr", "a.avcr.sealing", "a.avcr.orig"]
    for name in ["a.avcr", *left, ".a.avcr.01ab.writing"]:
        (folder / name).touch()
    assert repository.ok("status", "--short", "-uall") == "?? cassettes/a.avcr\n"


def test_without_git_the_files_are_written_and_the_rest_is_told(tmp_path, monkeypatch):
    apart(monkeypatch, tmp_path)
    done = agentvcr("init", "--hook", cwd=tmp_path)
    assert done.returncode == 0
    assert set(files(tmp_path)) == {".gitattributes", ".gitignore"}
    left_out = [line for line in lines(done) if line.startswith("left out")]
    assert left_out[0].startswith("left out the settings of git: not a git repository")
    assert left_out[1] == "left out .git/hooks/pre-commit: there is no git here"


def test_a_place_that_cannot_be_written_is_told_before_anything_is_done(repository):
    (repository.folder / ".gitignore").mkdir()
    refused(agentvcr("init", cwd=repository.folder), 2, "target-unwritable")
    assert set(files_of(repository)) == {".git", ".gitignore"}
    refused(agentvcr("init", "nowhere", cwd=repository.folder), 2, "bad-option")


def test_a_hook_keeps_a_damaged_cassette_out_of_a_commit(repository):
    done = agentvcr("init", "--hook", cwd=repository.folder)
    assert "wrote .git/hooks/pre-commit" in lines(done)
    repository.commit("no cassette in it")
    broken = repository.folder / "-two.avcr"
    for path in (repository.folder / "cassettes" / "one two.avcr", broken):
        write_journal(path, run(chat("Trees?")))
    repository.commit("two that are whole")
    broken.write_bytes(broken.read_bytes()[:-3])
    repository.ok("add", "-A")
    refused_by_hook = repository.git("commit", "-m", "damage")
    assert refused_by_hook.returncode != 0
    assert "-two.avcr: DAMAGED" in refused_by_hook.stdout + refused_by_hook.stderr
    repository.ok("rm", "-qf", "--", "-two.avcr")
    repository.commit("none is left to verify")


SAMPLE = """
import os
import pytest

@pytest.mark.agentvcr
def test_nothing_is_asked():
    assert os.environ["CI"]
"""


def test_the_steps_of_the_workflow_run_as_they_are_written(repository):
    (repository.folder / ".github").mkdir()
    (repository.folder / "test_sample.py").write_text(SAMPLE)
    (repository.folder / "requirements.txt").touch()
    done = agentvcr("init", cwd=repository.folder)
    assert "wrote .github/workflows/agentvcr.yml" in lines(done)
    text = (repository.folder / ".github/workflows/agentvcr.yml").read_text()
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    assert set(workflow[True]) == {"push", "pull_request"}  # YAML 1.1 reads `on` so
    (job,) = workflow["jobs"].values()
    assert [step["uses"] for step in job["steps"] if "uses" in step] == [
        "actions/checkout@v6",
        "actions/setup-python@v6",
        "actions/upload-artifact@v6",
    ]
    install, test, replay = [step["run"] for step in job["steps"] if "run" in step]
    assert install.splitlines() == [
        "python -m pip install -r requirements.txt",
        "python -m pip install agentvcr",
    ]
    assert runs(test, repository) == 0
    assert (repository.folder / "pytest-junit.xml").exists()
    recorded = agentvcr(
        "record", "-o", "cassettes/x.avcr", "--", "python", "-c", "0", cwd=repository.folder
    )
    assert recorded.returncode == 0
    assert runs(replay, repository) == 0
    assert (repository.folder / "agentvcr-junit.xml").exists()
    assert "1 identical" in (repository.folder / "summary").read_text()


def runs(step, repository):
    """Run a step as GitHub does; gives its status."""
    summary = str(repository.folder / "summary")
    github = {"CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": summary}
    env = {**os.environ, **github}
    (repository.folder / "summary").touch()
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step]
    return subprocess.run(
        command, cwd=repository.folder, env=env, check=False, stdout=subprocess.DEVNULL, timeout=120
    ).returncode


def test_the_hook_that_pre_commit_finds_in_our_repository_is_ours():
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert (hook["id"], hook["entry"], hook["language"]) == (
        "agentvcr-verify",
        "agentvcr verify",
        "python",
    )
    assert hook["files"] == r"\.avcr$"
