"""Where modules have bound a function is found, also by a second look that looks less."""

import sys
import types

import pytest

from agentvcr.inside.bindings import Wanted, bound

WANTED = [lambda: 1]  # in a list: this module is one of those that are looked through


@pytest.fixture
def module(request, monkeypatch):
    """A module, of a library or of the program itself, as `sys.modules` has it."""
    made = types.ModuleType("made_for_a_test")
    if request.param == "program":
        made.__file__ = "/home/someone/project/made_for_a_test.py"
    monkeypatch.setitem(sys.modules, made.__name__, made)
    return made


def names(wanted=None, **options):
    return [name for _, name in bound(Wanted(wanted or WANTED, ()), **options)]


@pytest.mark.parametrize("module", ["library", "program"], indirect=True)
def test_a_name_is_found_that_was_added_after_the_first_look(module):
    assert names() == []
    module.mine = WANTED[0]
    assert names() == ["mine"]
    assert names() == ["mine"]


@pytest.mark.parametrize("module", ["library", "program"], indirect=True)
def test_a_name_is_found_that_took_the_place_of_another(module):
    module.mine = None
    assert names() == []
    module.mine = WANTED[0]
    assert names() == ["mine"]


@pytest.mark.parametrize("module", ["library"], indirect=True)
def test_a_name_is_not_given_that_is_bound_to_something_else_by_now(module):
    module.mine = WANTED[0]
    assert names() == ["mine"]
    module.mine = 1
    assert names() == []


@pytest.mark.parametrize("module", ["library"], indirect=True)
def test_a_later_look_is_at_what_has_changed_since(module):
    assert names() == []

    def other():
        return 2

    assert names([other], is_new=True) == []
    module.mine = other
    assert names([other], is_new=True) == []  # an old name of a library's: at the next look
    assert names([other]) == ["mine"]


@pytest.mark.parametrize("module", ["library"], indirect=True)
def test_a_module_that_loads_itself_at_the_first_look_is_not_woken(module, monkeypatch):
    class Lazy(types.ModuleType):
        def __getattribute__(self, name):
            raise AssertionError(name)

    monkeypatch.setitem(sys.modules, "lazy_one", Lazy("lazy_one"))
    module.mine = WANTED[0]
    assert names() == ["mine"]
