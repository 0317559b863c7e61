"""The time zone of a run: found on the machine that records, set on the one that replays."""

import os
import shutil
from pathlib import Path

import pytest

from agentvcr.channel import zone
from agentvcr.channel.zone import variable_for, zone_here
from agentvcr.model.chance import Zone

BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"
KNOWN = Path("/usr/share/zoneinfo/Europe/Berlin")


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Say where this machine keeps its zone: a link, a copy, a name, or nowhere."""
    monkeypatch.setattr(zone, "_LINK", tmp_path / "localtime")
    monkeypatch.setattr(zone, "_NAMED", tmp_path / "timezone")
    return tmp_path


def of_berlin(**other):
    return Zone(**{"variable": None, "name": "Europe/Berlin", "rule": BERLIN, **other})


def test_a_link_names_the_zone(machine):
    (machine / "localtime").symlink_to(KNOWN)
    assert zone_here({}) == of_berlin()


def test_a_copy_has_the_name_that_stands_beside_it(machine):
    shutil.copy(KNOWN, machine / "localtime")
    (machine / "timezone").write_text("Europe/Berlin\n")
    assert zone_here({}) == of_berlin()


def test_a_copy_without_a_name_is_known_by_its_rule(machine):
    shutil.copy(KNOWN, machine / "localtime")
    assert zone_here({}) == of_berlin(name="")
    assert variable_for(of_berlin(name=""), {}) is None
    assert variable_for(of_berlin(name=""), {"TZ": "UTC"}) == BERLIN


def test_a_machine_without_a_zone_has_utc(machine):
    assert zone_here({}) == Zone(variable=None, name="", rule="UTC0")


@pytest.mark.parametrize("content", [b"", b"TZif", b"TZif2" + b"x" * 50, b"no zone\n"])
def test_a_file_that_is_none_gives_no_rule(machine, content):
    (machine / "localtime").write_bytes(content)
    assert zone_here({}) == Zone(variable=None, name="", rule="")


def test_what_the_user_set_is_set_again(machine):
    found = zone_here({"TZ": ":Europe/Berlin"})
    assert found == of_berlin(variable=":Europe/Berlin")
    assert variable_for(found, {}) == ":Europe/Berlin"
    assert variable_for(found, {"TZ": "Asia/Tokyo"}) == ":Europe/Berlin"


def test_a_machine_in_the_recorded_zone_is_left_alone(machine):
    (machine / "localtime").symlink_to(KNOWN)
    assert variable_for(of_berlin(), {}) is None
    assert variable_for(of_berlin(), {"TZ": "Asia/Tokyo"}) == "Europe/Berlin"


def test_a_zone_that_this_machine_does_not_know_is_set_by_its_rule(machine):
    assert variable_for(of_berlin(name="Europe/Atlantis"), {}) == BERLIN
    assert variable_for(of_berlin(name="Europe/Atlantis", rule=""), {}) == "Europe/Atlantis"
    rule = "EST5EDT,M3.2.0,M11.1.0"
    assert variable_for(zone_here({"TZ": rule}), dict(os.environ)) == rule
