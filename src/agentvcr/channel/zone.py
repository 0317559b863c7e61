"""The time zone of this machine, and how another machine's is put in its place.

Owns where a zone is found. Does not keep it (`model.chance`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from agentvcr.model.chance import Zone
from agentvcr.model.text import storable

_LINK: Final = Path("/etc/localtime")
_NAMED: Final = Path("/etc/timezone")
_FOLDERS: Final = (
    Path("/usr/share/zoneinfo"),
    Path("/usr/lib/zoneinfo"),
    Path("/usr/share/lib/zoneinfo"),
    Path("/etc/zoneinfo"),
)
_MARK: Final = "zoneinfo/"
_LARGEST: Final = 65536
_UTC: Final = "UTC0"


def zone_here(environment: Mapping[str, str]) -> Zone | None:
    """Find the zone that a program's local times are in; None where that cannot be set."""
    if not hasattr(time, "tzset"):
        return None
    variable = environment.get("TZ")
    if variable is not None:
        name = variable.removeprefix(":")
        file = _file_of(name)
        rule = _rule_in(file) if file is not None else ""
        return Zone(variable=storable(variable), name=storable(name), rule=rule)
    rule = _rule_in(_LINK) if _LINK.exists() else _UTC
    return Zone(variable=None, name=storable(_name_of_link()), rule=rule)


def variable_for(recorded: Zone, environment: Mapping[str, str]) -> str | None:
    """Say what `TZ` has to be so that local times are the recorded ones; None to leave it alone."""
    here = zone_here(environment)
    if here is None:
        return None
    if recorded.variable is None and here.variable is None and _same(recorded, here):
        return None
    wanted = recorded.name if recorded.variable is None else recorded.variable
    is_known = _file_of(wanted.removeprefix(":")) is not None
    return wanted if is_known or not recorded.rule else recorded.rule


def _same(one: Zone, other: Zone) -> bool:
    if one.name and other.name:
        return one.name == other.name
    return one.rule == other.rule


def _name_of_link() -> str:
    if _LINK.exists():
        place = os.path.realpath(_LINK)
        if _MARK in place:
            return place.rpartition(_MARK)[2]
    try:
        return _NAMED.read_text("utf-8").strip()
    except (OSError, ValueError):
        return ""


def _file_of(name: str) -> Path | None:
    """Find the file of a zone; None where this machine does not know it, or it is a rule."""
    if not name:
        return None
    places = [Path(name)] if name.startswith("/") else [folder / name for folder in _FOLDERS]
    return next((place for place in places if place.is_file()), None)


def _rule_in(file: Path) -> str:
    """Read the rule at the end of a zone's file, which is for all times that it does not list."""
    try:
        with file.open("rb") as source:
            data = source.read(_LARGEST)
    except OSError:
        return ""
    if not data.startswith(b"TZif") or data[4:5] < b"2" or not data.endswith(b"\n"):
        return ""
    return storable(data[:-1].rpartition(b"\n")[2].decode("ascii", "replace"))
