"""What `init` writes, and what it leaves to its owner."""

import pytest
import yaml

from agentvcr.errors import GitRefusedError
from agentvcr.session.project.setting_up import set_up
from tests.support.repository import apart, made

OUR_LINE = b"*.avcr binary diff=avcr merge=avcr"
WORKFLOW = ".github/workflows/agentvcr.yml"
CONFIG = ".pre-commit-config.yaml"


@pytest.fixture
def repository(tmp_path, monkeypatch):
    apart(monkeypatch, tmp_path)
    return made(tmp_path / "project")


def told(result):
    return {item.name: item.action for item in result.items}


def noted(result, name):
    (item,) = [item for item in result.items if item.name == name]
    return item


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"* text=auto\n", b"* text=auto\n%s\n"),
        (b"* text=auto", b"* text=auto\n%s\n"),
        (b"* text=auto\r\n*.png binary\r\n", b"* text=auto\r\n*.png binary\r\n%s\r\n"),
        (b"# \xff\n*.avcr binary diff=avcr\n", b"# \xff\n*.avcr binary diff=avcr\n%s\n"),
        (b"*.avcr  binary diff=avcr\tmerge=avcr \n* x", None),
    ],
)
def test_a_file_that_is_there_stays_byte_for_byte_but_for_the_lines_it_gets(
    repository, before, after
):
    path = repository.folder / ".gitattributes"
    path.write_bytes(before)
    path.chmod(0o640)
    result = set_up(repository.folder)
    assert path.read_bytes() == (before if after is None else after % OUR_LINE)
    assert told(result)[".gitattributes"] == ("keep" if after is None else "add to")
    assert path.stat().st_mode & 0o777 == 0o640


def test_lines_that_are_ignored_already_are_not_added_again(repository):
    path = repository.folder / ".gitignore"
    path.write_text("/dist\n*.last.avcr\n")
    set_up(repository.folder)
    added = path.read_text().removeprefix("/dist\n*.last.avcr\n").splitlines()
    assert added[:2] == [added[0], "*.fork.avcr"]
    assert added[0].startswith("# AgentVCR")
    assert "*.last.avcr" not in added


def test_a_setting_of_the_users_own_is_kept_and_told(repository):
    repository.ok("config", "diff.avcr.textconv", "uvx agentvcr show --text")
    item = noted(set_up(repository.folder), "diff.avcr.textconv")
    assert item.action == "keep"
    assert "is set to 'uvx agentvcr show --text'" in item.note
    assert repository.set("diff.avcr.textconv") == "uvx agentvcr show --text"


def test_what_git_refuses_is_told_and_a_second_time_goes_on(repository):
    lock = repository.folder / ".git" / "config.lock"
    lock.touch()
    with pytest.raises(GitRefusedError, match=r"did not set diff\.avcr\.textconv: .*lock"):
        set_up(repository.folder)
    lock.unlink()
    assert told(set_up(repository.folder))["diff.avcr.textconv"] == "set"


def test_a_folder_within_a_repository_gets_its_own_files(repository):
    folder = repository.folder / "agents"
    folder.mkdir()
    result = set_up(folder, github=True)
    assert (folder / ".gitattributes").exists()
    assert not (repository.folder / ".gitattributes").exists()
    assert "diff: avcr" in repository.ok("check-attr", "diff", "agents/x.avcr")
    item = noted(result, WORKFLOW)
    assert (item.action, str(repository.folder) in item.note) == ("leave out", True)


# --- the workflow ---------------------------------------------------------------------------------


def test_a_project_at_github_gets_a_workflow_the_first_time_and_no_other_does(repository):
    assert WORKFLOW not in told(set_up(repository.folder, only_tell=True))
    repository.ok("remote", "add", "origin", "git@github.com:somebody/project.git")
    assert WORKFLOW not in told(set_up(repository.folder, github=False, only_tell=True))
    assert told(set_up(repository.folder))[WORKFLOW] == "write"
    (repository.folder / WORKFLOW).write_text("theirs\n")
    assert told(set_up(repository.folder, github=True))[WORKFLOW] == "keep"
    assert (repository.folder / WORKFLOW).read_text() == "theirs\n"


def test_a_workflow_that_was_removed_comes_again_only_when_asked_for(repository):
    (repository.folder / ".github").mkdir()
    set_up(repository.folder)
    (repository.folder / WORKFLOW).unlink()
    assert WORKFLOW not in told(set_up(repository.folder))
    assert told(set_up(repository.folder, github=True))[WORKFLOW] == "write"


@pytest.mark.parametrize(
    ("pyproject", "installs"),
    [
        ("[tool.ruff]\n", []),
        ("not [ TOML", []),
        ("[project]\nname = 'x'\n", ["python -m pip install -e ."]),
        (
            "[project.optional-dependencies]\ntest = []\nweb = []\ndev = []\n",
            ["python -m pip install -e '.[test,dev]'"],
        ),
    ],
)
def test_a_workflow_installs_the_project_as_it_declares_itself(repository, pyproject, installs):
    (repository.folder / "pyproject.toml").write_text(pyproject)
    set_up(repository.folder, github=True)
    workflow = yaml.safe_load((repository.folder / WORKFLOW).read_text())
    install = workflow["jobs"]["replay"]["steps"][2]["run"]
    assert install.splitlines() == [*installs, "python -m pip install agentvcr"]


# --- hooks ----------------------------------------------------------------------------------------


def test_pre_commit_gets_a_hook_the_first_time_and_later_only_when_asked_for(repository):
    config = repository.folder / CONFIG
    before = "# ours\nrepos:\n  - repo: meta\n    hooks: [{id: identity}]  # inline\n"
    config.write_text(before)
    assert told(set_up(repository.folder))[CONFIG] == "add to"
    assert config.read_text().startswith(before)
    hook = yaml.safe_load(config.read_text())["repos"][1]["hooks"][0]
    assert (hook["entry"], hook["files"]) == ("agentvcr verify", r"\.avcr$")
    assert told(set_up(repository.folder, hook=True))[CONFIG] == "keep"
    config.write_text(before)
    assert CONFIG not in told(set_up(repository.folder))
    assert told(set_up(repository.folder, hook=True))[CONFIG] == "add to"
    assert not (repository.folder / ".git/hooks/pre-commit").exists()


def test_a_configuration_that_cannot_be_added_to_is_left_and_the_lines_are_shown(repository):
    config = repository.folder / CONFIG
    config.write_text("repos: []\n")
    item = noted(set_up(repository.folder), CONFIG)
    assert item.action == "leave out"
    assert yaml.safe_load(item.to_add)[0]["hooks"][0]["entry"] == "agentvcr verify"
    assert config.read_text() == "repos: []\n"


def test_a_hook_that_is_there_is_left_and_the_lines_are_shown(repository):
    hook = repository.folder / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nmake lint\n")
    item = noted(set_up(repository.folder, hook=True), ".git/hooks/pre-commit")
    assert item.action == "leave out"
    assert "agentvcr verify" in item.to_add
    assert not item.to_add.startswith("#!")
    hook.write_text(hook.read_text() + item.to_add)
    assert told(set_up(repository.folder, hook=True))[".git/hooks/pre-commit"] == "keep"


def test_a_hook_goes_where_git_looks_for_it_unless_others_look_there_too(repository, tmp_path):
    repository.ok("config", "core.hooksPath", "tools/hooks")
    result = set_up(repository.folder, hook=True)
    assert told(result)["tools/hooks/pre-commit"] == "write"
    assert (repository.folder / "tools/hooks/pre-commit").stat().st_mode & 0o111
    assert result.lacks_files
    shared = tmp_path / "everybody's"
    repository.ok("config", "core.hooksPath", str(shared))
    item = noted(set_up(repository.folder, hook=True), str(shared / "pre-commit"))
    assert item.action == "leave out"
    assert not shared.exists()
