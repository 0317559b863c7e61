"""Which of the files that are opened a process tells of, and of which modules."""

import json
import os
import sys
import types
from pathlib import Path

import pytest

from agentvcr.inside.exchange import SURROUNDINGS
from agentvcr.inside.surroundings import Surroundings

READ, WRITE = os.O_RDONLY, os.O_WRONLY | os.O_CREAT | os.O_TRUNC


class Told:
    """Keeps what is told."""

    def __init__(self):
        self.parts = []

    def __call__(self, kind, _lane, data):
        assert kind == SURROUNDINGS
        self.parts.append(json.loads(data))

    def all(self, name):
        return [one for part in self.parts for one in part[name]]


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def seen(told, tmp_path):
    found = Surroundings(told, str(tmp_path), "/ours")
    found._bases = (f"{tmp_path}/",)  # not the runner's own script
    found._named.update(sys.modules)
    return found


def opened(seen, *paths, mode="r", flags=READ):
    for path in paths:
        seen.opened((path, mode, flags))
    seen.tell()


def test_files_of_the_project_are_told_once(seen, told, tmp_path):
    opened(seen, f"{tmp_path}/a.md", f"{tmp_path}/sub/b.json", os.fsencode(f"{tmp_path}/c.md"))
    opened(seen, f"{tmp_path}/a.md")
    assert told.all("files") == [f"{tmp_path}/{name}" for name in ("a.md", "sub/b.json", "c.md")]


def test_a_relative_path_is_made_whole_where_it_was_opened(seen, told, tmp_path, monkeypatch):
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    opened(seen, "a.md", "../b.md", "../../elsewhere.md", f"{tmp_path}/sub/../c.md")
    assert told.all("files") == [f"{tmp_path}/{name}" for name in ("sub/a.md", "b.md", "c.md")]


@pytest.mark.parametrize(
    "path",
    [
        "/etc/hosts",
        "{}/../elsewhere.md",
        "{}/.git/HEAD",
        "{}/.venv/lib/x.txt",
        "{}/env/lib/site-packages/x/y.json",
        "{}/a/__pycache__/a.txt",
        "{}/node_modules/x/y.md",
        "{}/module.cpython-311.pyc",
        "{}/x.last.avcr",
        "{}/run.log",
        3,
        None,
    ],
)
def test_what_is_no_input_of_the_program_is_passed_over(seen, told, tmp_path, path):
    opened(seen, path.format(tmp_path) if isinstance(path, str) else path)
    assert told.parts == []


def test_a_hidden_file_is_one_and_a_hidden_folder_is_none(seen, told, tmp_path):
    opened(seen, f"{tmp_path}/.env", f"{tmp_path}/.config/x")
    assert told.all("files") == [f"{tmp_path}/.env"]


@pytest.mark.parametrize(
    ("mode", "flags"), [("w", WRITE), ("ab", 0), (None, os.O_RDWR | os.O_CREAT)], ids=str
)
def test_what_was_written_first_is_told_as_written(seen, told, tmp_path, mode, flags):
    seen.opened((f"{tmp_path}/out.md", mode, flags))
    opened(seen, f"{tmp_path}/out.md", f"{tmp_path}/in.md")
    assert told.all("written") == [f"{tmp_path}/out.md"]
    assert told.all("files") == [f"{tmp_path}/in.md"]


def test_what_was_read_first_is_an_input_though_it_is_written_later(seen, told, tmp_path):
    path = f"{tmp_path}/state.json"
    seen.opened((path, "r", READ))
    opened(seen, path, mode="w", flags=WRITE)
    assert told.all("files") == [path]


def test_files_are_counted_apart_and_told_in_parts(seen, told, tmp_path):
    for number in range(3000):
        seen.opened((f"{tmp_path}/out{number}", "w", WRITE))
    opened(seen, *(f"{tmp_path}/in{number}" for number in range(3000)))
    assert len(told.all("files")) == len(set(told.all("files"))) == 2000
    assert len(told.all("written")) == 2000
    assert max(len(part["files"]) for part in told.parts) == 500


def module(name, monkeypatch, path, **more):
    made = types.ModuleType(name)
    if path is not None:
        made.__file__ = path
    for key, value in more.items():
        setattr(made, key, value)
    monkeypatch.setitem(sys.modules, name, made)
    return made


def test_modules_are_the_programs_or_installed_or_nobodys(seen, told, monkeypatch):
    site = "/env/lib/python3/site-packages"
    module("fake_own", monkeypatch, "/somewhere/fake_own.py")
    module("fake_lib", monkeypatch, f"{site}/fake_lib/__init__.py")
    module("fake_lib.part", monkeypatch, f"{site}/fake_lib/part.py")
    module("fake_one", monkeypatch, f"{site}/fake_one.py")
    module("fake_space", monkeypatch, None)
    module("fake_space.inner", monkeypatch, f"{site}/fake_space/inner/__init__.py")
    module("fake_std", monkeypatch, str(Path(os.__file__).with_name("fake_std.py")))
    module("fake_ours", monkeypatch, "/ours/x.py")
    seen.tell()
    assert told.all("sources") == ["/somewhere/fake_own.py"]
    parts = [[site, name] for name in ("fake_lib", "fake_one.py", "fake_space/inner")]
    assert told.all("imports") == parts


def test_a_module_that_loads_itself_at_a_look_is_not_woken(seen, told, monkeypatch):
    class Lazy(types.ModuleType):
        def __getattribute__(self, name):
            raise AssertionError(name)

    lazy = Lazy("fake_lazy")
    types.ModuleType.__getattribute__(lazy, "__dict__")["__file__"] = "/somewhere/lazy.py"
    monkeypatch.setitem(sys.modules, "fake_lazy", lazy)
    monkeypatch.setitem(sys.modules, "fake_none", None)
    monkeypatch.setitem(sys.modules, "fake_number", 7)
    seen.tell()
    assert told.all("sources") == ["/somewhere/lazy.py"]


def test_nothing_is_told_where_nothing_is_new(seen, told, tmp_path):
    opened(seen, f"{tmp_path}/a.md")
    seen.tell()
    seen.tell()
    assert len(told.parts) == 1


def test_an_error_of_ours_is_not_the_programs(seen, tmp_path):
    def breaks(*_):
        raise OSError("ours")

    seen._world = breaks
    opened(seen, f"{tmp_path}/a.md")
    seen.opened(())
    seen.opened((f"{tmp_path}/b.md",))
