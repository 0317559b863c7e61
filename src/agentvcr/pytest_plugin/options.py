"""What a marked test is told to do: by the command line, its mark, a fixture and the settings.

Owns the options, their order of precedence, and the words for those that make no sense. Opens no
session (`active`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Final

import pytest

MARK: Final = "agentvcr"
UPDATE: Final = "--agentvcr-update"
MODES: Final = ("none", "once", "new_episodes", "all")
ON_MISS: Final = ("fail", "nearest", "live")
ORDERS: Final = ("recorded", "free")
CLOCKS: Final = ("virtual", "real")
COMPAT: Final = "agentvcr_compat"
SCOPES: Final = ("function", "class", "module")
_CHOICES: Final = {
    "mode": MODES,
    "on_miss": ON_MISS,
    "order": ORDERS,
    "clock": CLOCKS,
    "scope": SCOPES,
}


_HELP: Final = {
    "mode": "what to do about cassettes: replay only (none, the default), record where there is "
    "none (once), record what is new too (new_episodes), or record anew (all)",
    "on_miss": "what to do about a request that was not recorded: stop the test (fail, the "
    "default), answer with the most similar one (nearest), or ask the real service (live)",
    "order": "the order in which concurrent callers go on: that of the recording (recorded, the "
    "default), or none (free)",
}
"""The options, which are settings, too."""


def add_options(parser: pytest.Parser) -> None:
    """Add the options, and the settings of the same names."""
    group = parser.getgroup(MARK, "agentvcr: record and replay what agents ask")
    for name, text in _HELP.items():
        flag = f"--agentvcr-{name.replace('_', '-')}"
        choices = _CHOICES[name]
        group.addoption(flag, dest=f"agentvcr_{name}", choices=choices, default=None, help=text)
        parser.addini(f"agentvcr_{name}", text, default="")
    parser.addini(
        "agentvcr_cassette_dir",
        "folder of the cassettes, beside each file of tests (default: cassettes)",
        default="cassettes",
    )
    group.addoption(
        "--agentvcr-prune",
        action="store_true",
        help="delete cassettes that no collected test uses; needs whole files of tests",
    )
    about = "take the place of pytest-recording: its marks, fixtures, options and cassettes"
    group.addoption("--agentvcr-compat", dest=COMPAT, action="store_true", help=about)
    parser.addini(COMPAT, about, type="bool", default=False)
    parser.addini(
        f"{COMPAT}_format",
        "in what new cassettes are written then: yaml, as vcrpy does (the default), or avcr",
        default="yaml",
    )
    group.addoption(
        UPDATE,
        action="store_true",
        help="write the snapshots that tests compare their steps with",
    )


@dataclass(frozen=True)
class Plan:
    """What a mark says."""

    cassette: str | None = None
    scope: str = "function"
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Settings:
    """What holds for a session."""

    mode: Any = "none"
    on_miss: Any = "fail"
    order: Any = "recorded"
    clock: Any = "virtual"
    live: tuple[str, ...] = ()


def plan_of(item: pytest.Item) -> Plan:
    """Read the mark of a test.

    Raises:
        pytest.UsageError: It makes no sense.
    """
    mark = item.get_closest_marker(MARK)
    if mark is None:
        return Plan()
    where = f"@pytest.mark.{MARK} of {item.nodeid}"
    told = dict(mark.kwargs)
    names = [*mark.args, *([told.pop("cassette")] if "cassette" in told else [])]
    if len(names) > 1 or not all(isinstance(name, str) and name for name in names):
        raise pytest.UsageError(f"{where}: the cassette is one name, and not {names!r}")
    if names and (".." in PurePath(names[0]).parts or PurePath(names[0]).is_absolute()):
        raise pytest.UsageError(f"{where}: {names[0]!r} leads out of the folder of cassettes")
    scope = _checked({"scope": told.pop("scope", "function")}, where)["scope"]
    return Plan(names[0] if names else None, scope, _checked(told, where))


def settings_of(config: pytest.Config, plan: Plan, fixture: object, where: str) -> Settings:
    """Join what was told: the command line first, then the mark, the fixture and the settings.

    Raises:
        pytest.UsageError: The fixture or a setting makes no sense.
    """
    if not isinstance(fixture, Mapping):
        raise pytest.UsageError(f"agentvcr_config of {where} gives a dict, and not {fixture!r}")
    written = {name: config.getini(f"agentvcr_{name}") for name in _HELP}
    typed = {name: config.getoption(f"agentvcr_{name}") for name in _HELP}
    told = {
        **_checked({name: value for name, value in written.items() if value}, "the settings"),
        **_checked(dict(fixture), f"agentvcr_config of {where}"),
        **plan.settings,
        **{name: value for name, value in typed.items() if value is not None},
    }
    return Settings(**told)


def _checked(told: dict[str, Any], where: str) -> dict[str, Any]:
    for name, value in told.items():
        choices = _CHOICES.get(name)
        if choices is None and name != "live":
            known = ", ".join([*_CHOICES, "live"])
            raise pytest.UsageError(f"{where}: there is no {name!r}; there are {known}")
        if choices is not None and value not in choices:
            raise pytest.UsageError(
                f"{where}: {name} is one of {', '.join(choices)}, and not {value!r}"
            )
        if name == "live":
            if isinstance(value, str) or not all(isinstance(one, str) for one in value):
                raise pytest.UsageError(f'{where}: live is a list, as ["HOST:PORT"]')
            told[name] = tuple(value)
    return told
