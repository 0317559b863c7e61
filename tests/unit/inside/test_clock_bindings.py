"""Modules that bind the clock by names of their own while a session is in force."""

import sys
import time
import types

import pytest

from agentvcr.inside import clock, lanes, real


class Engine:
    """Takes what is told, and forgets it."""

    def world(self, kind, lane, data):
        pass

    def failed(self, error):
        raise error


@pytest.fixture
def begin():
    """Begin sessions, each after the end of the one before."""
    tokens = []

    def end():
        if tokens:
            clock.uninstall()
            lanes.leave(tokens.pop())

    def begin():
        end()
        tokens.append(lanes.start("main"))
        clock.install(Engine(), replaying=False)

    yield begin
    end()


def module(monkeypatch, name, *, is_library):
    made = types.ModuleType(name)
    if not is_library:
        made.__file__ = f"/home/someone/project/{name}.py"
    monkeypatch.setitem(sys.modules, name, made)
    return made


def test_the_program_and_what_is_imported_have_the_real_clock_again(begin, monkeypatch):
    known = module(monkeypatch, "known_before", is_library=False)
    begin()
    known.late = time.time
    came = module(monkeypatch, "came_meanwhile", is_library=True)
    came.late = time.time
    clock.uninstall()
    assert came.late is known.late is real.time


def test_a_library_that_binds_ours_late_has_its_own_again_after_the_next_session(
    begin, monkeypatch
):
    known = module(monkeypatch, "known_before", is_library=True)
    begin()
    known.late = time.time
    clock.uninstall()
    assert abs(known.late() - real.time()) < 60  # ours, which gives the real time
    begin()
    assert known.late is time.time
    clock.uninstall()
    assert known.late is real.time


def test_a_function_that_somebody_else_has_replaced_is_put_back_as_it_was(begin, monkeypatch):
    begin()
    clock.uninstall()

    def other():
        return 1.0

    monkeypatch.setattr(time, "time", other)
    begin()
    assert time.time is not other
    clock.uninstall()
    assert time.time is other
