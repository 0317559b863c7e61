"""Where the configuration is looked for, and how it is refused."""

import pytest

from agentvcr.config.loading import load_config
from agentvcr.errors import BadOptionError
from agentvcr.model.rules import Rules, RulesAt

SHARED = '[tool.agentvcr.matching]\nignore = ["body.shared"]\n'
OWN = '[matching]\nignore = ["body.own"]\n'


def write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")


def ignored(folder):
    return load_config(folder).matching.ignore


def test_nothing_is_declared_without_a_file(tmp_path):
    (tmp_path / ".git").mkdir()
    assert load_config(tmp_path).matching == Rules()
    write(tmp_path, pyproject="[project]\ndependencies = ['agentvcr']\n")
    assert load_config(tmp_path).matching == Rules()


def test_the_nearest_file_up_to_the_projects_root_holds(tmp_path):
    write(tmp_path, pyproject=SHARED)
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert ignored(inner) == ("body.shared",)
    write(tmp_path / "a", agentvcr=OWN)
    assert ignored(inner) == ("body.own",)
    assert ignored(tmp_path) == ("body.shared",)


def test_above_the_projects_root_nothing_is_looked_for(tmp_path):
    write(tmp_path, agentvcr=OWN)
    write(tmp_path / "a", pyproject="[project]\n")
    (tmp_path / "b" / ".git").mkdir(parents=True)
    assert ignored(tmp_path / "a") == ignored(tmp_path / "b") == ()


def test_a_file_of_our_own_goes_before_the_one_of_all_tools(tmp_path):
    write(tmp_path, agentvcr=OWN, pyproject=SHARED)
    assert ignored(tmp_path) == ("body.own",)


def test_every_key_is_read(tmp_path):
    text = """
        [matching]
        ignore = ["body.a", "query.b"]
        count = ["header.x-tenant"]
        ids = ["task-"]
        [[matching.at]]
        host = "*.example"
        path = "/v1/*"
        ignore = ["body.c"]
        [[matching.at]]
        ids = ["t_"]
    """
    write(tmp_path, agentvcr=text)
    assert load_config(tmp_path).matching == Rules(
        ignore=("body.a", "query.b"),
        count=("header.x-tenant",),
        ids=("task-",),
        at=(RulesAt(host="*.example", path="/v1/*", ignore=("body.c",)), RulesAt(ids=("t_",))),
    )


@pytest.mark.parametrize(
    ("text", "what", "key", "cure"),
    [
        ("[machting]\n", "machting is no key", "machting", "did you mean matching?"),
        ("[other]\n", "other is no key", "other", "there are: matching"),
        ("[matching]\nignroe = []\n", "matching.ignroe is no key", "matching.ignroe", "ignore?"),
        (
            '[[matching.at]]\nhosts = ""\n',
            "matching.at[0].hosts is no key",
            "matching.at[0].hosts",
            "did you mean host?",
        ),
        ('[matching]\nignore = "body.a"\n', "matching.ignore: ", "matching.ignore", "write it"),
        ("[matching]\nignore = [1]\n", "matching.ignore[0]: ", "matching.ignore[0]", "write it"),
        ("matching = 1\n", "matching: ", "matching", "write it"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place_and_a_cure(text, what, key, cure, tmp_path):
    write(tmp_path, agentvcr=text)
    with pytest.raises(BadOptionError) as caught:
        load_config(tmp_path)
    assert what in caught.value.what
    assert caught.value.where == f"{tmp_path / 'agentvcr.toml'}: {key}"
    assert cure in caught.value.cure
    assert "\n" not in caught.value.what + caught.value.cure


@pytest.mark.parametrize("data", [b"[matching", b"\xff = 1", b"a = 1\na = 2"])
def test_what_is_no_toml_is_told_with_its_file(data, tmp_path):
    (tmp_path / "agentvcr.toml").write_bytes(data)
    with pytest.raises(BadOptionError, match="is no TOML") as caught:
        load_config(tmp_path)
    assert caught.value.where == str(tmp_path / "agentvcr.toml")


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    (tmp_path / "agentvcr.toml").mkdir()
    with pytest.raises(BadOptionError, match="cannot read"):
        load_config(tmp_path)


def test_a_folder_above_that_is_closed_to_us_holds_nothing(tmp_path, monkeypatch):
    def closed(path):
        if path.parent == tmp_path.parent:
            raise PermissionError(13, "Permission denied")
        return False

    monkeypatch.setattr("pathlib.Path.exists", closed)
    assert load_config(tmp_path).matching == Rules()


def test_a_file_of_all_tools_is_not_ours_to_correct(tmp_path):
    write(tmp_path, pyproject="this is no TOML")
    assert load_config(tmp_path).matching == Rules()
    write(tmp_path, pyproject=SHARED + "this is no TOML")
    with pytest.raises(BadOptionError, match="is no TOML"):
        load_config(tmp_path)


def test_a_place_in_the_file_of_all_tools_has_its_whole_name(tmp_path):
    write(tmp_path, pyproject="[tool.agentvcr]\nx = 1\n")
    with pytest.raises(BadOptionError) as caught:
        load_config(tmp_path)
    assert caught.value.where.endswith("pyproject.toml: tool.agentvcr.x")
