"""A child inherits the session, whatever the program does with its environment."""

import os
from types import SimpleNamespace

import pytest

from agentvcr.inside import children, lanes

OURS = "/ours/path"


@pytest.fixture(autouse=True)
def _session(monkeypatch):
    monkeypatch.setattr(children, "_ours", {"AGENTVCR_MODE": "record", "PYTHONPATH": OURS})
    token = lanes.start("main")
    yield
    lanes.leave(token)


def test_the_child_s_environment_is_a_copy_with_ours_in_it():
    given = {"A": "1"}
    env = children.environment_for(given, "main/proc0")
    assert given == {"A": "1"}
    assert env == {
        "A": "1",
        "AGENTVCR_MODE": "record",
        "AGENTVCR_LANE": "main/proc0",
        "AGENTVCR_STEP": "",
        "PYTHONPATH": OURS,
    }


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", OURS),
        ("/app", f"{OURS}:/app"),
        (OURS, OURS),
        (f"/app:{OURS}:/b", f"{OURS}:/app:/b"),
        (f"{OURS}:", f"{OURS}:"),
    ],
)
def test_our_folder_comes_first_and_the_others_stay(given, expected):
    assert children.environment_for({"PYTHONPATH": given}, "x")["PYTHONPATH"] == expected
    as_bytes = children.environment_for({b"PYTHONPATH": given.encode()}, "x")
    assert as_bytes[b"PYTHONPATH"] == expected.encode()


def test_a_program_that_puts_another_mapping_there_changes_nothing_for_its_children(monkeypatch):
    monkeypatch.setenv("KEPT", "yes")
    monkeypatch.setattr(os, "environ", {"OTHER": "x"})
    env = children.environment_for(None, "x")
    assert env["KEPT"] == "yes"
    assert "OTHER" not in env


def test_one_start_has_one_lane_under_whatever_names():
    with children.Starting("main/worker0"):
        assert children.lane_for_child() == children.lane_for_child() == "main/worker0"
        with children.Starting("inner"):
            assert children.being_started() == "inner"
        assert children.being_started() == "main/worker0"
    assert children.being_started() == ""
    assert children.lane_for_child() == "main/proc0"


def test_a_shell_is_told_and_this_process_keeps_its_environment(monkeypatch):
    said = []
    entry = SimpleNamespace(tell=lambda *_: None)
    system = children._system(said.append, entry)
    monkeypatch.setenv("PYTHONPATH", "/it's")
    before = dict(os.environ)
    system("echo a")
    system(b"true \xff")
    assert os.environ == before
    assert b"export " in said[0]
    assert said[0].endswith(b"; echo a")
    assert b"PYTHONPATH='/ours/path:/it'\\''s'" in said[0]
    assert b"AGENTVCR_LANE='main/proc0'" in said[0]
    assert said[1].endswith(b"; true \xff")


def test_what_takes_the_place_of_this_process_is_lent_our_variables(monkeypatch):
    lent = {}
    monkeypatch.setattr(os, "putenv", lent.__setitem__)
    monkeypatch.setattr(os, "unsetenv", lent.__delitem__)
    monkeypatch.delenv("AGENTVCR_LANE", raising=False)

    def refused(_path, _argv):
        assert lent["AGENTVCR_LANE"] == "main"
        raise FileNotFoundError(2, "No such file or directory")

    entry = SimpleNamespace(tell=lambda *_: None)
    with pytest.raises(FileNotFoundError, match=r"^\[Errno 2\] No such file or directory$"):
        children._execv(refused, entry)("/nowhere", ["x"])
    assert "AGENTVCR_LANE" not in lent


@pytest.mark.parametrize(("now", "seen"), [("77", None), ("0", "0"), (None, None)])
def test_a_variable_is_hidden_where_its_value_is_ours(now, seen, monkeypatch):
    ours = {"AGENTVCR_HIDDEN": "PYTHONHASHSEED", "AGENTVCR_DEFAULTS": "PYTHONHASHSEED=77\nTZ=UTC"}
    monkeypatch.setattr(children, "_ours", ours)
    for name, value in (("PYTHONHASHSEED", now), ("TZ", "UTC")):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    children.hide_variables()
    assert (os.environ.get("PYTHONHASHSEED"), os.environ["TZ"]) == (seen, "UTC")
