"""Be pytest-recording: its marks, fixtures and options, with our engine behind vcrpy's cassettes.

Owns those names, so that a project's tests, fixtures and cassettes stay as they are. How a cassette
is opened is `interop.vcrpy_recording`, how it is asked `session.vcrpy`. Registered with
`--agentvcr-compat` alone, since two plugins cannot have the same options.

The names and their meaning are those of pytest-recording 0.14.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import pytest

from agentvcr.pytest_plugin import compat_hooks
from agentvcr.pytest_plugin.blocking import blocked
from agentvcr.pytest_plugin.options import MARK

FORMAT: Final = "agentvcr_compat_format"
_FORMATS: Final = ("yaml", "avcr")
_MODES: Final = ("once", "new_episodes", "none", "all", "rewrite")
_MARKS: Final = (
    "vcr: record what the test asks, and answer it from the cassette in the next run.",
    "block_network: refuse connections, except while a cassette records.",
    "default_cassette: name the test's cassette.",
    "allowed_hosts: patterns of hosts that may be connected.",
)
_MOST_TOLD: Final = 3
_FORBIDDEN: Final = str.maketrans(dict.fromkeys(r"<>?%*:|\"'/\\", "-"))
_UNDO: Final[pytest.StashKey[Callable[[], None]]] = pytest.StashKey()

Settings = dict[str, Any]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of pytest-recording."""
    group = parser.getgroup("recording")
    group.addoption(
        "--record-mode", choices=_MODES, default=None, help="VCR.py record mode. Default: none"
    )
    group.addoption(
        "--block-network",
        action="store_true",
        help="refuse connections, except while a cassette records",
    )
    group.addoption(
        "--allowed-hosts",
        default=None,
        help="patterns of hosts that may be connected all the same, separated by commas",
    )
    group.addoption("--disable-recording", action="store_true", help="use no cassettes")


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Add the hook of pytest-recording."""
    pluginmanager.add_hookspecs(compat_hooks)


def pytest_configure(config: pytest.Config) -> None:
    """Say what the marks mean.

    Raises:
        pytest.UsageError: The format is none that we know.
    """
    for line in _MARKS:
        config.addinivalue_line("markers", line)
    if config.getini(FORMAT) not in _FORMATS:
        raise pytest.UsageError(
            f"{FORMAT} is one of {', '.join(_FORMATS)}, and not {config.getini(FORMAT)!r}"
        )


def pytest_collection_finish(session: pytest.Session) -> None:
    """Take vcrpy's place before the first test, where one uses vcrpy."""
    is_marked = any(one.get_closest_marker("vcr") is not None for one in session.items)
    if is_marked or "vcr.config" in sys.modules:
        from agentvcr.session.vcrpy import take_over  # noqa: PLC0415  (for who uses vcrpy alone)

        session.config.stash[_UNDO] = take_over()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Give vcrpy its place back."""
    undo = config.stash.get(_UNDO, None)
    if undo is not None:
        undo()


@pytest.fixture(scope="session")
def record_mode(request: pytest.FixtureRequest) -> str:
    """Give the record mode of the command line."""
    return request.config.getoption("--record-mode") or "none"


@pytest.fixture(scope="session")
def disable_recording(request: pytest.FixtureRequest) -> bool:
    """Say whether cassettes are turned off."""
    return bool(request.config.getoption("--disable-recording"))


@pytest.fixture
def vcr_config() -> Settings:
    """Give what `VCR.use_cassette` takes: override it."""
    return {}


@pytest.fixture
def vcr_markers(request: pytest.FixtureRequest) -> list[pytest.Mark]:
    """Give the `vcr` marks of a test, the closest first."""
    return list(request.node.iter_markers(name="vcr"))


@pytest.fixture(scope="module")
def vcr_cassette_dir(request: pytest.FixtureRequest) -> str:
    """Give the folder of the cassettes of a file of tests: override it."""
    return str(request.node.path.parent / "cassettes" / request.node.path.stem)


@pytest.fixture
def default_cassette_name(request: pytest.FixtureRequest) -> str:
    """Give the name of a test's cassette, without the ending."""
    marker = request.node.get_closest_marker("default_cassette")
    if marker is None:
        return get_default_cassette_name(request.cls, request.node.name)
    if not marker.args:
        pytest.fail(
            "You should pass the cassette name as an argument to the "
            "`pytest.mark.default_cassette` marker",
            pytrace=False,
        )
    return str(marker.args[0])


def get_default_cassette_name(test_class: type | None, test_name: str) -> str:
    """Name a cassette as pytest-recording does; some fixtures call it by this name."""
    owner = f"{test_class.__name__}." if test_class else ""
    return (owner + test_name).translate(_FORBIDDEN)


@pytest.fixture
def allowed_hosts(request: pytest.FixtureRequest) -> list[str] | None:
    """Give the patterns of hosts that may be connected: those of the mark, or typed, or set."""
    mark = request.node.get_closest_marker(name="block_network")
    typed = request.config.getoption("--allowed-hosts")
    found = (mark.kwargs if mark else {}).get("allowed_hosts") or typed
    found = found or request.getfixturevalue("vcr_config").get("allowed_hosts")
    return found.split(",") if isinstance(found, str) else found


@pytest.fixture(autouse=True)
def block_network(
    request: pytest.FixtureRequest, record_mode: str, vcr_markers: list[pytest.Mark]
) -> Iterator[None]:
    """Refuse connections where that is asked for and nothing is recorded."""
    mark = request.node.get_closest_marker(name="block_network")
    if mark is not None:
        _check(mark)
    if vcr_markers and request.config.getoption("--record-mode") is None:
        told = _merged(request.getfixturevalue("vcr_config"), vcr_markers)
        record_mode = told.get("record_mode", "none")
    is_asked_for = mark is not None or request.config.getoption("--block-network")
    if is_asked_for and (not vcr_markers or record_mode == "none"):
        with blocked(request.getfixturevalue("allowed_hosts")):
            yield
    else:
        yield


@pytest.fixture(autouse=True)
def vcr(
    request: pytest.FixtureRequest,
    vcr_markers: list[pytest.Mark],
    vcr_cassette_dir: str,
    record_mode: str,
    disable_recording: bool,  # noqa: FBT001  (a fixture)
) -> Iterator[Any]:
    """Give the cassette of a marked test, which is in use as long as the test lasts."""
    if disable_recording or not vcr_markers:
        yield None
        return
    _misses()  # of the test before
    with _cassette(request, vcr_markers, vcr_cassette_dir, record_mode) as cassette:
        yield cassette


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say beside a failure what the test asked that its cassette has no answer for."""
    report = yield
    if report.failed and _UNDO in item.config.stash:
        misses = _misses()[:_MOST_TOLD]
        if misses:
            error = call.excinfo.value if call.excinfo else None
            report.sections.append((MARK, told_misses(misses, item, error)))
    return report


def told_misses(
    misses: Sequence[tuple[Any, Any]], item: pytest.Item, error: BaseException | None
) -> str:
    """Word requests that had no answer, and keep the first for the reports of the run."""
    from agentvcr.pytest_plugin import active_in  # noqa: PLC0415  (only for a miss)
    from agentvcr.pytest_plugin.reporting import rendered  # noqa: PLC0415  (as above)
    from agentvcr.session.vcrpy_miss import failure_of_miss  # noqa: PLC0415  (as above)

    def again(mode: str) -> tuple[str, ...]:
        asked_for = "rewrite" if mode == "all" else mode
        return ("pytest", f"--record-mode={asked_for}", item.nodeid)

    first, *others = (failure_of_miss(*miss) for miss in misses)
    told = active_in(item.config).reporting.told(
        first,
        item.nodeid,
        Path(misses[0][1]._path),  # noqa: SLF001  (vcrpy says it nowhere else)
        item=item,
        error=error,
        again=again,
    )
    return "\n\n".join([told, *(rendered(one) for one in others)])


def _misses() -> list[tuple[Any, Any]]:
    from agentvcr.session.vcrpy import take_misses  # noqa: PLC0415  (for who uses vcrpy alone)

    return take_misses()


def _cassette(
    request: pytest.FixtureRequest, marks: list[pytest.Mark], folder: str, mode: str
) -> Any:  # noqa: ANN401  (vcrpy has no types)
    from agentvcr.interop.vcrpy_recording import Opening, open_cassette  # noqa: PLC0415  (as above)
    from agentvcr.session.vcrpy import OwnFormat  # noqa: PLC0415  (as above)

    config = request.config
    opening = Opening(
        name=request.getfixturevalue("default_cassette_name"),
        folder=os.fspath(folder),
        mode=mode,
        extra=[path for mark in marks for path in mark.args],
        options=_merged(request.getfixturevalue("vcr_config"), marks),
    )
    return open_cassette(
        opening,
        lambda recorder: config.hook.pytest_recording_configure(config=config, vcr=recorder),
        OwnFormat(),
        writes_own=config.getini(FORMAT) == "avcr",
    )


def _merged(config: Settings, marks: list[pytest.Mark]) -> Settings:
    """Join the settings of a fixture and of marks, of which the closest counts most."""
    told = deepcopy(config)
    for mark in reversed(marks):
        told.update(mark.kwargs)
    return told


class UsageError(Exception):
    """A mark is used in a way that it is not meant for."""

    __module__ = "builtins"  # it is told as pytest-recording tells it


def _check(mark: pytest.Mark) -> None:
    """Refuse arguments that `block_network` does not take.

    Raises:
        UsageError: There are some.
    """
    if mark.args or list(mark.kwargs) not in ([], ["allowed_hosts"]):
        raise UsageError(
            "Invalid arguments to `block_network`. It accepts only the following keyword "
            f"arguments: `allowed_hosts`. Got args: {mark.args!r}; kwargs: {mark.kwargs!r}"
        )
