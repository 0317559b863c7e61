"""A hook's replacements are made once for blocks after one another, and anew where that is due."""

import sys
import types

import pytest

from agentvcr.inside import imports, lanes
from agentvcr.inside.hooking import hook_all


@pytest.fixture
def module(monkeypatch):
    made = types.ModuleType("made_for_a_test")
    made.original = made.there = lambda: "original"
    monkeypatch.setitem(sys.modules, made.__name__, made)
    yield made
    lanes.uninstall()
    imports.forget()


class Hook:
    """Replaces a function, and adds one that was not there."""

    def __init__(self):
        self.calls = 0

    def __call__(self, module):
        self.calls += 1
        lanes.replace(module, "there", lambda: "ours")
        lanes.replace(module, "added", lambda: "ours")


def test_a_block_after_another_has_the_same_in_place_and_nothing_is_left(module):
    hook = Hook()
    for _ in range(3):
        hook_all({module.__name__: hook})
        assert (module.there(), module.added()) == ("ours", "ours")
        lanes.uninstall()
        assert module.there is module.original
        assert not hasattr(module, "added")
    assert hook.calls == 1


@pytest.mark.parametrize("name", ["there", "added"])
def test_where_the_program_has_put_something_else_it_is_made_anew(module, name):
    hook = Hook()
    hook_all({module.__name__: hook})
    lanes.uninstall()

    def other():
        return "another"

    setattr(module, name, other)
    hook_all({module.__name__: hook})
    assert hook.calls == 2
    lanes.uninstall()
    assert getattr(module, name) is other


def test_a_module_that_was_imported_again_is_hooked_again(module, monkeypatch):
    hook = Hook()
    hook_all({module.__name__: hook})
    lanes.uninstall()
    again = types.ModuleType(module.__name__)
    again.there = lambda: "original"
    monkeypatch.setitem(sys.modules, module.__name__, again)
    hook_all({module.__name__: hook})
    assert again.there() == "ours"
    assert hook.calls == 2
    lanes.uninstall()
    assert again.there() == "original"
