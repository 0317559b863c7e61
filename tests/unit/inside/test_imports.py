"""Hooks on imports: called once, out of sight, and never the program's trouble."""

import sys

import pytest
from _pytest.assertion.rewrite import AssertionRewriter

import agentvcr
from agentvcr.inside import imports


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "hooked_module.py").write_text("value = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "hooked_module"
    sys.modules.pop("hooked_module", None)
    imports.forget()


def test_a_hook_is_called_with_the_module_when_it_is_imported(module):
    seen = []
    imports.when_imported(module, seen.append)
    imports.when_imported(module, seen.append)
    assert seen == []
    found = __import__(module)
    assert seen == [found, found]
    assert type(found.__loader__).__module__ != "agentvcr.inside.imports"


def test_a_hook_of_a_module_that_is_there_is_called_at_once():
    seen = []
    imports.when_imported("sys", seen.append)
    assert seen == [sys]


def test_a_hook_that_fails_is_told_of_and_the_import_goes_on(module, monkeypatch):
    told = []
    monkeypatch.setattr(imports, "on_failure", [lambda name, error: told.append((name, error))])
    mistake = RuntimeError("ours")

    def fail(_module):
        raise mistake

    imports.when_imported(module, fail)
    assert __import__(module).value == 1
    assert told == [(module, mistake)]


def test_what_stands_around_an_import_is_there_while_the_module_is_executed(module, tmp_path):
    class Around:
        def __enter__(self):
            sys.standing = True

        def __exit__(self, *_):
            del sys.standing

    (tmp_path / "hooked_module.py").write_text("import sys\nstanding = sys.standing\n")
    imports.while_imported(module, Around())
    imports.when_imported(module, lambda _: seen.append(hasattr(sys, "standing")))
    seen = []
    assert __import__(module).standing
    assert seen == [False]


def test_a_recorded_pytest_does_not_warn_that_we_are_imported_already():
    assert AssertionRewriter.is_rewrite_disabled(agentvcr.__doc__)
